// Where an answer goes, and how a run ends.
#pragma once

#include <string>

#include "base/notes.h"
#include "base/result.h"
#include "cli/options.h"
#include "render/report.h"

namespace memsect {

class Kernel;

/// The exit codes of the contract.
enum ExitCode : int {
  exit_done = 0,
  exit_found = 1,
  exit_usage = 2,
  exit_unreadable = 3,
  exit_mismatch = 4,
  exit_partial = 5
};

/// The exit code that an error ends a run with.
int exit_code_of(const Error& error);

/// Writes to standard error, where it can be written: there is no better place to say that it cannot, and fmt::print
/// would throw.
void print_message(const std::string& text);

/// "memsect: error: ..." and, where there is one, "hint: ..." on standard error.
void print_error(const Error& error);

/// Opens the file of --to, if there is one, without touching what is in it.
Result<void> open_output(CommonOptions& options);
/// `usage` when --to names a file that the kernel is read from.
Result<void> refuse_own_input(const std::string& to, const Kernel& kernel);

/// Writes the report as the options say, its notes to standard error where the format has no place for them.
/// Returns exit_found when the command `found` what it was to judge, else exit_partial when a part of the answer
/// was absent or `incomplete`, else exit_done; exit_done whatever else when the reader closed the pipe.
Result<int> write_report(const Report& report, const CommonOptions& options, bool incomplete,
                         bool found = false);

}  // namespace memsect
