// An answer that memsect --json wrote before, read back.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "render/report.h"

namespace memsect {

struct SavedAnswer {
  std::set<std::string, std::less<>> words;  ///< what the report's keys refer to
  Report report;                             ///< command, source and data
};

/// Whether a file that begins so may be one: at the first character that is no blank stands a brace.
bool looks_like_saved_answer(std::string_view beginning);

/// `bad_format` for what is no whole answer of memsect.
Result<std::unique_ptr<SavedAnswer>> read_saved_answer(std::string_view text);

}  // namespace memsect
