// Memory blocks and section flags agree on what is online.
//
//   block online     its sections are; in a block of boot memory the early ones: a device may have taken the holes
//   block offline    none of its sections is
//   section online   a block has it
//
// memory_subsys_online() and memory_subsys_offline() change both (online_mem_sections(), offline_mem_sections()), the
// block's state last. Blocks that are on their way (going_offline, ...) are left alone. A dump that was taken while a
// block came online shows sections online in a block that is not yet: a finding that is no damage. Before 4.13 sections
// have no online bit.
#include <fmt/format.h>

#include <vector>

#include "analysis/judgement.h"
#include "analysis/words.h"

namespace memsect {
namespace {

void judge_block(const MemoryModel& model, const MemoryBlock& block, Judgement& judgement) {
  if (block.state != "online" && block.state != "offline") return;
  const bool online = block.state == "online";
  const std::span<const Section> sections = sections_of(model, block);
  bool boot = !judgement.early_is_marked();
  for (const Section& section : sections) boot = boot || section.flags.early;
  std::vector<SectionNr> others;
  for (const Section& section : sections) {
    const bool may_be_device = online && boot && !section.flags.early;
    if (section.flags.online != online && !may_be_device) others.push_back(section.nr);
  }
  if (others.empty()) return;
  judgement.find("blocks that differ from their sections",
                 fmt::format("memory{} is {}, {} {} {}", block.id, block.state, sections_text(others),
                             others.size() == 1 ? "is" : "are", online ? "not" : "online"));
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  if (!model.blocks) {
    judgement.miss("the memory blocks", model.blocks.error());
    return std::move(judgement).finish();
  }
  if (model.geometry.sections_per_block == 0) {
    if (!model.blocks->empty())
      judgement.miss("sections_per_block", Error{Errc::unsupported, "the symbol is not known", {}});
    return std::move(judgement).finish();
  }
  for (const MemoryBlock& block : *model.blocks) {
    if (!block.zone && block.zone.error().code == Errc::in_flux) {
      judgement.miss(fmt::format("the state of memory{}", block.id), block.zone.error());
      continue;
    }
    judge_block(model, block, judgement);
  }
  for (const Section& section : model.sections) {
    if (!section.flags.online || model.block_of(section.nr) != nullptr || judgement.model_is_short())
      continue;
    judgement.find("online sections without a block",
                   fmt::format("section {} is online, and no memory block has it", section.nr.raw()));
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check block_state_check{"block_state", "memory blocks are online where their sections are", run};

}  // namespace memsect
