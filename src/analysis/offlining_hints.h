// What refuses nothing, but may keep offlining busy without end.
#pragma once

#include <string>
#include <vector>

#include "analysis/offlining.h"

namespace memsect {

/// Hints on the unit. `zone_names`: by enum zone_type. In no order.
void add_hints(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit,
               const PageScan& scan, const std::vector<std::string>& zone_names,
               std::vector<Reason>& reasons);

}  // namespace memsect
