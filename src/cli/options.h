// Options that every command takes, and selections of what it lists.
#pragma once

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/input_files.h"
#include "render/report.h"

namespace memsect {

class Kernel;

struct CommonOptions {
  InputRequest input;
  std::string target;  ///< of the commands that take one: the first
  bool no_search = false;
  bool no_unpack = false;
  std::string types = "auto";
  std::string format = "table";
  bool json = false, pairs = false, raw = false;
  bool no_headings = false;
  std::string columns;
  bool bytes = false;
  std::string to;
  std::string color = "auto";
  bool verbose = false;
  unsigned threads = 0;  ///< of what goes over all pages; 0: one for each CPU
  bool no_sandbox = false;
  unsigned watch_seconds = 0;  ///< --watch, 0 when not given

  // What a run leaves for the next one, with --watch.
  std::shared_ptr<const Kernel> kernel;  ///< once it is open
  std::shared_ptr<std::FILE> output;     ///< --to, once it is open; null for standard output
  std::string* captured = nullptr;       ///< where the answer goes in place of both, or null

  /// The format after -J, -P and -r.
  std::string_view chosen_format() const;
  /// The named columns, split at commas.
  std::vector<std::string> column_names() const;
};

/// A check for CLI11: what is wrong with an empty text, which, as a shell variable that is not set leaves it, would select
/// everything, or name no dump.
std::string not_empty(const std::string& text);

/// Declares TARGET, the first positional: before the common options, whose FILEs come behind it.
/// With `several`, take_targets() finds the others among the FILEs.
void add_target_option(CLI::App& app, CommonOptions& options, bool several);
/// Declares the common options; `formats` are the names that --format takes.
void add_common_options(CLI::App& app, CommonOptions& options, const std::vector<std::string>& formats);

/// Declares --watch, of the commands that can be watched.
void add_watch_option(CLI::App& app, CommonOptions& options);

}  // namespace memsect
