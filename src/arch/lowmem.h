// The address space of 32-bit kernels as far as it needs no page tables: low memory, which is mapped in one piece.
#pragma once

#include "arch/arch.h"

namespace memsect {

/// Low memory begins at a multiple of 1 GiB (CONFIG_PAGE_OFFSET, the one below _stext) with what lies at `first`. What is
/// above it (high memory, vmalloc) takes page tables, which are not read: `unsupported`.
Result<ArchMemory> open_lowmem(const ArchInputs& inputs, PhysAddr first);

}  // namespace memsect
