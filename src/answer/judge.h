// Judging memory blocks for `removable` and `why`.
#pragma once

#include <vector>

#include "analysis/offlining.h"
#include "answer/session.h"
#include "model/memory_model.h"
#include "model/offline_rules.h"

namespace memsect {

/// Judges the units one by one, on that many threads (0: one for each CPU). The same units give the same answers
/// in the same order, whatever the threads.
std::vector<OfflineJudgement> judge_units(const Session& session, const MemoryModel& model,
                                          const OfflineRules& rules, const std::vector<OfflineUnit>& units,
                                          unsigned threads);

/// Notes in each reason who allocated its first page, where the kernel keeps that.
void look_up_owners(const Kernel& kernel, const MemoryModel& model,
                    std::vector<OfflineJudgement>& judgements);

/// Whether evidence is missing anywhere: the answer is a part of one.
bool lacks_evidence(const std::vector<OfflineJudgement>& judgements);

}  // namespace memsect
