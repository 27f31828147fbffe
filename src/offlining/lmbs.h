// Reads the logical memory blocks (LMBs) that the hypervisor of pseries gives and takes.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/lmb.h"

namespace memsect {

class Kernel;

/// All of them, ascending. `not_applicable` on other machines.
Result<std::vector<Lmb>> load_lmbs(const Kernel& kernel);

}  // namespace memsect
