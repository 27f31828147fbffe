// `memsect removable`: a verdict for each memory block or section.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "analysis/offlining.h"
#include "render/report.h"

namespace memsect {

std::span<const Column> removable_columns();

/// One row a judgement. They must outlive the report.
Report make_removable_report(const std::vector<OfflineJudgement>& judgements);

/// The order of `plan` (positions in `judgements`), then what stays and why. Judgements must outlive the report.
Report make_plan_report(const std::vector<OfflineJudgement>& judgements,
                        const std::vector<std::size_t>& plan);

/// A judgement and a reason as JSON.
Value judgement_value(const OfflineJudgement& judgement);
Value reason_value(const Reason& reason);

/// "memory35", or "section 35" where a section was judged by itself.
std::string unit_name(const OfflineUnit& unit);

}  // namespace memsect
