#include "model/resource.h"

#include <algorithm>

#include "base/range_set.h"

namespace memsect {

const Resource* innermost_resource(const std::vector<Resource>& resources, PhysAddr at) {
  const Resource* found = nullptr;
  for (const Resource& resource : resources) {
    const bool inside = resource.start <= at && at <= resource.last;
    if (inside && (found == nullptr || resource.depth >= found->depth)) found = &resource;
  }
  return found;
}

std::uint64_t system_ram_in(const std::vector<Resource>& resources, PhysRange range,
                            std::uint64_t page_size) {
  RangeSet ram;
  for (const Resource& resource : resources) {
    if (!resource.is_busy_ram) continue;
    const std::uint64_t first = std::max(resource.start, range.start).raw();
    const std::uint64_t last = std::min(resource.last.raw(), range.end().raw() - 1);
    if (first > last) continue;
    const std::uint64_t start = (first + page_size - 1) / page_size * page_size;
    const std::uint64_t end = (last + 1) / page_size * page_size;
    if (start < end) ram.add({PhysAddr(start), end - start});
  }
  return ram.bytes();
}

}  // namespace memsect
