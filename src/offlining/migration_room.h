// Counts what each node has for pages that have to be migrated to it.
#pragma once

#include "base/result.h"
#include "model/memory_model.h"
#include "model/migration_room.h"

namespace memsect {

class Kernel;

/// For each node with memory. An error where not all could be read.
Result<MigrationRoom> load_migration_room(const Kernel& kernel, const MemoryModel& model);

}  // namespace memsect
