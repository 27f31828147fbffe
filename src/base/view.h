// Bytes together with what keeps them alive.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace memsect {

using Bytes = std::span<const std::byte>;

/// A window into a cached block. `pin` owns the block, so the cache may evict it while the view is in use.
struct View {
  Bytes bytes;
  std::shared_ptr<const void> pin;
};

}  // namespace memsect
