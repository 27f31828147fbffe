// Where the low memory of 32-bit kernels begins, which is mapped in one piece.
#pragma once

#include "arch/arch.h"

namespace memsect {

/// CONFIG_PAGE_OFFSET: a multiple of 1 GiB, the one below _stext.
Result<VirtAddr> find_lowmem_start(const ArchInputs& inputs);

}  // namespace memsect
