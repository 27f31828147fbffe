// The memory blocks of kernels before 5.8, by the device list of the memory subsystem.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

class Kernel;

/// A struct memory_block, and its number where what led to it knows that.
struct BlockEntry {
  std::optional<std::uint64_t> id;
  VirtAddr pointer;
};

struct BlockList {
  std::vector<BlockEntry> entries;    ///< in the order of the list
  Errc why = Errc::corrupt;           ///< of the first failure
  std::vector<std::string> failures;  ///< what ended the walk before the list did
};

/// The memory blocks in the list of the devices of memory_subsys. A list that does not come back to its head, or takes
/// too long for it, ends up in `failures`. Fails where the list cannot be found: no symbol, or no types of it.
Result<BlockList> walk_block_list(const Kernel& kernel);

}  // namespace memsect
