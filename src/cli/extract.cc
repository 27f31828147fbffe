#include "view/extract.h"

#include <fmt/format.h>

#include "answer/session.h"
#include "base/output_file.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "extract/plan_extract.h"
#include "formats/dump_writer.h"
#include "kernel/kernel.h"
#include "memory/recording_memory.h"

namespace memsect {
namespace {

struct Options {
  std::string format = "kdump";
  bool without_types = false;
};

std::uint64_t stored_pages(const ExtractPlan& plan) {
  std::uint64_t count = 0;
  for (const PageRun& run : plan.pages) {
    if (run.state == PageRun::State::stored) count += run.count;
  }
  return count;
}

NewDump describe(const Kernel& kernel, const ExtractPlan& plan, Progress& progress) {
  NewDump dump;
  dump.order = kernel.order();
  dump.page_size = kernel.page_size();
  dump.elf_machine = kernel.arch().elf_machine;
  dump.machine = kernel.arch().name;
  dump.release = kernel.release();
  dump.vmcoreinfo = kernel.dump().vmcoreinfo;
  if (const auto& page_offset = kernel.arch_memory().page_offset) dump.direct_map = page_offset->raw();
  const auto text = kernel.address_of("_text");
  const auto end = kernel.address_of("_end");
  constexpr std::uint64_t largest_image = std::uint64_t{1} << 30;
  if (text && end && *end - *text <= largest_image) {
    const auto phys = kernel.space().translate(*text);
    if (phys) dump.image = {text->raw(), phys->raw(), *end - *text};
  }
  dump.runs = plan.pages;
  dump.read_page = [&memory = *kernel.dump().memory, &plan, &progress](
                       Pfn pfn, std::span<std::byte> page) -> Result<void> {
    progress.advance(1);
    const PhysAddr start(pfn.raw() * page.size());
    for (const PhysRange& part : plan.wanted.within({start, page.size()})) {
      auto done = memory.read(part.start, page.subspan(part.start - start, part.size));
      if (!done)
        return std::move(done).error().within(fmt::format("page at physical address {:#x}", start.raw()));
    }
    return {};
  };
  return dump;
}

Result<int> run(CommonOptions& common, const Options& options) {
  if (common.to.empty()) {
    return Error{Errc::usage, "extract needs --to FILE", "memsect extract VMCORE [VMLINUX] --to SMALL"};
  }
  if (common.input.force) {
    return Error{Errc::usage, "extract does not go with --force",
                 "with the addresses of another kernel nobody knows what would get into the extract"};
  }
  auto inputs = open_files(common);
  if (!inputs) return std::move(inputs).error();
  if (!inputs->dump) {
    return Error{Errc::usage, "extract needs a dump: the running kernel changes while it would be copied",
                 "take a dump first, with makedumpfile of /proc/vmcore or by the hypervisor"};
  }
  AccessRecord record;
  auto kernel = open_kernel(*inputs, common, &record);
  if (!kernel) return std::move(kernel).error();
  const std::string& dump_path = kernel->files().front().path;
  if (auto own = refuse_own_input(common.to, *kernel); !own) return std::move(own).error();
  auto out = OutputFile::create(common.to);
  if (!out) return std::move(out).error();
  if (auto done = leave_privileges(*kernel, common, true); !done) return std::move(done).error();
  auto plan = plan_extract(*kernel, record, {.types = !options.without_types});
  if (!plan) return std::move(plan).error().within(dump_path);
  const auto written = [&] {
    Progress progress("writing " + common.to, stored_pages(*plan));
    const NewDump dump = describe(*kernel, *plan, progress);
    return options.format == "elf" ? write_elf_core(dump, **out) : write_kdump(dump, **out);
  }();
  if (!written) return Error(written.error()).within(dump_path);

  Report report = make_extract_report(*plan, {common.to, options.format, (*out)->size()});
  CommonOptions to_stdout = common;
  to_stdout.to.clear();
  complete_report(report, *kernel);
  return write_report(report, to_stdout, plan->incomplete);
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.get_option("--to")->description("the new dump (required); the table goes to standard output");
  app.add_option("--as", options->format, "kdump (compressed) or elf")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"kdump", "elf"}));
  app.add_flag("--without-types", options->without_types, "leave out the kernel's BTF and symbol table");
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command extract_command{
    .name = "extract",
    .summary = "write a small dump with only the metadata that memsect reads",
    .help =
        R"(Writes a dump with the kernel's sparse-memory metadata and nothing else: page tables, section roots,
usages, pgdats, memmap, memory blocks, VMCOREINFO, BTF and kallsyms. Every byte of a page that no
command reads is zero there, and pages whose struct page says that they are free, page cache, anonymous
or mapped stay out. Of kernels booted with page_owner=on, the notes on all pages go along, with the
names of the programs that allocated them. All commands answer as on the original, but for what `info`
says of the file itself, and drgn can open it. The table says what was taken, and what the dump lacks of
it. An ELF file cannot tell pages that were filtered out from others that are not in it.

Examples:
  memsect extract vmcore vmlinux --to vmcore.small
  memsect extract vmcore vmlinux --to small.elf --as elf --without-types)",
    .columns = extract_columns,
    .add = add};

}  // namespace memsect
