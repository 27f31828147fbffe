// The command line before and after it is parsed: habits of other programs are understood, and what is not understood gets a
// hint.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace memsect {

/// The words of the command line, the command first:
///   help [COMMAND]            COMMAND --help        (git)
///   version, -V               --version             (util-linux)
///   --json deps vmcore        deps --json vmcore    (git, ip: options before the command)
std::vector<std::string> arrange_words(std::vector<std::string> words, const CLI::App& program);

/// What is wrong with the command line, and what was probably meant. `words` as arranged.
Error usage_error(const CLI::App& program, const CLI::ParseError& error,
                  const std::vector<std::string>& words);

/// That there is no such command, with the one that was probably meant.
Error no_such_command(const CLI::App& program, const std::string& word);

}  // namespace memsect
