#include "cli/command.h"

#include <unistd.h>

#include <array>
#include <map>
#include <string>

#include "answer/session.h"
#include "answer/target.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

constexpr std::array<const Command*, 2> all{&diff_command, &extract_command};

/// What CLI11 fills in of a question's options.
struct Given {
  std::map<std::string, bool> flags;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<std::string>> lists;

  OptionValues values() const {
    OptionValues values;
    for (const auto& [name, given] : flags) {
      if (given) values.set(name, {});
    }
    for (const auto& [name, text] : texts) {
      if (!text.empty()) values.set(name, {text});
    }
    for (const auto& [name, list] : lists) {
      if (!list.empty()) values.set(name, list);
    }
    return values;
  }
};

void add_option(CLI::App& app, Given& given, const OptionSpec& option) {
  using Kind = OptionSpec::Kind;
  const std::string name(option.name);
  const std::string flag = "--" + name;
  const std::string help(option.help);
  if (option.kind == Kind::flag) {
    app.add_flag(flag, given.flags[name], help);
    return;
  }
  CLI::Option* const added = option.kind == Kind::names ? app.add_option(flag, given.lists[name], help)
                                                        : app.add_option(flag, given.texts[name], help);
  added->type_name(std::string(option.value));
  if (option.kind == Kind::names) added->allow_extra_args(false);
  added->check(not_empty);
}

/// The targets: the first positional, and those behind it that look like one and are not files.
std::vector<std::string> take_targets(CommonOptions& common, const Question& question) {
  using Targets = Question::Targets;
  std::vector<std::string> targets;
  if (question.targets == Targets::none) return targets;
  targets.push_back(common.target);
  std::vector<std::string>& files = common.input.files;
  while (question.targets == Targets::several && !files.empty() && looks_like_target(files.front()) &&
         ::access(files.front().c_str(), F_OK) != 0) {
    targets.push_back(files.front());
    files.erase(files.begin());
  }
  return targets;
}

Result<int> run(CommonOptions& common, const Question& question, const Given& given) {
  auto asked = prepare(question, {.targets = take_targets(common, question),
                                  .options = given.values(),
                                  .format = common.chosen_format(),
                                  .threads = common.threads});
  if (!asked) return std::move(asked).error();
  if (auto done = open_for(common); !done) return std::move(done).error();
  Session session(common.kernel, progress_line());
  const auto answer = session.ask(question, *std::move(asked));
  if (!answer) return answer.error();
  return write_report(answer->report, common, answer->incomplete, answer->found);
}

}  // namespace

std::span<const Command* const> commands() { return all; }

RunCommand add_question(CLI::App& app, CommonOptions& common, const Question& question) {
  auto given = std::make_shared<Given>();
  if (question.can_be_watched) add_watch_option(app, common);
  for (const OptionSpec& option : question.options()) add_option(app, *given, option);
  return [given, &common, &question] { return run(common, question, *given); };
}

}  // namespace memsect
