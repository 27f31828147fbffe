// The low memory of 32-bit kernels, which is mapped in one piece and needs no page tables.
#pragma once

#include "arch/arch.h"
#include "arch/windows.h"

namespace memsect {

/// Low memory begins at a multiple of 1 GiB (CONFIG_PAGE_OFFSET, the one below _stext) with what lies at `first`. It ends
/// before vmalloc's memory: where VMCOREINFO says that this begins, else 128 MiB before the end of addresses.
Result<Window> find_lowmem(const ArchInputs& inputs, PhysAddr first);

}  // namespace memsect
