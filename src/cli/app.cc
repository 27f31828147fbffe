#include "cli/app.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/version.h"
#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/watch.h"

namespace memsect {
namespace {

constexpr const char* program_help =
    R"(A FILE is a crash dump (vmcore), or belongs to its kernel: vmlinux, System.map, BTF; memsect recognises
them by their content. Without a dump, the running kernel is read (root only). Without a vmlinux, memsect
looks for one; if there is none, types and symbols are read from the dump itself.

Examples:
  memsect deps vmcore vmlinux             which sections hold whose metadata
  memsect sections --node 1 vmcore        sections of node 1, types and symbols from the dump itself
  memsect deps                            the running kernel

memsect COMMAND --help says more about a command; the manual is memsect(1).)";

/// Options without CLI11's remarks on choices and exclusions: the texts say what there is to say.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();  // "FORMAT:{table,json}": a validator adds its choices
    return option->get_type_size() == 0 || type.empty() ? "" : " " + type.substr(0, type.find(':'));
  }
};

/// -h is the list of options; --help adds the text and the examples below it.
struct HelpRequest {
  const CLI::App* app = nullptr;
  bool with_text = false;
};

void add_help_flags(CLI::App& app, HelpRequest& request) {
  app.set_help_flag();
  const auto ask = [&app, &request](bool with_text) {
    return [&app, &request, with_text]() {
      request = {&app, with_text};
      throw CLI::CallForHelp();
    };
  };
  app.add_flag_callback("-h", ask(false), "a short help")->trigger_on_parse();
  app.add_flag_callback("--help", ask(true), "the help with examples")->trigger_on_parse();
}

std::string help_of(const CLI::App& app) {
  return app.help(app.get_parent() == nullptr ? "" : app.get_parent()->get_name());
}

/// Prints what was asked for, help or version: a full disk is an error here too.
int print_answer(const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written || errno == EPIPE) return exit_done;
  print_error({Errc::io,
               fmt::format("standard output: cannot be written: {}", std::generic_category().message(errno)),
               {}});
  return exit_unreadable;
}

std::vector<std::string> format_names(bool draws_graph) {
  std::vector<std::string> names;
  for (const Renderer* renderer : renderers()) {
    if (renderer->name != "dot" || draws_graph) names.emplace_back(renderer->name);
  }
  return names;
}

/// A command that was declared: its parser, its options, its work.
struct Declared {
  CLI::App* app = nullptr;
  std::span<const Column> columns;
  std::string_view help;
  CommonOptions options;
  RunCommand run;
};

std::unique_ptr<Declared> declare_question(CLI::App& program, HelpRequest& help, const Question& question) {
  auto entry = std::make_unique<Declared>();
  entry->columns = question.columns();
  entry->help = question.help;
  entry->app = program.add_subcommand(std::string(question.name), std::string(question.summary));
  add_help_flags(*entry->app, help);
  if (question.targets != Question::Targets::none)
    add_target_option(*entry->app, entry->options, question.targets == Question::Targets::several);
  add_common_options(*entry->app, entry->options, format_names(question.draws_graph));
  entry->run = add_question(*entry->app, entry->options, question);
  return entry;
}

std::unique_ptr<Declared> declare_command(CLI::App& program, HelpRequest& help, const Command& command) {
  auto entry = std::make_unique<Declared>();
  entry->columns = command.columns();
  entry->help = command.help;
  entry->app = program.add_subcommand(std::string(command.name), std::string(command.summary));
  add_help_flags(*entry->app, help);
  add_common_options(*entry->app, entry->options, format_names(false));
  entry->run = command.add(*entry->app, entry->options);
  return entry;
}

std::vector<std::unique_ptr<Declared>> declare_commands(CLI::App& program, HelpRequest& help) {
  std::vector<std::unique_ptr<Declared>> declared;
  for (const Question* question : questions()) declared.push_back(declare_question(program, help, *question));
  for (const Command* command : commands()) declared.push_back(declare_command(program, help, *command));
  return declared;
}

/// What --help says below the options: the columns, then the text and the examples.
std::string text_of(const std::vector<std::unique_ptr<Declared>>& declared, const CLI::App* app) {
  for (const auto& entry : declared) {
    if (entry->app != app) continue;
    std::string text = "Columns (* shown by default):\n";
    for (const Column& column : entry->columns) {
      text += fmt::format("  {:19}{} {}\n", column.name, column.shown_by_default ? '*' : ' ', column.help);
    }
    return fmt::format("{}\n{}", text, entry->help);
  }
  return program_help;
}

TypesWanted types_wanted(std::string_view name) {
  if (name == "dwarf") return TypesWanted::dwarf;
  if (name == "btf") return TypesWanted::btf;
  return name == "vmcoreinfo" ? TypesWanted::vmcoreinfo : TypesWanted::automatic;
}

Result<int> run_watched(Declared& entry) {
  CommonOptions& options = entry.options;
  if (!options.to.empty())
    return Error{Errc::usage, "--watch writes to standard output, not --to a file", {}};
  const auto inputs = open_files(options);
  if (!inputs) return inputs.error();
  if (inputs->dump) {
    return Error{Errc::usage, "--watch watches the running kernel, and a dump does not change",
                 "leave out " + inputs->dump->path()};
  }
  ::tzset();  // reads the time zone while files can still be opened
  return watch(options.watch_seconds, options.chosen_format() == "json", [&entry](std::string& answer) {
    entry.options.captured = &answer;
    return entry.run();
  });
}

int run_declared(Declared& entry) {
  entry.options.input.search = !entry.options.no_search;
  entry.options.input.unpack = !entry.options.no_unpack;
  entry.options.input.types = types_wanted(entry.options.types);
  if (entry.options.to == "-") entry.options.to.clear();
  auto code = entry.options.watch_seconds == 0 ? entry.run() : run_watched(entry);
  if (code) return *code;
  print_error(code.error());
  return exit_code_of(code.error());
}

}  // namespace

int run_app(int argc, char** argv) {
  CLI::App program{
      "Shows which memory sections of a Linux kernel hold metadata that other sections and nodes depend on.",
      "memsect"};
  HelpRequest help;
  add_help_flags(program, help);
  auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(28);
  program.formatter(formatter);  // subcommands inherit it
  program.set_version_flag("--version", fmt::format("memsect {}", version), "the version");
  program.require_subcommand(0, 1);
  auto declared = declare_commands(program, help);
  const std::vector<std::string> words =
      arrange_words(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), program);
  try {
    program.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them from the end
  } catch (const CLI::CallForHelp&) {
    if (help.app == &program && !words.empty() &&
        !words.front().starts_with("-")) {  // help of no command there is
      print_error(no_such_command(program, words.front()));
      return exit_usage;
    }
    const std::string text = help.with_text ? fmt::format("\n{}\n", text_of(declared, help.app)) : "";
    return print_answer(help_of(*help.app) + text);
  } catch (const CLI::CallForVersion& asked) {
    return print_answer(fmt::format("{}\n", asked.what()));
  } catch (const CLI::ParseError& error) {
    print_error(usage_error(program, error, words));
    return exit_usage;
  }
  for (const auto& entry : declared) {
    if (entry->app->parsed()) return run_declared(*entry);
  }
  print_message(help_of(program));
  return exit_usage;
}

}  // namespace memsect
