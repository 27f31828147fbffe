// Where an object of the kernel lies.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/position.h"

namespace memsect {

/// Who gave the memory: memblock at boot (its pages are PG_reserved and stay so), the slab allocator, the
/// page allocator, the hot-plugged memory itself (its memmap lies in it), or nobody can tell.
enum class Allocation { unknown, boot, slab, buddy, altmap };
/// "unknown", "boot", "slab", "buddy", "altmap".
std::string_view allocation_name(Allocation allocation);

/// An object's bytes: virtual address, size, and the physical stretches behind it in order. Objects straddle
/// pages and sections; never judge by the first byte alone.
struct Placement {
  VirtAddr address;
  std::uint64_t bytes = 0;
  std::vector<PhysRange> phys;
  Allocation allocation = Allocation::unknown;

  PhysAddr first_phys() const { return phys.empty() ? PhysAddr() : phys.front().start; }
};

}  // namespace memsect
