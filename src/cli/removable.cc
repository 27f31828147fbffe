#include "view/removable.h"

#include <algorithm>

#include "cli/command.h"
#include "cli/judge.h"
#include "cli/load.h"
#include "cli/output.h"
#include "offlining/offline_rules.h"

namespace memsect {
namespace {

struct Options {
  SelectionOptions selection;
  std::string by = "block";
  std::string fail_on;
  bool plan = false;
};

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

Result<int> run(CommonOptions& common, const Options& options) {
  auto selection = parse_selection(options.selection);
  if (!selection) return std::move(selection).error();
  auto loaded = load(common, placed_objects);
  if (!loaded) return std::move(loaded).error();
  MemoryModel& model = (*loaded)->model;
  const OfflineRules rules = load_offline_rules((*loaded)->kernel, model);
  const auto units = select_units(model, *selection, options.by == "section");
  const auto judgements = judge_units(**loaded, rules, units, common);
  Report report = options.plan ? make_plan_report(judgements, plan_offlining(judgements))
                               : make_removable_report(judgements);
  report.notes = model.notes;
  const bool found = options.fail_on == "blocked" &&
                     std::any_of(judgements.begin(), judgements.end(), [](const OfflineJudgement& judgement) {
                       return judgement.verdict == OfflineVerdict::blocked;
                     });
  return write_report(report, (*loaded)->kernel, common, model.incomplete || lacks_evidence(judgements),
                      found);
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<Options>();
  add_selection_options(app, options->selection);
  app.add_option("--by", options->by, "judge each memory block, or each section")
      ->type_name("UNIT")
      ->check(CLI::IsMember({"block", "section"}));
  app.add_flag("--plan", options->plan, "the order in which blocks could go, and what stays");
  app.add_option("--fail-on", options->fail_on, "exit 1 when a block is blocked")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"blocked"}));
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command removable_command{
    "removable", "which memory blocks could be put offline, and what keeps the others",
    R"(For each memory block the kernel's own tests in the kernel's own order, over all of its struct pages: zone, holes,
pageblocks, pages. REASON is the strongest one; `memsect why` tells all of them. no_blocker_found promises nothing: pages
may be taken or pinned after the dump. (The `removable` of sysfs has said 1 of every block since Linux 5.8.)

Examples:
  memsect removable vmcore vmlinux
  memsect removable --node 1 --plan vmcore vmlinux
  memsect removable --json vmcore | jq '.data[] | select(.verdict == "blocked") | .block'
  memsect removable --fail-on blocked --range 0x100000000-0x13fffffff)",
    removable_columns, add};

}  // namespace memsect
