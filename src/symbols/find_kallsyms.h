// Where the kallsyms tables lie when nothing names them.
#pragma once

#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "symbols/kallsyms.h"

namespace memsect {

/// Searches `image` (the kernel image from _stext on, as far as it may reach) for the tables of a kernel whose
/// VMCOREINFO does not name them, which is before 6.0. What of the image cannot be read is passed over. `no_symbol`
/// when there are none, or none has been found after as much work as any kernel takes; the place found still has to
/// stand the test of open_kallsyms.
Result<KallsymsPlace> find_kallsyms(const AddressSpace& space, VirtRange image, const KallsymsKernel& kernel);

}  // namespace memsect
