// Which physical pages vmalloc() and vmap() have mapped. No struct page says that of itself.
#pragma once

#include <optional>

#include "base/range_set.h"
#include "base/result.h"

namespace memsect {

struct VmallocPages {
  RangeSet pages;
  /// False: page tables were missing, damaged, or more than are gone over (some 16 GiB in single pages). There may be
  /// more.
  bool complete = true;
  std::optional<Error> lost;  ///< why the first page table that is missing could not be read
  bool has_stacks = false;    ///< kernel stacks are among them (CONFIG_VMAP_STACK)
};

}  // namespace memsect
