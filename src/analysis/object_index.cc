#include "analysis/object_index.h"

#include <algorithm>
#include <tuple>

namespace memsect {
namespace {

/// Why the first object could not be placed. Lists that may be short count as well.
std::optional<Error> first_unplaced(const MemoryModel& model) {
  std::optional<Error> found = model.keepers_missing ? model.keepers_missing : model.blocks_short;
  const auto look = [&found](const auto& placed, const char* what) {
    if (!placed && placed.error().code != Errc::not_applicable && !found)
      found = Error(placed.error()).within(what);
  };
  look(model.root_table, "the section root table");
  for (const Node& node : model.nodes) {
    look(node.placement, "a pgdat");
    for (const Zone& zone : node.zones) look(zone.vmemmap_tails, "a zone's shared struct pages");
  }
  for (const Section& section : model.sections) {
    look(section.usage, "a usage");
    look(section.memmap, "a memmap");
    look(section.page_ext, "a page_ext");
    look(section.kasan_shadow, "a KASAN shadow");
  }
  look(model.blocks, "the memory blocks");
  look(model.page_tables, "the page tables");
  look(model.device_maps, "the dev_pagemaps");
  return found;
}

}  // namespace

ObjectIndex::ObjectIndex(const MemoryModel& model) : unplaced_(first_unplaced(model)) {
  const auto add = [&](const PlacedObject& object, std::span<const PhysRange> stretches) {
    for (const PhysRange& place : stretches) {
      if (place.empty()) continue;
      largest_ = std::max(largest_, place.size);
      for_each_served(model, object, [&](SectionNr first, std::uint64_t sections) {
        entries_.push_back({place, object});
        entries_.back().object.first = first;
        entries_.back().object.sections = sections;
      });
    }
  };
  visit_objects(model, {add, {}});
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tuple(a.place.start, a.object.first) < std::tuple(b.place.start, b.object.first);
  });
}

std::vector<const ObjectIndex::Entry*> ObjectIndex::in(PhysRange range) const {
  std::vector<const Entry*> found;
  const PhysAddr first(range.start.raw() > largest_ ? range.start.raw() - largest_ : 0);
  auto at = std::lower_bound(entries_.begin(), entries_.end(), first,
                             [](const Entry& entry, PhysAddr wanted) { return entry.place.start < wanted; });
  for (; at != entries_.end() && at->place.start < range.end(); ++at) {
    if (at->place.end() > range.start) found.push_back(&*at);
  }
  return found;
}

}  // namespace memsect
