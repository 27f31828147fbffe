// A memory block has the sections that its number says, and a hot-added one has all of them.
//
//   start_section_nr     block id x sections_per_block (init_memory_block())
//   sections             at least one is present: a block without is not made, and goes with its last section
//   hot-added            all are present: memory is added in whole blocks (add_memory_resource())
//
// A block of boot memory may have holes. One is taken for boot memory when a section of it is early; before 5.3 nothing
// tells, and holes pass.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

void judge_block(const MemoryModel& model, const MemoryBlock& block, Judgement& judgement) {
  const std::uint64_t per_block = model.geometry.sections_per_block;
  if (block.start_section.raw() != block.id * per_block) {
    judgement.find(
        "blocks that begin elsewhere",
        fmt::format("memory{} says that it begins at section {}; with {} sections a block it is {}", block.id,
                    block.start_section.raw(), per_block, block.id * per_block));
    return;
  }
  bool boot = !judgement.early_is_marked();
  const std::span<const Section> sections = sections_of(model, block);
  const std::uint64_t present = sections.size();
  for (const Section& section : sections) boot = boot || section.flags.early;
  if (judgement.model_is_short()) return;
  if (present == 0) {
    judgement.find("blocks without sections", fmt::format("memory{} has no present section", block.id));
  } else if (!boot && present < per_block) {
    judgement.find("hot-added blocks with holes",
                   fmt::format("memory{} was hot-added, and {} of its {} sections are present", block.id,
                               present, per_block));
  }
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  if (!model.blocks) {
    judgement.miss("the memory blocks", model.blocks.error());
  } else if (model.geometry.sections_per_block == 0 && !model.blocks->empty()) {
    judgement.miss("sections_per_block", Error{Errc::unsupported, "the symbol is not known", {}});
  } else {
    for (const MemoryBlock& block : *model.blocks) judge_block(model, block, judgement);
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check block_sections_check{"block_sections", "memory blocks have the sections that their numbers say",
                                 run};

}  // namespace memsect
