#include "view/subsections.h"

#include "answer/selection.h"
#include "answer/session.h"
namespace memsect {
namespace {

std::vector<OptionSpec> options() { return selection_options(); }

Result<Answer> ask(Session& session, const Asked& asked) {
  auto selection = parse_selection(asked.options);
  if (!selection) return std::move(selection).error();
  auto model = session.load({.usages = true,
                             .section_nodes = true,
                             .section_zones = selection->nodes.has_value(),
                             .nodes = true,
                             .blocks = true,
                             .subsection_kinds = true});
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<MemoryModel>(std::move(*model));
  Report report = make_subsections_report(*kept, select_sections(*kept, *selection));
  report.notes = kept->notes;
  if (const std::string remark = subsection_map_remark(kept->geometry); !remark.empty())
    report.notes.note(remark);
  return Answer{std::move(report), kept->incomplete, false, kept};
}

}  // namespace

const Question subsections_question{
    .name = "subsections",
    .summary = "list subsections (2 MiB units): boot RAM, hot-added RAM, device memory",
    .help =
        R"(A row is a range of subsections of one kind: boot_ram, hot_added_ram, or zone_device (persistent memory
and the like). Subsections that are not populated are in no row. The kernel keeps the map since 5.3, and
since 5.7 with VMEMMAP only; where there is none, one sentence says what the kernel does instead.

Examples:
  memsect subsections vmcore vmlinux
  memsect subsections --json vmcore vmlinux | jq '.data[] | select(.mixed == true).section')",
    .columns = subsections_columns,
    .options = options,
    .ask = ask};

}  // namespace memsect
