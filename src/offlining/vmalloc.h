// Finds the physical pages that vmalloc() and vmap() have mapped, by the kernel's page tables.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "model/vmalloc_pages.h"

namespace memsect {

class Kernel;

/// The pages that vmalloc() and the module loader have mapped: large tables, modules, kernel stacks on most machines,
/// chunks of per-CPU data, what drivers have mapped together; memory of devices as well (ioremap). `pages`: how many the
/// machine has, by which the work is bounded. `not_applicable` where it is not known which addresses these are.
Result<VmallocPages> load_vmalloc(const Kernel& kernel, std::uint64_t pages);

}  // namespace memsect
