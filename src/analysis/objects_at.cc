#include "analysis/objects_at.h"

#include <algorithm>
#include <optional>

#include "analysis/object_kinds.h"

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
  const auto look_at = [&](const PlacedObject& object, std::span<const PhysRange> stretches) {
    // Spare tail pages are not told: whose struct pages they will be is not decided.
    if (object.kind == ObjectKind::vmemmap_tail || !overlap(stretches, place)) return;
    // A page of struct pages that several sections share.
    const bool same = last == object.kind && object.kind == ObjectKind::memmap;
    if (!same) found.push_back({object_kind_name(object.kind), object.address, object.bytes, {}, {}});
    last = object.kind;
    ObjectAt& at = found.back();
    if (facts_of(object.kind).serves_nodes) return at.of_nodes.push_back(object.node);
    for_each_served(model, object, [&](SectionNr first, std::uint64_t sections) {
      for (const Section& section : model.sections_from(first, sections))
        at.of_sections.push_back(section.nr);
    });
  };
  visit_objects(model, {look_at, {}});
  return found;
}

}  // namespace memsect
