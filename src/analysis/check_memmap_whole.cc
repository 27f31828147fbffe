// The memmap is mapped as far as the section has memory.
//
//   classic SPARSEMEM    all of it: one allocation for each section (sparse_buffer_alloc(), kvmalloc at hot-plug)
//   VMEMMAP, early       all of it: __populate_section_memmap() at boot is asked for whole sections, and pfn_valid() says
//                        yes for each page of an early section (5.3+)
//   VMEMMAP, added later the struct pages of its populated subsections (section_activate() with a part of a section: a
//                        device's memory); of all of them where there is no subsection map
//
// Shared pages of HugeTLB's vmemmap optimisation are mapped, if many times to one place.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  const std::uint64_t per_unit = model.geometry.pages_per_subsection() * model.geometry.struct_page_size;
  for (const Section& section : model.sections) {
    if (!section.memmap) {
      judgement.miss("the memmap", section.nr, section.memmap.error());
      continue;
    }
    std::uint64_t want = section.memmap->bytes;
    const bool may_be_partial = model.geometry.kind == MemoryModelKind::sparsemem_vmemmap &&
                                !section.flags.early && model.geometry.has_subsection_map;
    if (may_be_partial && !section.subsections) {
      judgement.miss("the subsection map", section.nr, section.subsections.error());
      continue;
    }
    if (may_be_partial) want = std::min(want, section.subsections->populated() * per_unit);
    const std::uint64_t mapped = section.memmap->mapped_bytes();
    if (mapped >= want) continue;
    judgement.find("sections whose memmap is mapped in part",
                   fmt::format("section {}: {} bytes of its memmap at {:#x} are mapped, {} are needed",
                               section.nr.raw(), mapped, section.memmap->address.raw(), want));
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check memmap_whole_check{"memmap_whole",
                               "the memmap of each section is mapped as far as the section has memory", run};

}  // namespace memsect
