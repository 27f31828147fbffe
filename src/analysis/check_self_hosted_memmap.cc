// Of a memory block that hosts its own memmap, the pages set apart for it hold all memmap that lies in the block.
//
// memmap_on_memory (5.14+): the first pages of the block, nr_vmemmap_pages or altmap->free of them, are for the struct
// pages of the block, and its offline range begins behind them (mhp_init_memmap_on_memory()). Memmap behind them would
// be handed out to users. That some lies outside of the block is no fault: where one entry of the page tables maps the
// memmap of many blocks (ppc64, 2 GiB of memory), it may have been there before the block came.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judgement.h"

namespace memsect {
namespace {

void judge_section(const MemoryModel& model, const MemoryBlock& block, const Section& section,
                   Judgement& judgement) {
  if (!section.memmap) return judgement.miss("the memmap", section.nr, section.memmap.error());
  const std::uint64_t per_block = model.geometry.sections_per_block;
  const PhysRange whole{model.geometry.section_range(SectionNr(block.id * per_block)).start,
                        per_block * model.geometry.section_size()};
  const std::uint64_t pages = std::min(*block.altmap_pages, whole.size >> model.geometry.page_shift);
  const PhysAddr head_end = whole.start + (pages << model.geometry.page_shift);
  for (const PhysRange& range : section.memmap->backing) {
    const PhysAddr from = std::max(range.start, whole.start);
    const PhysAddr end = std::min(range.end(), whole.end());
    if (from >= end || end <= head_end) continue;
    return judgement.find(
        "memmaps outside of the pages set apart for them",
        fmt::format("memory{} hosts its own memmap in {} pages from {:#x} on, and memmap of section "
                    "{} lies behind them, at {:#x}",
                    block.id, *block.altmap_pages, whole.start.raw(), section.nr.raw(),
                    std::max(from, head_end).raw()));
  }
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  bool any = false;
  if (!model.blocks) {
    judgement.miss("the memory blocks", model.blocks.error());
    return std::move(judgement).finish();
  }
  for (const MemoryBlock& block : *model.blocks) {
    if (!block.altmap_pages) {
      judgement.miss(fmt::format("the altmap of memory{}", block.id), block.altmap_pages.error());
      any = any || block.altmap_pages.error().code != Errc::not_applicable;
      continue;
    }
    if (*block.altmap_pages == 0) continue;
    any = true;
    for (const Section& section : sections_of(model, block)) judge_section(model, block, section, judgement);
  }
  if (!any && !model.incomplete) return nothing_to_judge("no memory block hosts its own memmap");
  return std::move(judgement).finish();
}

}  // namespace

const Check self_hosted_memmap_check{"self_hosted_memmap",
                                     "a memory block that hosts its own memmap has it at its start", run};

}  // namespace memsect
