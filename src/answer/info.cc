#include "view/info.h"

#include "answer/session.h"
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

std::vector<OptionSpec> options() { return {}; }

Result<Answer> ask(Session& session, const Asked&) {
  auto model = session.load({.nodes = true, .blocks = true});
  if (!model) return std::move(model).error();
  const Kernel& kernel = session.kernel();
  const auto kept = std::make_shared<MemoryModel>(std::move(*model));
  kept->origin["phys_base"] = "vmcoreinfo: NUMBER(phys_base)";
  kept->origin["kaslr_offset"] = "derived: _stext in VMCOREINFO less _stext in the symbols, or KERNELOFFSET";
  kept->origin["page_offset"] = "symbol page_offset_base, or where the page tables map physical 0";
  const InfoFacts facts{kernel.arch_memory().phys_base, kernel.kaslr_offset(),
                        kernel.arch_memory().page_offset, dump_value(kernel.dump().info)};
  Report report = make_info_report(*kept, facts);
  report.notes = kept->notes;
  return Answer{std::move(report), kept->incomplete, false, kept};
}

}  // namespace

const Question info_question{
    .name = "info",
    .summary = "show the parameters of the memory model, their origin, and the dump's format",
    .help = R"(Examples:
  memsect info vmcore vmlinux
  memsect info --json vmcore vmlinux | jq .data.pageblock_order)",
    .columns = info_columns,
    .options = options,
    .ask = ask};

}  // namespace memsect
