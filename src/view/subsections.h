// `memsect subsections`: which 2 MiB units of each section there are, and what they are.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

/// The columns, for --help and the manual.
std::span<const Column> subsections_columns();

/// What there is to say of a kernel without a subsection map, or with one that means less than it seems; empty
/// for the others.
std::string subsection_map_remark(const MemoryGeometry& geometry);

/// Lists `sections`, one table row a range of subsections of one kind. Nothing is listed where the kernel has no
/// subsection map. The model must outlive the report: rows are made when they are written.
Report make_subsections_report(const MemoryModel& model, std::vector<const Section*> sections);

}  // namespace memsect
