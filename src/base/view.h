// Bytes together with what keeps them alive.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "base/result.h"

namespace memsect {

using Bytes = std::span<const std::byte>;

/// A window into a cached block. `pin` owns the block, so the cache may evict it while the view is in use.
struct View {
  Bytes bytes;
  std::shared_ptr<const void> pin;
};

/// Fills `out` from views: `view_at(done, want)` gives 1 to `want` bytes from the byte `done` behind the first.
template <class ViewAt>
Result<void> read_through_views(std::span<std::byte> out, const ViewAt& view_at) {
  for (std::size_t done = 0; done < out.size();) {
    const Result<View> part = view_at(done, out.size() - done);
    if (!part) return part.error();
    std::memcpy(out.data() + done, part->bytes.data(), part->bytes.size());
    done += part->bytes.size();
  }
  return {};
}

}  // namespace memsect
