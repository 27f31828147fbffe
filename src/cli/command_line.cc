#include "cli/command_line.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace memsect {
namespace {

std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* const command : program.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

bool is_file(const std::string& word) {
  struct stat status {};
  return ::stat(word.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

/// "--json" and the like of a command; the short ones are too alike to guess at.
std::vector<std::string> long_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known,
                         std::string_view otherwise) {
  const std::vector<std::string_view> words(known.begin(), known.end());
  const std::string_view meant = nearest_word(word, words);
  return meant.empty() ? std::string(otherwise) : fmt::format("did you mean {}? {}", meant, otherwise);
}

/// The option that `app` was given and does not have, without its value; empty when something else is wrong.
std::string unknown_option(const CLI::App& app) {
  for (const std::string& word : app.remaining()) {
    if (word.starts_with("-")) return word.substr(0, word.find('='));
  }
  return {};
}

}  // namespace

std::vector<std::string> arrange_words(std::vector<std::string> words, const CLI::App& program) {
  if (words.empty()) return words;
  if (words.front() == "version" || words.front() == "-V") return {"--version"};
  if (words.front() == "help") {
    words.erase(words.begin());
    words.insert(words.empty() ? words.begin() : words.begin() + 1, "--help");
    return words;
  }
  const bool begins_with_option = words.front().starts_with("-");
  const bool is_own = words.front() == "-h" || words.front() == "--help" || words.front() == "--version";
  if (!begins_with_option || is_own) return words;
  const std::vector<std::string> commands = command_names(program);
  const auto command = std::find_first_of(words.begin(), words.end(), commands.begin(), commands.end());
  if (command != words.end()) std::rotate(words.begin(), command, command + 1);
  return words;
}

Error no_such_command(const CLI::App& program, const std::string& word) {
  if (is_file(word)) {
    return {Errc::usage, fmt::format("{}: a file, and no command before it", word),
            fmt::format("memsect deps {}; memsect --help lists the commands", word)};
  }
  return {Errc::usage, fmt::format("{}: no such command", word),
          did_you_mean(word, command_names(program), "memsect --help lists the commands")};
}

Error usage_error(const CLI::App& program, const CLI::ParseError& error,
                  const std::vector<std::string>& words) {
  const auto chosen = program.get_subcommands();
  const bool is_unknown = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (chosen.empty()) {
    if (is_unknown && !words.empty() && !words.front().starts_with("-"))
      return no_such_command(program, words.front());
    return {Errc::usage, error.what(), "memsect --help lists the commands"};
  }
  const CLI::App& command = *chosen.front();
  const std::string help = fmt::format("memsect {} --help lists the options", command.get_name());
  const std::string unknown = is_unknown ? unknown_option(command) : "";
  if (unknown.empty()) return {Errc::usage, error.what(), help};
  std::string hint = did_you_mean(unknown, long_options(command), help);
  if (unknown == "-o" && command.get_option_no_throw("--output") == nullptr)
    hint = "did you mean --to? " + help;
  return {Errc::usage, fmt::format("{}: {} has no such option", unknown, command.get_name()), hint};
}

}  // namespace memsect
