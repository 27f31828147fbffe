// The dump as physical memory. Knows addresses and bytes; does not know virtual addresses, kernels or file
// formats.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// What a dump holds of a machine's memory. Implemented once per dump format (formats/). Immutable once open,
/// so `const` means shareable between threads.
class PhysicalMemory {
 public:
  virtual ~PhysicalMemory() = default;

  /// What the dump claims to cover: sorted, disjoint. Pages inside may still be excluded or cut off. Not
  /// kept: it can cost a scan of the whole page bitmap, and fails where that makes no sense.
  virtual Result<std::vector<PhysRange>> ranges() const = 0;
  /// 1 to `want` bytes at `at`, contiguous, inside one cached block. Fails with `excluded`, `truncated`,
  /// `not_in_dump`, `corrupt` (does not decompress), `unsupported` (codec not built in) or `io`: never zeros
  /// for what is not there.
  virtual Result<View> view(PhysAddr at, std::size_t want) const = 0;

  /// Fills `out` from `at`, or fails at the first byte that cannot be had. Large reads need leave nothing in a cache.
  virtual Result<void> read(PhysAddr at, std::span<std::byte> out) const;

  /// The first address from `at` on that can hold anything but zeros and be read, 2^64 - 1 when there is none. Where that
  /// costs more than a look it is `at` itself. Lets scans leap over holes, and over what was filtered out.
  virtual PhysAddr next_data(PhysAddr at) const { return at; }
};

}  // namespace memsect
