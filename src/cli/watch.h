// --watch: a command again and again, and what has changed.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace memsect {

/// Runs `command`, which gives its answer into the string, every `seconds`, until standard output is closed or the
/// program is interrupted. The first answer is printed whole; of the later ones the lines that are gone (-) and that are
/// new (+), under the time of day. With `whole` each answer that differs from the last one is printed whole.
Result<int> watch(unsigned seconds, bool whole, const std::function<Result<int>(std::string&)>& command);

}  // namespace memsect
