// Where a block's end would cut a mapping of the kernel in two. Plain values.
#pragma once

#include <cstdint>
#include <optional>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// The mappings of the kernel at an edge of memory that may go offline. A mapping that only begins or ends there is not
/// cut; an error where the page tables could not be read.
struct MappingEdge {
  PhysAddr at;
  /// The bytes of the mapping that would be cut, 0 for none: of the direct map, and of the struct pages.
  Result<std::uint64_t> direct_map = std::uint64_t{0}, memmap = std::uint64_t{0};
};

}  // namespace memsect
