// Memory as it is, without any header: the user says where it belongs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace memsect {

/// What stands in front of a file of raw memory: raw@ADDRESS[,offset=N][,size=N]:FILE
struct RawName {
  std::uint64_t address = 0;          ///< physical, of the first byte
  std::uint64_t offset = 0;           ///< of that byte in the file
  std::optional<std::uint64_t> size;  ///< to the end of the file when not given
  std::string path;
};

/// Whether `name` is meant to be of that form.
bool is_raw_name(std::string_view name);
/// Its parts; `usage` when it is not of that form.
Result<RawName> parse_raw_name(std::string_view name);

}  // namespace memsect
