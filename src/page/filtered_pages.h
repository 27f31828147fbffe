// Tells what a dump's filter took that it should have kept, by what the struct pages in the dump say of it.
#pragma once

#include "model/memory_model.h"

namespace memsect {

class Kernel;

/// Looks at the struct pages of the pages that were asked for so far and are excluded, and at no others. Notes in the model,
/// and in a warning, those that are the kernel's own.
void note_filtered_pages(const Kernel& kernel, MemoryModel& model);

}  // namespace memsect
