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
    const auto add_one = [&](ObjectKind kind, const Result<Placement>& object, bool permanent) {
      if (!object) return;
      add(object->phys, {{}, object_kind_name(kind), object->address, section.nr.raw(), 1, permanent});
    };
    add_one(ObjectKind::usage, section.usage, usage_is_from_boot(section, early_is_marked));
    add_one(ObjectKind::page_ext, section.page_ext, false);
    add_one(ObjectKind::kasan_shadow, section.kasan_shadow, section.flags.early);
    if (!section.memmap) continue;
    add(section.memmap->backing, {{},
                                  object_kind_name(ObjectKind::memmap),
                                  section.memmap->address,
                                  section.nr.raw(),
                                  1,
                                  model.keeps_memmap});
  }
}

void ObjectIndex::add_roots(const MemoryModel& model) {
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
}

void ObjectIndex::add_of_nodes(const MemoryModel& model) {
  for (const Node& node : model.nodes) {
    const auto id = static_cast<std::uint64_t>(raw(node.id));
    if (node.placement) {
      add(node.placement->phys,
          {{}, object_kind_name(ObjectKind::pgdat), node.placement->address, id, 0, true});
    }
    for (const Zone& zone : node.zones) {
      if (!zone.vmemmap_tails) continue;
      for (const SharedPage& tail : *zone.vmemmap_tails) {
        add({{tail.phys, model.geometry.page_size()}},
            {{}, object_kind_name(ObjectKind::vmemmap_tail), {}, id, 0, true});
      }
    }
  }
}

void ObjectIndex::add_blocks(const MemoryModel& model) {
  if (!model.blocks) return;
  const std::uint64_t per_block = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
  for (const MemoryBlock& block : *model.blocks) {
    if (!block.placement) continue;
    add(block.placement->phys, {{},
                                object_kind_name(ObjectKind::memory_block),
                                block.placement->address,
                                block.start_section.raw(),
                                per_block,
                                false});
  }
}

void ObjectIndex::add_tables(const MemoryModel& model) {
  if (!model.page_tables) return;
  for (const TableRun& run : *model.page_tables) {
    const bool vmemmap = run.maps == TableRun::Maps::vmemmap;
    add({run.phys}, {{},
                     object_kind_name(vmemmap ? ObjectKind::vmemmap_table : ObjectKind::direct_map_table),
                     run.address.value_or(VirtAddr()),
                     run.first.raw(),
                     run.last - run.first + 1,
                     run.permanent});
  }
}

void ObjectIndex::add_device_maps(const MemoryModel& model) {
  if (!model.device_maps) return;
  for (const DeviceMap& map : *model.device_maps) {
    if (map.ranges.empty()) continue;
    const SectionNr first = model.geometry.phys_to_section_nr(map.ranges.front().start);
    const SectionNr last = model.geometry.phys_to_section_nr(map.ranges.back().end() - 1);
    add(map.placement.phys, {{},
                             object_kind_name(ObjectKind::dev_pagemap),
                             map.placement.address,
                             first.raw(),
                             last - first + 1,
                             false});
  }
}

ObjectIndex::ObjectIndex(const MemoryModel& model) {
  add_roots(model);
  add_of_nodes(model);
  add_of_sections(model);
  add_blocks(model);
  add_tables(model);
  add_device_maps(model);
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
