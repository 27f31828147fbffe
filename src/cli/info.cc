#include "view/info.h"

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

/// What makedumpfile leaves out at a dump level, bit by bit (makedumpfile(8), -d).
List excluded_kinds(unsigned level) {
  List kinds;
  if ((level & 1) != 0) kinds.emplace_back("zero");
  if ((level & 2) != 0) kinds.emplace_back("cache");
  if ((level & 4) != 0) kinds.emplace_back("cache_private");
  if ((level & 8) != 0) kinds.emplace_back("user");
  if ((level & 16) != 0) kinds.emplace_back("free");
  return kinds;
}

Object dump_value(const DumpInfo& info) {
  return Object{{"format", info.format},
                {"level", info.level ? Value(*info.level) : Value()},
                {"compression", info.compression},
                {"parts", info.parts},
                {"flattened", info.flattened},
                {"truncated", info.truncated},
                {"excluded", info.level ? Value(excluded_kinds(*info.level))
                                        : Value(Absent{"not_applicable", "this format does not record it"})}};
}

Result<int> run(CommonOptions& common) {
  auto loaded = load(common, {.nodes = true, .blocks = true});
  if (!loaded) return std::move(loaded).error();
  const Kernel& kernel = (*loaded)->kernel;
  MemoryModel& model = (*loaded)->model;
  model.origin["phys_base"] = "vmcoreinfo: NUMBER(phys_base)";
  model.origin["kaslr_offset"] = "derived: _stext in VMCOREINFO less _stext in the symbols, or KERNELOFFSET";
  model.origin["page_offset"] = "symbol page_offset_base, or where the page tables map physical 0";
  const InfoFacts facts{kernel.arch_memory().phys_base, kernel.kaslr_offset(),
                        kernel.arch_memory().page_offset, dump_value(kernel.dump().info)};
  Report report = make_info_report(model, facts);
  report.notes = model.notes;
  return write_report(report, kernel, common, model.incomplete);
}

RunCommand add(CLI::App&, CommonOptions& common) {
  return [&common] { return run(common); };
}

}  // namespace

const Command info_command{"info", "the memory model's numbers, where each came from, and what the dump is",
                           R"(Examples:
  memsect info vmcore vmlinux
  memsect info --json vmcore vmlinux | jq .data.pageblock_order)",
                           info_columns, add};

}  // namespace memsect
