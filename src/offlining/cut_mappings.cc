// can_unmap_without_split() of arch/arm64/mm/mmu.c, which prevent_memory_remove_notifier() asks for boot memory's sake and
// for this: the mapping of a block is taken away by whole leaves of the page tables, entries with the contiguous bit
// counting as one leaf. Both ends of the block have to be ends of a leaf, in the direct map and in the vmemmap:
//
//   vmemmap   |<--------- leaf of 2 MiB --------->|<--------- leaf --------->
//   blocks    | struct pages of the block itself  ^ start of the block: fine
//             | its own | ^ where the range begins that goes offline, with memmap_on_memory: cut, EPERM
//
// Early sections are not looked at: they stay for another reason.
#include "offlining/cut_mappings.h"

#include <algorithm>

#include "kernel/kernel.h"

namespace memsect {
namespace {

/// The bytes of the leaf that has `at` inside of it, 0 where none has.
Result<std::uint64_t> cut_leaf(const Kernel& kernel, VirtAddr at) {
  auto size = kernel.arch_memory().translator->leaf_size_at(at);
  if (!size) return size;
  return *size != 0 && at.raw() % *size != 0 ? *size : 0;
}

std::vector<PhysAddr> edges_of(const MemoryModel& model) {
  const MemoryGeometry& geometry = model.geometry;
  std::vector<PhysAddr> edges;
  for (const Section& section : model.sections) {
    if (section.flags.early || !section.flags.online) continue;
    const PhysRange range = geometry.section_range(section.nr);
    edges.push_back(range.start);
    edges.push_back(range.end());
  }
  if (model.blocks) {
    for (const MemoryBlock& block : *model.blocks) {
      if (!block.altmap_pages || *block.altmap_pages >> (63 - geometry.page_shift) != 0) continue;
      const PhysAddr start = geometry.section_range(block.start_section).start;
      edges.push_back(start + (*block.altmap_pages << geometry.page_shift));
    }
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

}  // namespace

std::vector<MappingEdge> find_cut_mappings(const Kernel& kernel, const MemoryModel& model) {
  const auto direct_map = kernel.arch_memory().page_offset;
  std::vector<MappingEdge> cut;
  for (const PhysAddr at : edges_of(model)) {
    MappingEdge edge;
    edge.at = at;
    if (direct_map) {
      edge.direct_map = cut_leaf(kernel, *direct_map + at.raw());
    } else {
      edge.direct_map = Error{Errc::unsupported, "where the direct map lies is not known", {}};
    }
    if (model.vmemmap) {
      edge.memmap = cut_leaf(
          kernel, *model.vmemmap + model.geometry.phys_to_pfn(at).raw() * model.geometry.struct_page_size);
    } else {
      edge.memmap = Error{Errc::unsupported, "where the struct pages are mapped is not known", {}};
    }
    const bool whole = edge.direct_map && edge.memmap && *edge.direct_map == 0 && *edge.memmap == 0;
    if (!whole) cut.push_back(std::move(edge));
  }
  return cut;
}

}  // namespace memsect
