// What refuses a unit beside its zone, its holes, its pageblocks and its pages.
#pragma once

#include <vector>

#include "analysis/offlining.h"

namespace memsect {

/// Reasons by notifiers and by hugetlb, and evidence for them that is missing. In no order.
void add_refusals(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit,
                  const PageScan& scan, std::vector<Reason>& reasons);

/// The pages of the pools in a unit.
struct PoolPages {
  const HugePool* pool = nullptr;  ///< null: no pool has pages of that order
  unsigned order = 0;
  std::vector<Pfn> free, in_use;  ///< by their first page
};
/// By order; empty where the unit has no huge page.
std::vector<PoolPages> pool_pages_in(const OfflineRules& rules, const PageScan& scan);

}  // namespace memsect
