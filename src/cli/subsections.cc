#include "view/subsections.h"

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

Result<int> run(CommonOptions& common, const SelectionOptions& options) {
  auto selection = parse_selection(options);
  if (!selection) return std::move(selection).error();
  auto loaded = load(common, {.usages = true,
                              .section_nodes = true,
                              .section_zones = selection->node.has_value(),
                              .nodes = true,
                              .blocks = true,
                              .subsection_kinds = true});
  if (!loaded) return std::move(loaded).error();
  MemoryModel& model = (*loaded)->model;
  std::vector<const Section*> sections = select_sections(model, *selection);
  Report report = make_subsections_report(model, std::move(sections));
  report.notes = model.notes;
  if (const std::string remark = subsection_map_remark(model.geometry); !remark.empty())
    report.notes.note(remark);
  return write_report(report, (*loaded)->kernel, common, model.incomplete);
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<SelectionOptions>();
  add_selection_options(app, *options);
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command subsections_command{
    "subsections", "which 2 MiB units of each section there are: boot or hot-added RAM, or a device's",
    R"(A row is a range of subsections of one kind: boot_ram, hot_added_ram, or zone_device (persistent memory
and the like). Subsections that are not populated are in no row. The kernel keeps the map since 5.3, and
since 5.7 with VMEMMAP only; where there is none, one sentence says what the kernel does instead.

Examples:
  memsect subsections vmcore vmlinux
  memsect subsections --json vmcore vmlinux | jq '.data[] | select(.mixed == true).section')",
    subsections_columns, add};

}  // namespace memsect
