// What an extract of a dump holds: the bytes that memsect's commands read, and no others.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/notes.h"
#include "base/page_run.h"
#include "base/position.h"
#include "base/range_set.h"

namespace memsect {

/// How many bytes were taken of one kind of thing.
struct TakenKind {
  std::string_view kind;  ///< "memmap", "pgdat", ...
  std::uint64_t bytes = 0;
  std::uint64_t missing = 0;  ///< wanted, and not in the dump
  RangeSet set;
};

struct ExtractPlan {
  RangeSet wanted;             ///< the bytes that are taken; the others of a stored page are zeroed
  std::vector<PageRun> pages;  ///< ascending, without overlap; pages in none of them are not in the dump
  std::vector<TakenKind> taken;
  bool incomplete = false;          ///< the dump lacks parts of what was looked for
  std::uint64_t refused_pages = 0;  ///< wanted, and not the kernel's own as far as can be told: left out
  Notes notes;
};

}  // namespace memsect
