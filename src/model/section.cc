#include "model/section.h"

#include <bit>

namespace memsect {

std::string_view allocation_name(Allocation allocation) {
  switch (allocation.kind) {
    case Allocation::unknown:
      return "unknown";
    case Allocation::boot:
      return "boot";
    case Allocation::slab:
      return "slab";
    case Allocation::buddy:
      return "buddy";
    case Allocation::altmap:
      return "altmap";
    case Allocation::not_read:
      return "not_read";
  }
  return "unknown";
}

std::uint64_t SubsectionMap::populated() const {
  std::uint64_t count = 0;
  for (const std::uint64_t word : words) count += static_cast<std::uint64_t>(std::popcount(word));
  return count;
}

std::uint64_t Memmap::mapped_bytes() const {
  std::uint64_t mapped = 0;
  for (const PhysRange& range : backing) mapped += range.size;
  return mapped;
}

std::string_view subsection_kind_name(SubsectionKind kind) {
  switch (kind) {
    case SubsectionKind::none:
      return "none";
    case SubsectionKind::boot_ram:
      return "boot_ram";
    case SubsectionKind::hot_added_ram:
      return "hot_added_ram";
    case SubsectionKind::zone_device:
      return "zone_device";
    case SubsectionKind::unknown:
      break;
  }
  return "unknown";
}

}  // namespace memsect
