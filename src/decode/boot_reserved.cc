// What the boot allocator gave away: memblock.reserved (mm/memblock.c).
//
//   memblock.reserved { cnt, max, total_size, regions -> [ base, size, flags, nid (NUMA) ] }
//
// Kept with CONFIG_ARCH_KEEP_MEMBLOCK: arm64, powerpc, loongarch, riscv. Elsewhere memblock_discard() frees the arrays when
// the machine has booted, and what is left in memblock is not to be trusted; the function is there in such kernels alone.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::uint64_t most_regions = 1 << 20;

struct RegionReader {
  AddressSpace space;
  std::uint64_t region_size = 0;
  Field base, size;
  std::optional<Field> flags, nid;
  std::map<std::uint64_t, std::string> flag_names;
  std::uint64_t max_nodes = 1;
};

std::map<std::uint64_t, std::string> find_flag_names(const TypeSource& types) {
  std::map<std::uint64_t, std::string> names;
  const auto flags = types.enumerators_of("memblock_flags");
  if (!flags) return names;
  for (const Enumerator& flag : *flags) {
    std::string name = flag.name;
    for (const std::string_view prefix : {"MEMBLOCK_RSRV_", "MEMBLOCK_"}) {
      if (name.starts_with(prefix)) name.erase(0, prefix.size());
    }
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (flag.value > 0) names[static_cast<std::uint64_t>(flag.value)] = name;
  }
  return names;
}

Result<RegionReader> make_reader(const Kernel& kernel, std::uint64_t max_nodes) {
  auto region = kernel.types().find_struct("memblock_region");
  if (!region) return std::move(region).error();
  const auto base = region->field("base"), size = region->field("size");
  if (!base) return base.error();
  if (!size) return size.error();
  RegionReader reader{kernel.space(), region->size, *base, *size, {}, {}, find_flag_names(kernel.types()),
                      max_nodes};
  if (const auto flags = region->field("flags")) reader.flags = *flags;
  if (const auto nid = region->field("nid")) reader.nid = *nid;
  return reader;
}

BootReservation decode(const RegionReader& reader, Bytes region) {
  BootReservation one;
  one.range = {PhysAddr(reader.base.get(region)), reader.size.get(region)};
  if (reader.nid) {
    const std::int64_t nid = reader.nid->get_signed(region);
    if (nid >= 0 && static_cast<std::uint64_t>(nid) < reader.max_nodes)
      one.node = NodeId{static_cast<int>(nid)};
  }
  const std::uint64_t flags = reader.flags ? reader.flags->get(region) : 0;
  for (const auto& [bit, name] : reader.flag_names) {
    if ((flags & bit) != 0) one.flags.push_back(name);
  }
  return one;
}

Result<std::vector<BootReservation>> read_reserved(const Kernel& kernel, std::uint64_t max_nodes) {
  const auto memblock = kernel.address_of("memblock");
  if (!memblock || kernel.address_of("memblock_discard"))
    return Error{Errc::not_applicable, "this kernel throws memblock's lists away when it has booted", {}};
  auto whole = kernel.types().find_struct("memblock");
  if (!whole) return std::move(whole).error();
  auto type = kernel.types().find_struct("memblock_type");
  if (!type) return std::move(type).error();
  auto reserved = whole->member("reserved");
  if (!reserved) return std::move(reserved).error();
  const auto cnt = type->field("cnt"), regions = type->field("regions");
  if (!cnt) return cnt.error();
  if (!regions) return regions.error();
  auto reader = make_reader(kernel, max_nodes);
  if (!reader) return std::move(reader).error();
  std::vector<std::byte> bytes(type->size);
  if (auto done = reader->space.read(*memblock + reserved->offset, bytes); !done)
    return std::move(done).error();
  const std::uint64_t count = cnt->get(bytes);
  if (count > most_regions)
    return Error{Errc::corrupt, fmt::format("memblock.reserved has {} regions", count), {}};
  VirtAddr at(regions->get(bytes));
  std::vector<BootReservation> ranges;
  for (std::uint64_t i = 0; i < count; ++i, at += reader->region_size) {
    std::vector<std::byte> region(reader->region_size);
    if (auto done = reader->space.read(at, region); !done)
      return std::move(done).error().within("memblock.reserved");
    ranges.push_back(decode(*reader, region));
  }
  return ranges;
}

}  // namespace

void load_boot_reserved(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  model.boot_reserved = read_reserved(kernel, pages.max_nodes());
}

}  // namespace memsect
