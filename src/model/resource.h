// The kernel's resource tree of physical addresses: what /proc/iomem shows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/position.h"

namespace memsect {

/// A struct resource of iomem_resource's tree.
struct Resource {
  PhysAddr start, last;  ///< inclusive, as the kernel keeps them
  std::string name;      ///< "System RAM", "Kernel code", "System RAM (virtio_mem)", ...
  bool is_busy_ram =
      false;           ///< IORESOURCE_SYSTEM_RAM and IORESOURCE_BUSY: what walk_system_ram_range() visits
  unsigned depth = 0;  ///< 0 for the children of the root
};

/// The innermost resource that contains `at`, or null.
const Resource* innermost_resource(const std::vector<Resource>& resources, PhysAddr at);

/// Bytes of `range` that are busy System RAM, whole pages of it: what offline_pages() counts to refuse memory holes.
std::uint64_t system_ram_in(const std::vector<Resource>& resources, PhysRange range, std::uint64_t page_size);

}  // namespace memsect
