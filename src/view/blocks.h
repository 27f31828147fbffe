// `memsect blocks`: memory blocks as lsmem knows them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

/// The columns, for --help and the manual.
std::span<const Column> blocks_columns();

/// Why a kernel has no memory blocks at all, as a sentence; nothing where it has them, or may have.
std::optional<std::string> why_no_blocks(const MemoryModel& model);

/// Lists `blocks`. The model must outlive the report.
Report make_blocks_report(const MemoryModel& model, std::vector<const MemoryBlock*> blocks);

}  // namespace memsect
