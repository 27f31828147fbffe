// `memsect deps`: who holds whose metadata.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/dependencies.h"
#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

/// Parts of the report that only one format writes. A machine with 131,072 sections has some 400,000 edges:
/// who knows the format need not have them made in the others.
struct DepsViewOptions {
  bool data = true;   ///< JSON
  bool graph = true;  ///< dot
};

/// The columns, for --help and the manual.
std::span<const Column> deps_columns();

/// Holders as the table, one row a held object, the heaviest holder first; then, in words, circles, the
/// kernel's messages and the order of removal. The model and the dependencies must outlive the report: rows
/// are made when they are written.
Report make_deps_report(const MemoryModel& model, const Dependencies& dependencies,
                        const DepsViewOptions& options);

/// The text below the table (deps_text.cc).
std::vector<std::string> deps_paragraphs(const MemoryModel& model, const Dependencies& dependencies);
/// The needs between sections and nodes, boxed by node (deps_graph.cc).
Graph deps_graph(const MemoryModel& model, const Dependencies& dependencies);

}  // namespace memsect
