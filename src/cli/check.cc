#include "view/check.h"

#include <algorithm>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

struct Options {
  std::vector<std::string> names;  ///< --check; empty: all
};

/// In the order of the list, each once.
std::vector<CheckAnswer> run_checks(const MemoryModel& model, const Options& options) {
  std::vector<CheckAnswer> answers;
  if (model.geometry.kind == MemoryModelKind::flatmem) return answers;
  for (const Check* check : checks()) {
    const bool wanted = options.names.empty() || std::find(options.names.begin(), options.names.end(),
                                                           check->name) != options.names.end();
    if (wanted) answers.push_back({check, check->run(model)});
  }
  return answers;
}

bool any(const std::vector<CheckAnswer>& answers, Verdict verdict) {
  return std::any_of(answers.begin(), answers.end(),
                     [&](const CheckAnswer& answer) { return answer.result.verdict == verdict; });
}

Result<int> run(CommonOptions& common, const Options& options) {
  auto loaded = load(common, {.usages = true,
                              .memmap = true,
                              .section_nodes = true,
                              .section_zones = true,
                              .nodes = true,
                              .zone_pageblocks = true,
                              .blocks = true});
  if (!loaded) return std::move(loaded).error();
  const MemoryModel& model = (*loaded)->model;
  const std::vector<CheckAnswer> answers = run_checks(model, options);
  Report report = make_check_report(model, answers);
  report.notes = model.notes;
  return write_report(report, (*loaded)->kernel, common, any(answers, Verdict::undecided),
                      any(answers, Verdict::violated));
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const Check* check : checks()) names.emplace_back(check->name);
  app.add_option("--check", options->names, "this check alone; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->check(CLI::IsMember(names));
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command check_command{
    "check", "whether the memory model agrees with itself: invariants of the kernel, judged",
    R"(Each check is a rule that holds in every sound kernel. A rule is violated when something in the dump is at odds with
it, whatever else could not be read; undecided when nothing is and part of what it asks for is not in the dump. Exit code:
1 when a rule is violated, else 5 when one is undecided, else 0. Rules without anything to apply to hold, and say so.

Examples:
  memsect check vmcore vmlinux
  memsect check --check usage_shared --check usage_apart vmcore vmlinux
  memsect check --json vmcore | jq '.data.checks[] | select(.verdict != "holds")')",
    check_columns, add};

}  // namespace memsect
