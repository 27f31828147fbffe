// A set of physical bytes, kept as the ranges it is made of.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/position.h"

namespace memsect {

/// Ranges that overlap or touch become one. Ranges that would reach beyond the last address are cut there.
class RangeSet {
 public:
  void add(PhysRange range);
  void add(const RangeSet& other);

  bool empty() const { return ends_.empty(); }
  /// How many bytes are in it.
  std::uint64_t bytes() const;
  /// Its ranges, ascending, none touching another.
  std::vector<PhysRange> ranges() const;
  /// The parts of `range` that are in the set, ascending.
  std::vector<PhysRange> within(PhysRange range) const;
  bool contains(PhysAddr at) const { return !within({at, 1}).empty(); }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;  ///< start of each range -> its end
};

}  // namespace memsect
