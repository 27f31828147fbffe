#include "view/removable.h"

#include <algorithm>
#include "answer/selection.h"
#include "answer/session.h"

#include "answer/judge.h"
#include "offlining/offline_rules.h"
#include "page/filtered_pages.h"
#include "view/blocks.h"

namespace memsect {
namespace {

std::vector<OfflineUnit> select_units(MemoryModel& model, const Selection& selection, bool by_section) {
  std::vector<OfflineUnit> units;
  if (by_section) {
    for (const Section* section : select_sections(model, selection))
      units.push_back(unit_of_section(model, *section));
    return units;
  }
  if (!model.blocks) {
    model.incomplete = model.geometry.kind != MemoryModelKind::flatmem;
    model.notes.warn("the memory blocks cannot be listed: " + model.blocks.error().message,
                     "--by section judges the sections without them");
    return units;
  }
  for (const MemoryBlock& block : *model.blocks) {
    if (selection.selects(model, block)) units.push_back(unit_of_block(model, block));
  }
  if (units.empty() && !model.blocks->empty()) model.notes.warn("nothing here matches the selection");
  return units;
}

std::vector<OptionSpec> options() {
  return selection_options_and(
      {{"by",
        OptionSpec::Kind::choice,
        "UNIT",
        "judge each memory block, or each section",
        {"block", "section"},
        "block"},
       {"plan", OptionSpec::Kind::flag, "", "order in which blocks can be taken offline, and which stay"},
       {"fail-on", OptionSpec::Kind::choice, "WHAT", "exit with 1 if a block is blocked", {"blocked"}}});
}

struct Kept {
  MemoryModel model;
  std::vector<OfflineJudgement> judgements;
};

bool any_blocked(const std::vector<OfflineJudgement>& judgements) {
  return std::any_of(judgements.begin(), judgements.end(), [](const OfflineJudgement& judgement) {
    return judgement.verdict == OfflineVerdict::blocked;
  });
}

Result<Answer> ask(Session& session, const Asked& asked) {
  auto selection = parse_selection(asked.options);
  if (!selection) return std::move(selection).error();
  auto model = session.load(placed_objects);
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<Kept>(Kept{std::move(*model), {}});
  const OfflineRules rules = load_offline_rules(session.kernel(), kept->model);
  note_filtered_pages(session.kernel(), kept->model);
  const auto units = select_units(kept->model, *selection, asked.options.text("by") == "section");
  kept->judgements = judge_units(session, kept->model, rules, units, asked.threads);
  const auto& judgements = kept->judgements;
  Report report = asked.options.has("plan") ? make_plan_report(judgements, plan_offlining(judgements))
                                            : make_removable_report(judgements);
  if (const auto why = why_no_blocks(kept->model); why && units.empty()) report.paragraphs.push_back(*why);
  report.notes = kept->model.notes;
  const bool found = asked.options.text("fail-on") == "blocked" && any_blocked(judgements);
  return Answer{std::move(report), kept->model.incomplete || lacks_evidence(judgements), found, kept};
}

}  // namespace

const Question removable_question{
    .name = "removable",
    .summary = "judge which memory blocks can be taken offline, and why others cannot",
    .help =
        R"(For each memory block the kernel's own tests in the kernel's own order, over all of its struct pages: zone, holes,
pageblocks, pages. REASON is the strongest one; `memsect why` tells all of them. no_blocker_found is no guarantee: pages
can be allocated or pinned after the dump. (The `removable` of sysfs has said 1 of every block since Linux 5.8.)

Examples:
  memsect removable vmcore vmlinux
  memsect removable --node 1 --plan vmcore vmlinux
  memsect removable --json vmcore | jq '.data[] | select(.verdict == "blocked") | .block'
  memsect removable --fail-on blocked --range 0x100000000-0x13fffffff)",
    .columns = removable_columns,
    .options = options,
    .ask = ask};

}  // namespace memsect
