// Memory that drivers manage (mm/memremap.c), and the pages that share struct pages for it.
//
//   pgmap_array (xarray, 4.20+) : pfn range -> struct dev_pagemap { altmap, flags, type, range or ranges[] }
//   zone.vmemmap_tails[] (7.1+) : struct page * -> the page that all optimised huge pages of an order map
//
// An entry of pgmap_array covers a range of indexes and shows once in every node of the tree that it crosses; which pfns
// it is for says the dev_pagemap itself. It lies in whatever the driver allocated, in slab memory as a rule.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "decode/steps.h"
#include "decode/xarray.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::uint64_t most_ranges = 4096;  // as many as a device has pieces of memory

struct AltmapFields {
  std::uint64_t offset = 0;  ///< in struct dev_pagemap
  Field base_pfn, reserve, free, alloc;
};

struct MapReader {
  AddressSpace space;
  std::uint64_t bytes = 0;
  Field type;
  std::map<std::uint64_t, std::string> type_names;
  std::optional<Field> flags, altmap_valid, vmemmap_shift, nr_range;
  std::uint64_t ranges_offset = 0, range_size = 0;
  Field range_start, range_end;
  std::optional<AltmapFields> altmap;
};

std::optional<Field> optional_field(const StructLayout& layout, const char* name) {
  const auto field = layout.field(name);
  return field ? std::optional(*field) : std::nullopt;
}

/// range (5.10+, a4574f63edc6), or the resource that was there before.
Result<void> bind_range(const TypeSource& types, const StructLayout& map, MapReader& reader) {
  const Member* range = map.find("range");
  const bool is_resource = range == nullptr;
  if (is_resource) range = map.find("res");
  if (range == nullptr) return Error{Errc::no_member, "struct dev_pagemap has neither range nor res", {}};
  auto layout = types.find_struct(is_resource ? "resource" : "range");
  if (!layout) return std::move(layout).error();
  const auto start = layout->field("start");
  const auto end = layout->field("end");
  if (!start) return start.error();
  if (!end) return end.error();
  reader.ranges_offset = range->offset;
  reader.range_size = layout->size;
  reader.range_start = *start;
  reader.range_end = *end;
  reader.bytes = std::max(reader.bytes, range->offset + layout->size);
  return {};
}

std::optional<AltmapFields> find_altmap(const TypeSource& types, const StructLayout& map) {
  const Member* member = map.find("altmap");
  const auto layout = types.find_struct("vmem_altmap");
  if (member == nullptr || !layout || member->size < layout->size) return std::nullopt;
  AltmapFields fields;
  fields.offset = member->offset;
  const auto base = layout->field("base_pfn"), reserve = layout->field("reserve"),
             free = layout->field("free"), alloc = layout->field("alloc");
  if (!base || !reserve || !free || !alloc) return std::nullopt;
  return AltmapFields{member->offset, *base, *reserve, *free, *alloc};
}

Result<MapReader> make_reader(const Kernel& kernel) {
  const TypeSource& types = kernel.types();
  auto map = types.find_struct("dev_pagemap");
  if (!map) return std::move(map).error();
  auto type = map->field("type");
  if (!type) return std::move(type).error();
  MapReader reader{kernel.space(), map->size, *type, {}, {}, {}, {}, {}, 0, 0, {}, {}, {}};
  reader.flags = optional_field(*map, "flags");                  // 5.3+ (514caf23a70f)
  reader.altmap_valid = optional_field(*map, "altmap_valid");    // before
  reader.vmemmap_shift = optional_field(*map, "vmemmap_shift");  // 5.17+ (c4386bd8ee3a)
  reader.nr_range = optional_field(*map, "nr_range");            // 5.10+ (b7b3c01b1915)
  reader.altmap = find_altmap(types, *map);
  if (auto done = bind_range(types, *map, reader); !done) return std::move(done).error();
  if (const auto names = types.enumerators_of("memory_type")) {
    constexpr std::string_view prefix = "MEMORY_DEVICE_";
    for (const Enumerator& one : *names) {
      std::string name = one.name.starts_with(prefix) ? one.name.substr(prefix.size()) : one.name;
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      reader.type_names[static_cast<std::uint64_t>(one.value)] = name;
    }
  }
  return reader;
}

Result<std::vector<PhysRange>> read_ranges(const MapReader& reader, VirtAddr at, Bytes map) {
  const std::uint64_t count = reader.nr_range ? std::max<std::uint64_t>(reader.nr_range->get(map), 1) : 1;
  if (count > most_ranges) return Error{Errc::corrupt, fmt::format("a dev_pagemap of {} ranges", count), {}};
  std::vector<std::byte> bytes(count * reader.range_size);
  if (auto done = reader.space.read(at + reader.ranges_offset, bytes); !done) return std::move(done).error();
  std::vector<PhysRange> ranges;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Bytes range = Bytes(bytes).subspan(i * reader.range_size, reader.range_size);
    const std::uint64_t start = reader.range_start.get(range), last = reader.range_end.get(range);
    if (last < start)
      return Error{Errc::corrupt, fmt::format("a range that ends at {:#x} before it begins", last), {}};
    ranges.push_back({PhysAddr(start), last - start + 1});
  }
  return ranges;
}

