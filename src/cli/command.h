// What the program offers: every question of the floor below (answer/question.h), and commands of its own, which do more
// than answer. To add one of those, write a file with a function that declares its options and a Command at its end, and
// add its name here and in commands.cc.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "answer/question.h"
#include "cli/options.h"

namespace memsect {

/// A command's work: reads its options, writes its answer, returns the exit code (0, 1, 5; errors throw nothing, they
/// come back as Result).
using RunCommand = std::function<Result<int>()>;

struct Command {
  std::string_view name;
  std::string_view summary;  ///< one line for the list of commands
  std::string_view help;     ///< paragraphs and examples below the options of --help
  /// The columns of its table, for -o.
  std::span<const Column> (*columns)();
  /// Declares the command's own options beside the common ones and returns what runs it.
  RunCommand (*add)(CLI::App& app, CommonOptions& common);
};

extern const Command diff_command;
extern const Command extract_command;

/// The commands beside the questions, in the order of the help.
std::span<const Command* const> commands();

/// Declares the options of a question, and returns what asks it.
RunCommand add_question(CLI::App& app, CommonOptions& common, const Question& question);

}  // namespace memsect
