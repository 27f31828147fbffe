// Pages in a row that are alike in a dump that is to be written.
#pragma once

#include <cstdint>

#include "base/position.h"

namespace memsect {

struct PageRun {
  enum class State {
    stored,    ///< with contents
    filtered,  ///< known to have existed, and left out
    lost,      ///< promised without contents, as in a dump that was cut off
  };
  State state = State::filtered;
  Pfn first;
  std::uint64_t count = 0;
};

}  // namespace memsect
