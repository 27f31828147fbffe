// `memsect usemap`: the pageblock map, section by section, and its totals by zone.
#pragma once

#include <span>
#include <vector>

#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

/// The columns, for --help and the manual.
std::span<const Column> usemap_columns();

/// The letter of a pageblock: U M R H C I (and X for Reserve, which 4.4 dropped), in lower case when
/// compaction's skip bit is set. A type that the kernel's enum does not name is its digit.
char pageblock_letter(const MemoryModel& model, const Pageblock& block);

/// Lists `sections`, one table row for each 64 pageblocks, and in /proc/pagetypeinfo's layout the populated
/// zones of `nodes`. The model must outlive the report: rows are made when they are written.
Report make_usemap_report(const MemoryModel& model, const std::vector<const Section*>& sections,
                          const std::vector<const Node*>& nodes);

}  // namespace memsect
