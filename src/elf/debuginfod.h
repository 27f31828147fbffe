// Debug information from the servers of a distribution, by build ID.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace memsect {

/// Told while a file is fetched: bytes that have come, and bytes in all (0 while that is not known).
using FetchProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Fetches the debug information of `build_id` (hexadecimal) from the servers in the environment's DEBUGINFOD_URLS and
/// gives the path of the file in libdebuginfod's cache. The library is loaded when this is called for the first time:
/// linking it would cost every start 3 ms. `unsupported` where it is not installed or no server is named, `not_in_dump`
/// where no server has the file, `io` for all else.
Result<std::string> fetch_debuginfo(const std::string& build_id, const FetchProgress& progress);

}  // namespace memsect
