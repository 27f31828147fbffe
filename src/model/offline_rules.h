// What this kernel asks beside the struct pages before it lets a memory block go offline.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/huge_pool.h"
#include "model/lmb.h"
#include "model/mapping_edge.h"
#include "model/memory_notifier.h"
#include "model/migration_room.h"
#include "model/resource.h"
#include "model/vmalloc_pages.h"

namespace memsect {

struct OfflineRules {
  /// The resource tree: holes are counted in it.
  Result<std::vector<Resource>> resources = Error{Errc::not_applicable, "not asked for", {}};
  /// Why entries of the tree may be missing: memory that none of them covers need be no hole then.
  std::optional<Error> resources_short;
  /// What vmalloc() has mapped: no struct page says so.
  Result<VmallocPages> vmalloc = Error{Errc::not_applicable, "not asked for", {}};
  /// pseries: what the hypervisor may take.
  Result<std::vector<Lmb>> lmbs = Error{Errc::not_applicable, "not asked for", {}};
  /// arm64 keeps the memory it was booted with: a notifier refuses (v5.7 on).
  bool early_memory_stays = false;
  /// s390 refuses blocks that begin below the size of the crash kernel, while one is set; 0 for none.
  std::uint64_t keeps_below = 0;
  /// A huge page of hugetlb that reaches over the end of the block makes isolation fail: isolate_single_pageblock() of
  /// 5.19 to 6.9.
  bool refuses_straddling_hugetlb = false;
  /// What is not all System RAM is refused (5.5+).
  bool refuses_holes = true;
  /// memory_block.zone tells it (5.18+); else the kernel looks at the zones of all its pages.
  bool block_has_zone = false;
  /// Where pages can be moved to, by node.
  Result<MigrationRoom> room = Error{Errc::not_applicable, "not asked for", {}};
  /// The pools of hugetlb; `not_applicable` in kernels without.
  Result<std::vector<HugePool>> huge_pools = Error{Errc::not_applicable, "not asked for", {}};
  /// Who is asked before memory goes offline, in the order in which they are.
  Result<std::vector<MemoryNotifier>> notifiers = Error{Errc::not_applicable, "not asked for", {}};
  /// Ascending: all ends of hot-added blocks and sections where a mapping would be cut, in kernels that refuse then (arm64,
  /// 7.2+); empty elsewhere.
  std::vector<MappingEdge> cut_mappings;
  /// Why a number that decides could not be read: a verdict without it is none.
  std::optional<Error> limits_lost;
};

}  // namespace memsect
