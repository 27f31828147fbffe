#include "analysis/object_index.h"

#include <algorithm>

#include "analysis/dependencies.h"
#include "analysis/holders.h"

namespace memsect {

void ObjectIndex::add(const std::vector<PhysRange>& places, const PlacedObject& object) {
  for (const PhysRange& place : places) {
    if (place.empty()) continue;
    objects_.push_back(object);
    objects_.back().place = place;
    largest_ = std::max(largest_, place.size);
  }
}

void ObjectIndex::add_of_sections(const MemoryModel& model) {
  const bool early_is_marked = marks_early_sections(model);
  for (const Section& section : model.sections) {
    const std::uint64_t nr = section.nr.raw();
    if (section.usage) {
      const bool permanent = usage_is_from_boot(section, early_is_marked);
      add(section.usage->phys,
          {{}, object_kind_name(ObjectKind::usage), section.usage->address, nr, 1, permanent});
    }
    if (section.memmap) {
      add(section.memmap->backing,
          {{}, object_kind_name(ObjectKind::memmap), section.memmap->address, nr, 1, false});
    }
  }
}

ObjectIndex::ObjectIndex(const MemoryModel& model) {
  const std::uint64_t per_root = model.geometry.sections_per_root;
  if (model.root_table) {
    add(model.root_table->phys, {{},
                                 object_kind_name(ObjectKind::section_root_table),
                                 model.root_table->address,
                                 0,
                                 model.geometry.nr_mem_sections(),
                                 true});
  }
  for (const SectionRoot& root : model.roots) {
    add(root.placement.phys, {{},
                              object_kind_name(ObjectKind::section_root),
                              root.placement.address,
                              root.index * per_root,
                              per_root,
                              true});
  }
  for (const Node& node : model.nodes) {
    if (!node.placement) continue;
    const auto id = static_cast<std::uint64_t>(raw(node.id));
    add(node.placement->phys,
        {{}, object_kind_name(ObjectKind::pgdat), node.placement->address, id, 0, true});
  }
  add_of_sections(model);
  if (model.blocks) {
    const std::uint64_t per_block = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
    for (const MemoryBlock& block : *model.blocks) {
      if (!block.placement) continue;
      add(block.placement->phys,
          {{}, "memory_block", block.placement->address, block.start_section.raw(), per_block, false});
    }
  }
  std::sort(objects_.begin(), objects_.end(), [](const PlacedObject& a, const PlacedObject& b) {
    return a.place.start != b.place.start ? a.place.start < b.place.start : a.first_of < b.first_of;
  });
}

std::vector<const PlacedObject*> ObjectIndex::in(PhysRange range) const {
  std::vector<const PlacedObject*> found;
  const std::uint64_t first = range.start.raw() > largest_ ? range.start.raw() - largest_ : 0;
  auto at = std::lower_bound(
      objects_.begin(), objects_.end(), first,
      [](const PlacedObject& object, std::uint64_t wanted) { return object.place.start.raw() < wanted; });
  for (; at != objects_.end() && at->place.start < range.end(); ++at) {
    if (at->place.end() > range.start) found.push_back(&*at);
  }
  return found;
}

}  // namespace memsect
