#include "view/blocks.h"

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

Result<int> run(CommonOptions& common, const SelectionOptions& options) {
  auto selection = parse_selection(options);
  if (!selection) return std::move(selection).error();
  auto loaded = load(common, {.usages = true, .section_zones = true, .nodes = true, .blocks = true});
  if (!loaded) return std::move(loaded).error();
  MemoryModel& model = (*loaded)->model;
  std::vector<const MemoryBlock*> blocks;
  if (!model.blocks) {
    model.incomplete = model.geometry.kind != MemoryModelKind::flatmem;
    model.notes.warn("the memory blocks cannot be listed: " + model.blocks.error().message);
  } else {
    for (const MemoryBlock& block : *model.blocks) {
      if (selection->selects(model, block)) blocks.push_back(&block);
    }
  }
  const bool nothing_matches = blocks.empty() && model.blocks && !model.blocks->empty();
  Report report = make_blocks_report(model, std::move(blocks));
  report.notes = model.notes;
  if (nothing_matches) report.notes.warn("nothing here matches the selection");
  return write_report(report, (*loaded)->kernel, common, model.incomplete);
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<SelectionOptions>();
  add_watch_option(app, common);
  add_selection_options(app, *options);
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command blocks_command{
    "blocks", "memory blocks as lsmem shows them",
    R"(The units of /sys/devices/system/memory, one row each. ZONE is the kernel's own record of the one zone
that spans the block (5.18+): where it is -, offlining is refused with EINVAL. ZONES is what the pages
say.

Examples:
  memsect blocks vmcore vmlinux
  memsect blocks --range 0x100000000-0x13fffffff vmcore vmlinux)",
    blocks_columns, add};

}  // namespace memsect
