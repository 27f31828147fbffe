// Judging memory blocks for `removable` and `why`.
#pragma once

#include <vector>

#include "analysis/offlining.h"
#include "cli/load.h"
#include "cli/options.h"
#include "decode/load_model.h"

namespace memsect {

/// Judges the units one by one, on options.threads threads, with a progress line. The same units give the same answers
/// in the same order, whatever the threads.
std::vector<OfflineJudgement> judge_units(const Loaded& loaded, const OfflineRules& rules,
                                          const std::vector<OfflineUnit>& units,
                                          const CommonOptions& options);

/// Notes in each reason who allocated its first page, where the kernel keeps that.
void look_up_owners(const Loaded& loaded, std::vector<OfflineJudgement>& judgements);

/// Whether evidence is missing anywhere: the answer is a part of one.
bool lacks_evidence(const std::vector<OfflineJudgement>& judgements);

}  // namespace memsect
