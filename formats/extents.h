// Stretches of a number line that may overlap, made disjoint: segments of an ELF core, pieces of a flattened
// file.
#pragma once

#include <cstdint>
#include <vector>

namespace memsect {

/// [start, end), described by entry number `source` of a table of the caller's.
struct Extent {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint32_t rank = 0;  ///< where several cover a byte, the lowest has it
  std::uint32_t source = 0;
};

/// Makes extents disjoint and sorted, and joins neighbours of the same source. Empty ones vanish.
std::vector<Extent> resolve_overlaps(std::vector<Extent> extents);

/// The extent that covers `at` among disjoint and sorted ones, or null.
const Extent* find_extent(const std::vector<Extent>& extents, std::uint64_t at);

}  // namespace memsect
