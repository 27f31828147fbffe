// Which columns of a table to write, out of what the user typed behind -o.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "render/report.h"

namespace memsect {

/// Indices into `table.columns` in the order they are to be written. Names count in any case. Nothing
/// wanted: the columns shown by default. "+NAME" first: these and then the named ones, each once. Otherwise
/// the named ones as they stand, repetitions included, as lsblk does it. `usage`, listing the columns there
/// are, for a name that is not one.
Result<std::vector<std::size_t>> select_columns(const Table& table, const std::vector<std::string>& wanted);

}  // namespace memsect
