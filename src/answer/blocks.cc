#include "view/blocks.h"

#include "answer/selection.h"
#include "answer/session.h"
namespace memsect {
namespace {

std::vector<OptionSpec> options() { return selection_options(); }

Result<Answer> ask(Session& session, const Asked& asked) {
  auto selection = parse_selection(asked.options);
  if (!selection) return std::move(selection).error();
  auto model = session.load({.usages = true, .section_zones = true, .nodes = true, .blocks = true});
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<MemoryModel>(std::move(*model));
  std::vector<const MemoryBlock*> blocks;
  if (!kept->blocks) {
    kept->incomplete = kept->geometry.kind != MemoryModelKind::flatmem;
    kept->notes.warn("the memory blocks cannot be listed: " + kept->blocks.error().message);
  } else {
    for (const MemoryBlock& block : *kept->blocks) {
      if (selection->selects(*kept, block)) blocks.push_back(&block);
    }
  }
  const bool nothing_matches = blocks.empty() && kept->blocks && !kept->blocks->empty();
  Report report = make_blocks_report(*kept, std::move(blocks));
  report.notes = kept->notes;
  if (nothing_matches) report.notes.warn("nothing here matches the selection");
  return Answer{std::move(report), kept->incomplete, false, kept};
}

}  // namespace

const Question blocks_question{
    .name = "blocks",
    .summary = "list memory blocks, as lsmem does",
    .help =
        R"(The units of /sys/devices/system/memory, one row per block. ZONE is the kernel's own record of the one zone
that spans the block (5.18+): where it is -, offlining is refused with EINVAL. ZONES is what the pages
say.

Examples:
  memsect blocks vmcore vmlinux
  memsect blocks --range 0x100000000-0x13fffffff vmcore vmlinux)",
    .columns = blocks_columns,
    .options = options,
    .ask = ask,
    .can_be_watched = true};

}  // namespace memsect
