// `memsect check`: the verdicts on the invariants of the memory model.
#pragma once

#include <span>
#include <vector>

#include "analysis/check.h"
#include "render/report.h"

namespace memsect {

/// A check and what it said.
struct CheckAnswer {
  const Check* check = nullptr;
  CheckResult result;
};

/// The columns, for --help and the manual.
std::span<const Column> check_columns();

/// One row a check; below the table the findings in words. The answers must outlive the report.
Report make_check_report(const MemoryModel& model, const std::vector<CheckAnswer>& answers);

}  // namespace memsect
