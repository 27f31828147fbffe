// Options that every command takes, and selections of what it lists.
#pragma once

#include <CLI/App.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "kernel/input_files.h"
#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

class Kernel;

struct CommonOptions {
  InputRequest input;
  std::string target;  ///< of the commands that take one
  bool no_search = false;
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
  bool no_cage = false;
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

/// Declares TARGET, the first positional: before the common options, whose FILEs come behind it.
void add_target_option(CLI::App& app, CommonOptions& options);
/// Declares the common options; `formats` are the names that --format takes.
void add_common_options(CLI::App& app, CommonOptions& options, const std::vector<std::string>& formats);

/// Declares --watch, of the commands that can be watched.
void add_watch_option(CLI::App& app, CommonOptions& options);

/// Bounds, both inclusive.
struct Bounds {
  std::uint64_t first = 0, last = 0;
  bool contains(std::uint64_t value) const { return first <= value && value <= last; }
};

/// --section, --node, --block, --range as given; empty texts select everything.
struct SelectionOptions {
  std::string section, node, block, range;
};
void add_selection_options(CLI::App& app, SelectionOptions& options);
/// --node alone.
void add_node_option(CLI::App& app, SelectionOptions& options);

/// The same, understood. What is not set selects everything.
struct Selection {
  std::optional<Bounds> sections, blocks, phys;
  std::optional<std::uint64_t> node;

  bool selects(const MemoryModel& model, const Section& section) const;
  bool selects(const MemoryModel& model, const MemoryBlock& block) const;
  bool selects(const Node& candidate) const;
};
/// The present sections that are selected. Notes in the model when that leaves none of them.
std::vector<const Section*> select_sections(MemoryModel& model, const Selection& selection);
/// `usage` when a bound is not of the form the option takes.
Result<Selection> parse_selection(const SelectionOptions& options);

}  // namespace memsect
