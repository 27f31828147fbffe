// Logical memory blocks (LMBs): the pieces in which the hypervisor of pseries gives memory and takes it.
#pragma once

#include "base/position.h"

namespace memsect {

struct Lmb {
  PhysRange range;
  bool assigned = false;   ///< the machine has it
  bool reserved = false;   ///< by firmware: it is never taken
  bool of_fadump = false;  ///< a firmware-assisted dump is registered that needs it

  /// Whether dlpar_remove_lmb() takes it, once its memory block is offline.
  bool removable() const { return assigned && !reserved && !of_fadump; }
};

}  // namespace memsect
