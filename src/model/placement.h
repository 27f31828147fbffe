// Where an object of the kernel lies.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// Who gave the memory: memblock at boot (its pages are PG_reserved and stay so), the slab allocator, the
/// page allocator, the hot-plugged memory itself (its memmap lies in it), or none of these as far as its struct page
/// tells. `not_read`: the struct page could not be read, and `why_not_read` says why.
struct Allocation {
  enum Kind { unknown, boot, slab, buddy, altmap, not_read };
  Kind kind = unknown;
  Errc why_not_read = Errc::not_applicable;

  constexpr Allocation() = default;
  constexpr Allocation(Kind known) : kind(known) {}
  static constexpr Allocation lost(Errc why) {
    Allocation allocation(not_read);
    allocation.why_not_read = why;
    return allocation;
  }
  friend constexpr bool operator==(const Allocation& a, const Allocation& b) {
    return a.kind == b.kind && a.why_not_read == b.why_not_read;
  }
};
/// "unknown", "boot", "slab", "buddy", "altmap"; "not_read".
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
