// Which physical pages vmalloc() and vmap() have mapped. No struct page says that of itself.
#pragma once

#include <cstdint>

#include "base/range_set.h"
#include "base/result.h"

namespace memsect {

class Kernel;

struct VmallocPages {
  RangeSet pages;
  /// False: page tables were missing, damaged, or more than are gone over (some 16 GiB in single pages). There may be
  /// more.
  bool complete = true;
  bool has_stacks = false;  ///< kernel stacks are among them (CONFIG_VMAP_STACK)
};

/// The pages that vmalloc() and the module loader have mapped: large tables, modules, kernel stacks on most machines,
/// chunks of per-CPU data, what drivers have mapped together; memory of devices as well (ioremap). `pages`: how many the
/// machine has, by which the work is bounded. `not_applicable` where it is not known which addresses these are.
Result<VmallocPages> load_vmalloc(const Kernel& kernel, std::uint64_t pages);

}  // namespace memsect
