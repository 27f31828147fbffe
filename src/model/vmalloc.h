// Which physical pages vmalloc() and vmap() have mapped. No struct page says that of itself.
#pragma once

#include <cstdint>

#include "base/range_set.h"
#include "base/result.h"

namespace memsect {

class Kernel;

struct VmallocPages {
  RangeSet pages;
  bool complete = true;  ///< false: page tables were missing or damaged, there may be more
};

/// Kernel stacks, modules, large tables, chunks of per-CPU data, what drivers have mapped together. `not_applicable`
/// where it is not known which addresses vmalloc() hands out.
/// `pages`: how many the machine has, which a vmalloc() of sound tables does not exceed by much.
Result<VmallocPages> load_vmalloc(const Kernel& kernel, std::uint64_t pages);

}  // namespace memsect