std::optional<DeviceMap::Altmap> read_altmap(const MapReader& reader, Bytes map) {
  constexpr std::uint64_t altmap_valid = 1;  // PGMAP_ALTMAP_VALID
  const bool valid = reader.flags ? (reader.flags->get(map) & altmap_valid) != 0
                                  : reader.altmap_valid && reader.altmap_valid->get(map) != 0;
  if (!valid || !reader.altmap) return std::nullopt;
  const Bytes bytes = map.subspan(reader.altmap->offset);
  return DeviceMap::Altmap{Pfn(reader.altmap->base_pfn.get(bytes)), reader.altmap->reserve.get(bytes),
                           reader.altmap->free.get(bytes), reader.altmap->alloc.get(bytes)};
}

Result<DeviceMap> read_map(const MapReader& reader, const MemoryModel& model, const PageReader& pages,
                           VirtAddr at) {
  std::vector<std::byte> bytes(reader.bytes);
  if (auto done = reader.space.read(at, bytes); !done) return std::move(done).error();
  auto phys = reader.space.translate_range(at, reader.bytes);
  if (!phys) return std::move(phys).error();
  DeviceMap map;
  map.placement = {at, reader.bytes, std::move(*phys), Allocation::unknown};
  map.placement.allocation = pages.allocation_at(model, map.placement.first_phys(), Allocation::unknown);
  const std::uint64_t type = reader.type.get(bytes);
  const auto name = reader.type_names.find(type);
  map.type = name != reader.type_names.end() ? name->second : fmt::format("unknown ({})", type);
  if (reader.vmemmap_shift) map.vmemmap_shift = reader.vmemmap_shift->get(bytes);
  map.altmap = read_altmap(reader, bytes);
  auto ranges = read_ranges(reader, at, bytes);
  if (!ranges) return std::move(ranges).error();
  map.ranges = std::move(*ranges);
  return map;
}

Result<std::vector<DeviceMap>> read_maps(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  if (!pages.zone_device()) return Error{Errc::not_applicable, "this kernel has no ZONE_DEVICE", {}};
  const auto array = kernel.address_of("pgmap_array");
  if (!array) return Error{Errc::no_symbol, "the symbol pgmap_array (4.20+) is not known", {}};
  auto content = walk_xarray(kernel.space(), kernel.types(), *array);
  if (!content) return std::move(content).error();
  std::vector<VirtAddr> pointers;
  for (const XarrayEntry& entry : content->entries) pointers.push_back(entry.pointer);
  std::sort(pointers.begin(), pointers.end());
  pointers.erase(std::unique(pointers.begin(), pointers.end()), pointers.end());
  std::vector<std::string> failures = std::move(content->failures);
  std::vector<DeviceMap> maps;
  if (!pointers.empty()) {
    const auto reader = make_reader(kernel);
    if (!reader) return reader.error();
    for (const VirtAddr at : pointers) {
      if (auto map = read_map(*reader, model, pages, at)) {
        maps.push_back(std::move(*map));
      } else {
        failures.push_back(fmt::format("dev_pagemap at {:#x}: {}", at.raw(), map.error().message));
      }
    }
  }
  for (const std::string& failure : failures) {
    model.incomplete = true;
    model.notes.warn("device memory may be missing: " + failure);
  }
  std::sort(maps.begin(), maps.end(), [](const DeviceMap& a, const DeviceMap& b) {
    return a.ranges.front().start < b.ranges.front().start;
  });
  return maps;
}

/// 7.1+, mm/hugetlb_vmemmap.c. An order whose page is not made yet has NULL.
Result<std::vector<SharedPage>> read_tails(const AddressSpace& space, const MemoryModel& model,
                                           const PageReader& reader, VirtAddr zone, const Member& tails,
                                           ByteOrder order) {
  std::vector<std::byte> bytes(tails.size);
  if (auto done = space.read(zone + tails.offset, bytes); !done) return std::move(done).error();
  std::vector<SharedPage> pages;
  for (std::uint64_t i = 0; i < tails.elements; ++i) {
    const std::uint64_t page = Field(i * tails.element_size, tails.element_size, order).get(bytes);
    if (page == 0) continue;
    const std::uint64_t distance = page - model.vmemmap->raw();
    const Pfn pfn(distance / model.geometry.struct_page_size);
    if (distance % model.geometry.struct_page_size != 0 ||
        model.find_section(model.geometry.pfn_to_section_nr(pfn)) == nullptr)
      return Error{Errc::corrupt, fmt::format("zone.vmemmap_tails names {:#x}, no struct page", page), {}};
    const PhysAddr phys = model.geometry.pfn_to_phys(pfn);
    pages.push_back({phys, reader.allocation_at(model, phys, Allocation::buddy)});
  }
  return pages;
}

}  // namespace

void load_device_maps(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  model.device_maps = read_maps(kernel, model, pages);
}

void load_vmemmap_tails(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  const auto pgdat = kernel.types().find_struct("pglist_data");
  const auto zone = kernel.types().find_struct("zone");
  const Member* zones = pgdat ? pgdat->find("node_zones") : nullptr;
  const Member* tails = zone ? zone->find("vmemmap_tails") : nullptr;
  const bool known = zones != nullptr && tails != nullptr && tails->element_size == kernel.arch().word_size &&
                     tails->elements * tails->element_size == tails->size && tails->size <= 4096 &&
                     model.vmemmap;
  const AddressSpace space = kernel.space();
  for (Node& node : model.nodes) {
    for (Zone& one : node.zones) {
      one.vmemmap_tails =
          Error{Errc::not_applicable, "this kernel's zones keep no shared tail pages (7.1+)", {}};
      if (!known) continue;
      const VirtAddr at = node.pgdat + zones->offset + one.index * zone->size;
      one.vmemmap_tails = read_tails(space, model, pages, at, *tails, kernel.order());
    }
  }
}

}  // namespace memsect
