// `memsect why`: the chain of reasons for one target, in words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/offlining.h"
#include "render/report.h"

namespace memsect {

/// What was asked, and what came of it.
struct WhyAnswer {
  std::string target;            ///< as typed
  std::string_view target_kind;  ///< "block", "node", ...
  std::string page;              ///< of a page or address: a sentence on that page; else empty
  std::vector<OfflineJudgement> judgements;
  std::vector<std::size_t> plan;  ///< positions in judgements, in the order they could go
};

/// The verdict on all of the target: blocked if any part is, unknown before no_blocker_found, offline if all parts are.
OfflineVerdict overall_verdict(const std::vector<OfflineJudgement>& judgements);

std::span<const Column> why_columns();
/// `answer` must outlive the report.
Report make_why_report(const WhyAnswer& answer);

}  // namespace memsect
