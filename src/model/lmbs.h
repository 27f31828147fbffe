// Logical memory blocks (LMBs): the pieces in which the hypervisor of pseries gives memory and takes it.
#pragma once

#include <vector>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

class Kernel;

struct Lmb {
  PhysRange range;
  bool assigned = false;   ///< the machine has it
  bool reserved = false;   ///< by firmware: it is never taken
  bool of_fadump = false;  ///< a firmware-assisted dump is registered that needs it

  /// Whether dlpar_remove_lmb() takes it, once its memory block is offline.
  bool removable() const { return assigned && !reserved && !of_fadump; }
};

/// All of them, ascending. `not_applicable` on other machines.
Result<std::vector<Lmb>> load_lmbs(const Kernel& kernel);

}  // namespace memsect
