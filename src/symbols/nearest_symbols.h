// Which symbols lie closest below some addresses, found in one pass over a list in any order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/position.h"

namespace memsect {

/// Is shown all symbols, and keeps for each address the highest that is not above it; of several at one place the
/// first shown.
class NearestSymbols {
 public:
  struct Nearest {
    VirtAddr at;
    std::uint32_t tag = 0;  ///< what was shown with it
  };

  explicit NearestSymbols(std::span<const VirtAddr> addresses) : sorted_(addresses.begin(), addresses.end()) {
    std::sort(sorted_.begin(), sorted_.end());
    nearest_.resize(sorted_.size());
  }

  void show(VirtAddr at, std::uint32_t tag) {
    const auto above = std::lower_bound(sorted_.begin(), sorted_.end(), at);
    if (above == sorted_.end()) return;
    auto& nearest = nearest_[static_cast<std::size_t>(above - sorted_.begin())];
    if (!nearest || nearest->at < at) nearest = Nearest{at, tag};
  }

  /// The symbol of one of the addresses; nothing when all lie above it.
  std::optional<Nearest> below(VirtAddr address) const {
    // Each symbol was noted with the first address above it alone.
    const auto end = std::upper_bound(sorted_.begin(), sorted_.end(), address);
    for (auto i = static_cast<std::size_t>(end - sorted_.begin()); i > 0; --i) {
      if (nearest_[i - 1]) return nearest_[i - 1];
    }
    return std::nullopt;
  }

 private:
  std::vector<VirtAddr> sorted_;
  std::vector<std::optional<Nearest>> nearest_;
};

}  // namespace memsect
