// Memory blocks: the sysfs units of hot-plug, 1..n sections each (struct memory_block,
// drivers/base/memory.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/placement.h"

namespace memsect {

struct MemoryBlock {
  std::uint64_t id = 0;  ///< N of /sys/devices/system/memory/memoryN
  VirtAddr address;      ///< of the struct memory_block
  Result<Placement> placement = Error{Errc::not_applicable, "not asked for", {}};  ///< of the same
  SectionNr start_section;
  std::string state;  ///< "online", "going_offline", "offline", ...
  Result<std::string> online_type = Error{Errc::not_applicable, "this kernel keeps none", {}};
  Result<NodeId> node = Error{Errc::not_applicable, "this kernel keeps none", {}};
  /// Name of the one zone that spans the block; empty text when memory_block.zone is NULL (several zones or
  /// nodes).
  Result<std::string> zone = Error{Errc::not_applicable, "this kernel keeps none", {}};
  Result<std::uint64_t> altmap_pages = Error{Errc::not_applicable, "this kernel keeps none", {}};
  VirtAddr group;  ///< struct memory_group, 0 for none
};

}  // namespace memsect
