// zone.vm_stat[NR_FREE_PAGES] and what of it the zone keeps back (__zone_watermark_ok()):
//
//   zone._watermark[WMARK_MIN]         (watermark up to 4.20)
//   zone.lowmem_reserve[highest]       for pages that could come from a higher zone: ZONE_MOVABLE, or ZONE_NORMAL for
//                                      pages that lie below (alloc_migration_target())
//   pglist_data.vm_stat[NR_*_FILE]     page cache, which the allocation drops before it fails
//
// Differences that CPUs keep of the counters are not added: near enough for a hint.
#include "offlining/migration_room.h"

#include <algorithm>
#include <optional>

#include "kernel/kernel.h"

namespace memsect {
namespace {

/// An element of an array of longs.
std::optional<Field> element(const StructLayout& layout, std::string_view array,
                             const Result<std::int64_t>& index) {
  const Member* const member = layout.find(array);
  if (member == nullptr || !index || *index < 0 || static_cast<std::uint64_t>(*index) >= member->elements)
    return std::nullopt;
  if (member->element_size != 4 && member->element_size != 8) return std::nullopt;
  return Field(member->offset + static_cast<std::uint64_t>(*index) * member->element_size,
               member->element_size, layout.order);
}

struct Layout {
  std::uint64_t zones_offset = 0, zone_size = 0;
  std::optional<Field> free, min, reserve_movable, reserve_normal;
  std::vector<Field> file_pages;  ///< in pglist_data
};

Result<Layout> find_layout(const TypeSource& types) {
  const auto pgdat = types.find_struct("pglist_data");
  if (!pgdat) return pgdat.error();
  const auto zone = types.find_struct("zone");
  if (!zone) return zone.error();
  const auto zones = pgdat->member("node_zones");
  if (!zones) return zones.error();
  Layout layout;
  layout.zones_offset = zones->offset;
  layout.zone_size = zone->size;
  layout.free = element(*zone, "vm_stat", types.find_enumerator("zone_stat_item", "NR_FREE_PAGES"));
  if (!layout.free) return Error{Errc::no_member, "zone.vm_stat[NR_FREE_PAGES] is not known", {}};
  const auto min = types.find_enumerator("zone_watermarks", "WMARK_MIN");
  layout.min = element(*zone, zone->has("_watermark") ? "_watermark" : "watermark", min);
  layout.reserve_movable =
      element(*zone, "lowmem_reserve", types.find_enumerator("zone_type", "ZONE_MOVABLE"));
  layout.reserve_normal = element(*zone, "lowmem_reserve", types.find_enumerator("zone_type", "ZONE_NORMAL"));
  for (const char* list : {"NR_INACTIVE_FILE", "NR_ACTIVE_FILE"}) {  // 4.8+
    if (const auto field = element(*pgdat, "vm_stat", types.find_enumerator("node_stat_item", list)))
      layout.file_pages.push_back(*field);
  }
  return layout;
}

class Reader {
 public:
  explicit Reader(const Kernel& kernel) : space_(kernel.space()), order_(kernel.order()) {}

  /// A counter that CPUs bring up to date late may be negative for a moment: there is nothing then.
  std::uint64_t counter(VirtAddr at, const std::optional<Field>& field) {
    if (!field || failure_) return 0;
    const auto number = space_.read_number(at + field->offset(), field->size(), order_);
    if (!number) {
      failure_ = number.error();
      return 0;
    }
    return *number >> (8 * field->size() - 1) != 0 ? 0 : *number;
  }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  AddressSpace space_;
  ByteOrder order_;
  std::optional<Error> failure_;
};

std::uint64_t above(std::uint64_t free, std::uint64_t kept) { return free > kept ? free - kept : 0; }

}  // namespace

Result<MigrationRoom> load_migration_room(const Kernel& kernel, const MemoryModel& model) {
  const auto layout = find_layout(kernel.types());
  if (!layout) return layout.error();
  Reader reader(kernel);
  MigrationRoom rooms;
  for (const Node& node : model.nodes) {
    if (node.has_memory ? !*node.has_memory : node.numbers && node.present_pages == 0) continue;
    NodeRoom& room = rooms[node.id];
    for (const Zone& zone : node.zones) {
      if (zone.numbers && zone.present_pages == 0) continue;
      const VirtAddr at = node.pgdat + layout->zones_offset + zone.index * layout->zone_size;
      const std::uint64_t free = reader.counter(at, layout->free), min = reader.counter(at, layout->min);
      room.for_movable += above(free, min + reader.counter(at, layout->reserve_movable));
      // The page allocator never takes pages for others out of ZONE_MOVABLE.
      if (zone.name != "Movable")
        room.for_others += above(free, min + reader.counter(at, layout->reserve_normal));
    }
    for (const Field& list : layout->file_pages) room.file_pages += reader.counter(node.pgdat, list);
  }
  if (reader.failure()) return Error(*reader.failure()).within("free pages of the nodes");
  return rooms;
}

}  // namespace memsect
