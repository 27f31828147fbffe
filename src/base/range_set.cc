#include "base/range_set.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace memsect {

void RangeSet::add(PhysRange range) {
  if (range.empty()) return;
  std::uint64_t start = range.start.raw();
  std::uint64_t end = start + std::min(range.size, std::numeric_limits<std::uint64_t>::max() - start);
  auto next = ends_.upper_bound(start);
  if (next != ends_.begin() && std::prev(next)->second >= start) --next;
  while (next != ends_.end() && next->first <= end) {
    start = std::min(start, next->first);
    end = std::max(end, next->second);
    next = ends_.erase(next);
  }
  ends_.emplace_hint(next, start, end);
}

void RangeSet::add(const RangeSet& other) {
  for (const auto& [start, end] : other.ends_) add({PhysAddr(start), end - start});
}

std::uint64_t RangeSet::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [start, end] : ends_) sum += end - start;
  return sum;
}

std::vector<PhysRange> RangeSet::ranges() const {
  std::vector<PhysRange> all;
  all.reserve(ends_.size());
  for (const auto& [start, end] : ends_) all.push_back({PhysAddr(start), end - start});
  return all;
}

std::vector<PhysRange> RangeSet::within(PhysRange range) const {
  std::vector<PhysRange> parts;
  const std::uint64_t first = range.start.raw();
  const std::uint64_t limit = first + std::min(range.size, std::numeric_limits<std::uint64_t>::max() - first);
  auto at = ends_.upper_bound(first);
  if (at != ends_.begin() && std::prev(at)->second > first) --at;
  for (; at != ends_.end() && at->first < limit; ++at) {
    const std::uint64_t start = std::max(at->first, first);
    parts.push_back({PhysAddr(start), std::min(at->second, limit) - start});
  }
  return parts;
}

}  // namespace memsect
