#include "view/check.h"

#include <algorithm>
#include "answer/session.h"

namespace memsect {
namespace {

/// In the order of the list, each once.
std::vector<CheckAnswer> run_checks(const MemoryModel& model, const std::vector<std::string>& names) {
  std::vector<CheckAnswer> answers;
  if (model.geometry.kind == MemoryModelKind::flatmem) return answers;
  for (const Check* check : checks()) {
    const bool wanted = names.empty() || std::find(names.begin(), names.end(), check->name) != names.end();
    if (wanted) answers.push_back({check, check->run(model)});
  }
  return answers;
}

bool any(const std::vector<CheckAnswer>& answers, Verdict verdict) {
  return std::any_of(answers.begin(), answers.end(),
                     [&](const CheckAnswer& answer) { return answer.result.verdict == verdict; });
}

std::vector<std::string> check_names() {
  std::vector<std::string> names;
  for (const Check* check : checks()) names.emplace_back(check->name);
  return names;
}

std::vector<OptionSpec> options() {
  return {{"check", OptionSpec::Kind::names, "NAME", "only these checks, comma separated", check_names()}};
}

struct Kept {
  MemoryModel model;
  std::vector<CheckAnswer> answers;
};

Result<Answer> ask(Session& session, const Asked& asked) {
  auto model = session.load({.usages = true,
                             .memmap = true,
                             .section_nodes = true,
                             .section_zones = true,
                             .nodes = true,
                             .zone_pageblocks = true,
                             .blocks = true});
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<Kept>(Kept{std::move(*model), {}});
  kept->answers = run_checks(kept->model, asked.options.list("check"));
  Report report = make_check_report(kept->model, kept->answers);
  report.notes = kept->model.notes;
  return Answer{std::move(report), any(kept->answers, Verdict::undecided),
                any(kept->answers, Verdict::violated), kept};
}

}  // namespace

const Question check_question{
    .name = "check",
    .summary = "verify the memory model against kernel invariants",
    .help =
        R"(Each check is a rule that holds in every sound kernel. A rule is violated when something in the dump is at odds with
it, whatever else could not be read; undecided when nothing is and part of what it asks for is not in the dump. Exit code:
1 when a rule is violated, else 5 when one is undecided, else 0. Rules without anything to apply to hold, and say so.

Examples:
  memsect check vmcore vmlinux
  memsect check --check usage_shared --check usage_apart vmcore vmlinux
  memsect check --json vmcore | jq '.data.checks[] | select(.verdict != "holds")')",
    .columns = check_columns,
    .options = options,
    .ask = ask};

}  // namespace memsect
