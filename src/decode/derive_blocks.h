// Memory blocks that could not be read, made of what is known of their sections.
#pragma once

#include "model/memory_model.h"
#include "page/page_reader.h"

namespace memsect {

/// Whether blocks can be told from sections where none could be read: the kernel has them, and their size is known.
bool could_be_derived(const MemoryModel& model);

/// Adds a block, marked as derived, for each stretch of sections that must be in one and is in none of model.blocks.
void derive_blocks(MemoryModel& model, const PageReader& pages);

}  // namespace memsect
