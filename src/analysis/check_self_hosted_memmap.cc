// A memory block that hosts its own memmap has it at its start.
//
// memmap_on_memory (5.14+): the first pages of the block, nr_vmemmap_pages or altmap->free of them, hold the struct pages
// of the block and nothing else, and its offline range begins behind them (mhp_init_memmap_on_memory_pages()). Memmap
// that lay anywhere else would keep another section, or would be handed out to users.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judgement.h"

namespace memsect {
namespace {

void judge_section(const MemoryModel& model, const MemoryBlock& block, const Section& section,
                   Judgement& judgement) {
  if (!section.memmap) return judgement.miss("the memmap", section.nr, section.memmap.error());
  const PhysRange head{
      model.geometry.section_range(SectionNr(block.id * model.geometry.sections_per_block)).start,
      std::min(*block.altmap_pages, model.geometry.pages_per_section() * model.geometry.sections_per_block)
          << model.geometry.page_shift};
  for (const PhysRange& range : section.memmap->backing) {
    if (head.contains(range.start) && range.size <= head.end() - range.start) continue;
    return judgement.find(
        "memmaps outside of the pages set apart for them",
        fmt::format(
            "memory{} hosts its own memmap in {} pages from {:#x} on, and memmap of section {} lies at {:#x}",
            block.id, *block.altmap_pages, head.start.raw(), section.nr.raw(), range.start.raw()));
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
