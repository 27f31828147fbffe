// Gathers what this kernel asks beside the struct pages before it lets a memory block go offline.
#pragma once

#include "model/memory_model.h"
#include "model/offline_rules.h"

namespace memsect {

class Kernel;

/// Never fails: what is not known stays at its default, or an error; what is amiss is noted in the model.
OfflineRules load_offline_rules(const Kernel& kernel, MemoryModel& model);

}  // namespace memsect
