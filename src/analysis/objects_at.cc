#include "analysis/objects_at.h"

#include <algorithm>

#include "analysis/dependencies.h"

namespace memsect {
namespace {

bool overlap(const std::vector<PhysRange>& ranges, PhysRange place) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const PhysRange& range) {
    return range.start < place.end() && place.start < range.end();
  });
}

bool lies_in(const Result<Placement>& placement, PhysRange place) {
  return placement && overlap(placement->phys, place);
}

/// The present sections from `first` on, `count` numbers of them.
std::vector<SectionNr> sections_from(const MemoryModel& model, SectionNr first, std::uint64_t count) {
  std::vector<SectionNr> numbers;
  for (const Section& section : model.sections) {
    if (section.nr >= first && section.nr - first < count) numbers.push_back(section.nr);
  }
  return numbers;
}

void add_roots(const MemoryModel& model, PhysRange place, std::vector<ObjectAt>& found) {
  if (lies_in(model.root_table, place)) {
    found.push_back({object_kind_name(ObjectKind::section_root_table),
                     model.root_table->address,
                     model.root_table->bytes,
                     sections_from(model, SectionNr(0), ~std::uint64_t{0}),
                     {}});
  }
  const std::uint64_t per_root = model.geometry.sections_per_root;
  for (const SectionRoot& root : model.roots) {
    if (!overlap(root.placement.phys, place)) continue;
    found.push_back({object_kind_name(ObjectKind::section_root),
                     root.placement.address,
                     root.placement.bytes,
                     sections_from(model, SectionNr(root.index * per_root), per_root),
                     {}});
  }
}

void add_memmaps(const MemoryModel& model, PhysRange place, std::vector<ObjectAt>& found) {
  ObjectAt memmap;
  for (const Section& section : model.sections) {
    if (!section.memmap || !overlap(section.memmap->backing, place)) continue;
    if (memmap.of_sections.empty()) {
      memmap = {object_kind_name(ObjectKind::memmap), section.memmap->address, section.memmap->bytes, {}, {}};
    }
    memmap.of_sections.push_back(section.nr);
  }
  if (!memmap.of_sections.empty()) found.push_back(std::move(memmap));
}

}  // namespace

std::vector<ObjectAt> objects_at(const MemoryModel& model, PhysRange place) {
  std::vector<ObjectAt> found;
  add_roots(model, place, found);
  for (const Node& node : model.nodes) {
    if (!lies_in(node.placement, place)) continue;
    found.push_back(
        {object_kind_name(ObjectKind::pgdat), node.placement->address, node.placement->bytes, {}, {node.id}});
  }
  for (const Section& section : model.sections) {
    if (!lies_in(section.usage, place)) continue;
    found.push_back({object_kind_name(ObjectKind::usage),
                     section.usage->address,
                     section.usage->bytes,
                     {section.nr},
                     {}});
  }
  if (model.blocks) {
    for (const MemoryBlock& block : *model.blocks) {
      if (!lies_in(block.placement, place)) continue;
      const std::uint64_t sections = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
      found.push_back({"memory_block",
                       block.placement->address,
                       block.placement->bytes,
                       sections_from(model, block.start_section, sections),
                       {}});
    }
  }
  add_memmaps(model, place, found);
  return found;
}

}  // namespace memsect
