#include "analysis/objects_at.h"

#include <algorithm>
#include <optional>

#include "analysis/object_index.h"

namespace memsect {
namespace {

bool overlap(std::span<const PhysRange> ranges, PhysRange place) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const PhysRange& range) {
    return range.start < place.end() && place.start < range.end();
  });
}

}  // namespace

std::vector<ObjectAt> objects_at(const MemoryModel& model, PhysRange place) {
  std::vector<ObjectAt> found;
  std::optional<ObjectKind> last;
  visit_objects(model, [&](const PlacedObject& object, std::span<const PhysRange> stretches) {
    // Spare tail pages are not told: whose struct pages they will be is not decided.
    if (object.kind == ObjectKind::vmemmap_tail || !overlap(stretches, place)) return;
    // A page of struct pages that several sections share, or a device with several ranges.
    const bool same = last == object.kind &&
                      (object.kind == ObjectKind::memmap ||
                       (object.kind == ObjectKind::dev_pagemap && found.back().address == object.address));
    if (!same) found.push_back({object_kind_name(object.kind), object.address, object.bytes, {}, {}});
    last = object.kind;
    ObjectAt& at = found.back();
    if (object.sections == 0) at.of_nodes.push_back(object.node);
    for (const Section& section : model.sections_from(object.first, object.sections))
      at.of_sections.push_back(section.nr);
  });
  return found;
}

}  // namespace memsect
