// A sweep over the start positions; what covers the current one waits in a heap, the lowest rank on top:
//
//   rank 0: |-------------|                      0: |-------------|
//        1:        |------------|          ->    1:                |-----|
//        2:    |xxxxxxxxxxxxxxxxxxxx|            2:                       |xxxx|
#include "formats/extents.h"

#include <algorithm>
#include <queue>

namespace memsect {
namespace {

struct LowestRankFirst {
  bool operator()(const Extent& a, const Extent& b) const { return a.rank > b.rank; }
};

/// Adds [start, end) of `source`, to the last one where it goes on.
void append(std::vector<Extent>& extents, std::uint64_t start, std::uint64_t end, const Extent& source) {
  if (!extents.empty() && extents.back().end == start && extents.back().source == source.source) {
    extents.back().end = end;
  } else {
    extents.push_back({start, end, source.rank, source.source});
  }
}

}  // namespace

std::vector<Extent> resolve_overlaps(std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return a.start != b.start ? a.start < b.start : a.rank < b.rank;
  });
  std::vector<Extent> disjoint;
  std::priority_queue<Extent, std::vector<Extent>, LowestRankFirst> covering;
  std::uint64_t at = 0;
  for (std::size_t next = 0; next < extents.size() || !covering.empty();) {
    if (covering.empty()) at = std::max(at, extents[next].start);
    while (next < extents.size() && extents[next].start <= at) covering.push(extents[next++]);
    while (!covering.empty() && covering.top().end <= at) covering.pop();
    if (covering.empty()) continue;
    const Extent& source = covering.top();
    const std::uint64_t end = next < extents.size() ? std::min(source.end, extents[next].start) : source.end;
    append(disjoint, at, end, source);
    at = end;
  }
  return disjoint;
}

const Extent* find_extent(const std::vector<Extent>& extents, std::uint64_t at) {
  const auto after =
      std::upper_bound(extents.begin(), extents.end(), at,
                       [](std::uint64_t value, const Extent& extent) { return value < extent.start; });
  if (after == extents.begin() || std::prev(after)->end <= at) return nullptr;
  return &*std::prev(after);
}

}  // namespace memsect
