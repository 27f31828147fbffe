// NUMA nodes and their zones: struct pglist_data, struct zone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/placement.h"

namespace memsect {

/// A page that many sections map.
struct SharedPage {
  PhysAddr phys;
  Allocation allocation = Allocation::unknown;
};

struct Zone {
  unsigned index = 0;    ///< enum zone_type
  std::string name;      ///< "DMA32"
  Result<void> numbers;  ///< why the numbers below could not be read; they mean nothing then
  Pfn start_pfn;
  std::uint64_t spanned_pages = 0;
  std::uint64_t present_pages = 0;
  std::uint64_t managed_pages = 0;
  Result<VirtAddr> pgdat =
      Error{Errc::not_applicable, "not asked for", {}};  ///< zone_pgdat: that of its node
  /// The kernel's own count of isolated pageblocks (nr_isolate_pageblock, with MEMORY_ISOLATION).
  Result<std::uint64_t> isolated = Error{Errc::not_applicable, "this kernel keeps none", {}};
  std::uint64_t span_sequence = 0;  ///< of a running kernel's span_seqlock: odd while the span changes
  /// Pages that all optimised huge pages of the zone map for the struct pages of their tails, never freed (7.1+).
  Result<std::vector<SharedPage>> vmemmap_tails = Error{Errc::not_applicable, "not asked for", {}};
  /// Pageblocks by migratetype (index into MemoryModel::migratetypes), counted as /proc/pagetypeinfo does.
  Result<std::vector<std::uint64_t>> pageblocks = Error{Errc::not_applicable, "not asked for", {}};
};

/// One non-NULL pgdat. Since 5.19 every possible node has one, memory or not.
struct Node {
  NodeId id{};
  VirtAddr pgdat;
  Result<Placement> placement = Error{Errc::not_applicable, "not asked for", {}};
  /// The node whose memory holds the pgdat (of its first page); often another one for nodes without memory at
  /// boot.
  Result<NodeId> on_node = Error{Errc::not_applicable, "not asked for", {}};
  Result<NodeId> stated_id = Error{Errc::not_applicable, "not asked for", {}};  ///< pglist_data.node_id
  Result<void> numbers;  ///< why the numbers below could not be read; they mean nothing then
  Pfn start_pfn;
  std::uint64_t spanned_pages = 0;
  std::uint64_t present_pages = 0;
  Result<bool> online = Error{Errc::not_applicable, "not asked for", {}};      ///< node_states[N_ONLINE]
  Result<bool> has_memory = Error{Errc::not_applicable, "not asked for", {}};  ///< node_states[N_MEMORY]
  std::vector<Zone> zones;
};

}  // namespace memsect
