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

/// Blocks that firmware adds and removes as one (struct memory_group, 5.15+).
struct MemoryGroup {
  VirtAddr address;
  Result<NodeId> node = Error{Errc::not_applicable, "the group names none", {}};
  bool is_dynamic = false;  ///< a device whose memory comes and goes in units (virtio-mem)
  std::uint64_t pages = 0;  ///< of a dynamic group: a unit; of a static one: all it can ever have
  std::uint64_t present_kernel_pages = 0;   ///< online in kernel zones
  std::uint64_t present_movable_pages = 0;  ///< online in ZONE_MOVABLE
};

struct MemoryBlock {
  std::uint64_t id = 0;  ///< N of /sys/devices/system/memory/memoryN
  /// No struct memory_block could be read: there must be one for its sections, whose flags tell the state.
  bool derived = false;
  VirtAddr address;  ///< of the struct memory_block
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
  /// What is there; `not_applicable` without a group.
  Result<MemoryGroup> group_details = Error{Errc::not_applicable, "the block is in no group", {}};
};

}  // namespace memsect
