// `memsect blocks`: memory blocks as lsmem knows them.
#pragma once

#include <span>
#include <vector>

#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

/// The columns, for --help and the manual.
std::span<const Column> blocks_columns();

/// Lists `blocks`. The model must outlive the report.
Report make_blocks_report(const MemoryModel& model, std::vector<const MemoryBlock*> blocks);

}  // namespace memsect
