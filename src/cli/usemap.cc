#include "view/usemap.h"

#include <algorithm>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

/// Whether a zone's counts are missing. The totals below the table are text, which the renderer cannot judge.
bool lacks_counts(const std::vector<const Node*>& nodes) {
  const auto lacks = [](const Zone& zone) {
    return !zone.pageblocks && zone.pageblocks.error().code != Errc::not_applicable;
  };
  return std::any_of(nodes.begin(), nodes.end(), [&](const Node* node) {
    return std::any_of(node->zones.begin(), node->zones.end(), lacks);
  });
}

Result<int> run(CommonOptions& common, const SelectionOptions& options) {
  auto selection = parse_selection(options);
  if (!selection) return std::move(selection).error();
  auto loaded = load(common, {.usages = true,
                              .section_nodes = true,
                              .section_zones = selection->node.has_value(),
                              .nodes = true,
                              .zone_pageblocks = true,
                              .blocks = true});
  if (!loaded) return std::move(loaded).error();
  MemoryModel& model = (*loaded)->model;
  std::vector<const Section*> sections = select_sections(model, *selection);
  // Totals of whole zones beside a few sections would be taken for the totals of these.
  const bool whole_zones = !selection->sections && !selection->blocks && !selection->phys;
  std::vector<const Node*> nodes;
  for (const Node& node : model.nodes) {
    if (whole_zones && selection->selects(node)) nodes.push_back(&node);
  }
  const bool incomplete = common.chosen_format() == "table" && lacks_counts(nodes);
  Report report = make_usemap_report(model, sections, nodes);
  report.notes = model.notes;
  return write_report(report, (*loaded)->kernel, common, model.incomplete || incomplete);
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<SelectionOptions>();
  add_selection_options(app, *options);
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command usemap_command{
    "usemap", "the pageblock map, a letter a pageblock, and its totals by zone",
    R"(Each letter is a pageblock: Unmovable, Movable, Reclaimable, HighAtomic, CMA, Isolate; in lower case
where compaction is to skip it. X is Reserve (up to 4.3), a digit is a type that the kernel has no name
for. A row has 64 of them. What the map of a section says that is not online (no O in STATE) is stale.
The totals below are those of /proc/pagetypeinfo, which counts pageblocks that are online and begin in
the zone; they are left out when single sections were asked for.

Examples:
  memsect usemap vmcore vmlinux
  memsect usemap --section 32-41 -o NR,NODE,MAP vmcore vmlinux)",
    usemap_columns, add};

}  // namespace memsect
