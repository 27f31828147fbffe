// A subcommand: to add one, write a file with a function that declares its options and a Command at its end,
// and add its name here and in commands.cc.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "cli/options.h"

namespace memsect {

/// A command's work: reads its options, writes its answer, returns the exit code (contract: 0, 1, 5; errors
/// throw nothing, they come back as Result).
using RunCommand = std::function<Result<int>()>;

struct Command {
  std::string_view name;
  std::string_view summary;  ///< one line for the list of commands
  std::string_view help;     ///< paragraphs and examples below the options of --help
  /// The columns of its table, for -o.
  std::span<const Column> (*columns)();
  /// Declares the command's own options beside the common ones and returns what runs it.
  RunCommand (*add)(CLI::App& app, CommonOptions& common);
  bool takes_target = false;  ///< its first positional is a TARGET
};

extern const Command info_command;
extern const Command sections_command;
extern const Command nodes_command;
extern const Command blocks_command;
extern const Command usemap_command;
extern const Command subsections_command;
extern const Command deps_command;
extern const Command removable_command;
extern const Command why_command;
extern const Command check_command;
extern const Command addr_command;
extern const Command extract_command;

/// All commands, in the order of the help.
std::span<const Command* const> commands();

}  // namespace memsect
