// The library's JSON: options that come in, the table of questions that goes out.
#pragma once

#include <string>
#include <string_view>

#include "answer/question.h"
#include "base/result.h"
#include "kernel/input_files.h"

namespace memsect {

/// Adds to `request` what the JSON object says; an empty text says nothing. `usage` for what it does not know.
Result<void> read_open_options(std::string_view json, InputRequest& request);

/// What the JSON object asks of the question; an empty text asks nothing.
Result<Asked> read_ask_options(std::string_view json, const Question& question);

/// All questions with their options and columns.
std::string questions_json();

}  // namespace memsect
