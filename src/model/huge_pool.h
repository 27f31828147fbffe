// A pool of huge pages of one size: struct hstate. Plain values.
#pragma once

#include <cstdint>
#include <map>

#include "base/position.h"

namespace memsect {

struct HugePool {
  unsigned order = 0;      ///< of its pages
  bool gigantic = false;   ///< larger than what the page allocator gives: no page is made when one is needed
  std::uint64_t free = 0;  ///< free_huge_pages
  std::uint64_t reserved = 0;  ///< resv_huge_pages: promised to mappings that have not touched them yet
  std::map<NodeId, std::uint64_t> free_on;  ///< free_huge_pages_node, where it is not 0

  /// available_huge_pages(): the kernel subtracts without looking, and so do we.
  std::uint64_t available() const { return free - reserved; }
};

}  // namespace memsect
