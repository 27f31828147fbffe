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

void add_tables(const MemoryModel& model, PhysRange place, std::vector<ObjectAt>& found) {
  if (!model.page_tables) return;
  for (const TableRun& run : *model.page_tables) {
    if (!overlap({run.phys}, place)) continue;
    const bool vmemmap = run.maps == TableRun::Maps::vmemmap;
    found.push_back({object_kind_name(vmemmap ? ObjectKind::vmemmap_table : ObjectKind::direct_map_table),
                     run.address.value_or(VirtAddr()),
                     run.phys.size,
                     sections_from(model, run.first, run.last - run.first + 1),
                     {}});
  }
}

void add_device_maps(const MemoryModel& model, PhysRange place, std::vector<ObjectAt>& found) {
  if (!model.device_maps) return;
  for (const DeviceMap& map : *model.device_maps) {
    if (!overlap(map.placement.phys, place)) continue;
    ObjectAt object{
        object_kind_name(ObjectKind::dev_pagemap), map.placement.address, map.placement.bytes, {}, {}};
    for (const Section& section : model.sections) {
      if (overlap(map.ranges, model.geometry.section_range(section.nr)))
        object.of_sections.push_back(section.nr);
    }
    found.push_back(std::move(object));
  }
}

/// What the kernel keeps for one section: `part` of each.
void add_of_sections(const MemoryModel& model, ObjectKind kind, Result<Placement> Section::*part,
                     PhysRange place, std::vector<ObjectAt>& found) {
  for (const Section& section : model.sections) {
    const Result<Placement>& object = section.*part;
    if (!lies_in(object, place)) continue;
    found.push_back({object_kind_name(kind), object->address, object->bytes, {section.nr}, {}});
  }
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
  add_of_sections(model, ObjectKind::usage, &Section::usage, place, found);
  if (model.blocks) {
    for (const MemoryBlock& block : *model.blocks) {
      if (!lies_in(block.placement, place)) continue;
      const std::uint64_t sections = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
      found.push_back({object_kind_name(ObjectKind::memory_block),
                       block.placement->address,
                       block.placement->bytes,
                       sections_from(model, block.start_section, sections),
                       {}});
    }
  }
  add_memmaps(model, place, found);
  add_of_sections(model, ObjectKind::page_ext, &Section::page_ext, place, found);
  add_tables(model, place, found);
  add_of_sections(model, ObjectKind::kasan_shadow, &Section::kasan_shadow, place, found);
  add_device_maps(model, place, found);
  return found;
}

}  // namespace memsect
