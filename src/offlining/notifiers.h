// Lists who is asked before memory goes offline: the kernel's memory_chain.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/memory_notifier.h"

namespace memsect {

class Kernel;

/// The notifiers in the order in which they are called. `no_symbol` where memory_chain is not known.
Result<std::vector<MemoryNotifier>> load_memory_notifiers(const Kernel& kernel);

}  // namespace memsect
