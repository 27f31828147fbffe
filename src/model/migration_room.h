// Where pages could be migrated to, node by node. Plain values.
#pragma once

#include <cstdint>
#include <map>

#include "base/position.h"

namespace memsect {

/// What a node has for pages that have to move there.
struct NodeRoom {
  /// Free pages above what each zone keeps back (its watermark "min" and lowmem_reserve), for pages of ZONE_MOVABLE, which
  /// may go anywhere, and for those of other zones.
  std::uint64_t for_movable = 0, for_others = 0;
  std::uint64_t file_pages = 0;  ///< on its LRU lists of files: page cache that can be dropped
};

/// do_migrate_range() takes the block's own node out of the targets, unless it is the only one with memory.
using MigrationRoom = std::map<NodeId, NodeRoom>;

}  // namespace memsect
