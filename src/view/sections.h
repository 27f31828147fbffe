// `memsect sections`: one row a present section.
#pragma once

#include <span>
#include <vector>

#include "analysis/dependencies.h"
#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

struct SectionsViewOptions {
  bool blocks = false;  ///< the type of every single pageblock in JSON
};

/// The columns, for --help and the manual.
std::span<const Column> sections_columns();

/// Lists `sections`. The model and the dependencies must outlive the report: rows are made when they are
/// written.
Report make_sections_report(const MemoryModel& model, const Dependencies& dependencies,
                            std::vector<const Section*> sections, const SectionsViewOptions& options);

}  // namespace memsect
