// What the unmovable pages of a unit are: objects of the memory model first, else what their struct pages say.
#pragma once

#include <vector>

#include "analysis/offlining.h"

namespace memsect {

/// Reasons for all pages that make the kernel refuse, one for each kind of object and use, and hints of what else the
/// scan saw. In no order.
std::vector<Reason> page_reasons(const MemoryModel& model, const OfflineRules& rules,
                                 const ObjectIndex& objects, const OfflineUnit& unit, const PageScan& scan);

}  // namespace memsect
