// No struct page belongs to two sections: decoded memmaps are apart in virtual memory.
//
// With VMEMMAP this follows from the one base; in classic SPARSEMEM each section's memmap is an allocation of its own,
// and one damaged section_mem_map may well lead into another one's.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  const std::uint64_t bytes = model.geometry.pages_per_section() * model.geometry.struct_page_size;
  std::vector<const Section*> by_address;
  for (const Section& section : model.sections) {
    if (section.flags.has_mem_map) by_address.push_back(&section);
  }
  std::stable_sort(by_address.begin(), by_address.end(),
                   [](const Section* a, const Section* b) { return a->mem_map < b->mem_map; });
  for (std::size_t i = 1; i < by_address.size(); ++i) {
    const Section& one = *by_address[i - 1];
    const Section& next = *by_address[i];
    if (next.mem_map - one.mem_map >= bytes) continue;
    judgement.find("sections whose memmaps overlap",
                   fmt::format("the memmaps of sections {} and {} overlap: {} bytes each at {:#x} and {:#x}",
                               std::min(one.nr, next.nr).raw(), std::max(one.nr, next.nr).raw(), bytes,
                               one.mem_map.raw(), next.mem_map.raw()));
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check memmap_apart_check{"memmap_apart", "no struct page belongs to two sections", run};

}  // namespace memsect
