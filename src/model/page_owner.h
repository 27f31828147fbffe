// Who allocated a page, as the kernel noted it. Plain values; page_owner_reader.h reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// struct page_owner of one page.
struct PageOwner {
  unsigned order = 0;                    ///< of the allocation
  std::uint64_t gfp_mask = 0;            ///< raw: what its bits mean differs by release
  std::optional<std::int64_t> pid;       ///< of who asked; 5.11+
  std::string comm;                      ///< its name; 5.18+, else empty
  std::optional<std::uint64_t> ts_nsec;  ///< when, since boot; 5.11+
  /// The return addresses of the allocation, innermost first; why they cannot be had.
  Result<std::vector<VirtAddr>> stack = Error{Errc::not_applicable, "no stack was saved", {}};
  std::vector<std::string> frames;  ///< `stack` in words, once name_frames() has been called
};

}  // namespace memsect
