// `memsect nodes`: pgdats and their zones.
#pragma once

#include <span>
#include <vector>

#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

/// The columns, for --help and the manual.
std::span<const Column> nodes_columns();

/// Lists `nodes`; one table row a zone, one JSON entry a node. The model must outlive the report.
Report make_nodes_report(const MemoryModel& model, const std::vector<const Node*>& nodes);

}  // namespace memsect
