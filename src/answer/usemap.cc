#include "view/usemap.h"

#include <algorithm>
#include "answer/selection.h"
#include "answer/session.h"

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

std::vector<OptionSpec> options() { return selection_options(); }

Result<Answer> ask(Session& session, const Asked& asked) {
  auto selection = parse_selection(asked.options);
  if (!selection) return std::move(selection).error();
  auto model = session.load({.usages = true,
                             .section_nodes = true,
                             .section_zones = selection->nodes.has_value(),
                             .nodes = true,
                             .zone_pageblocks = true,
                             .blocks = true});
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<MemoryModel>(std::move(*model));
  std::vector<const Section*> sections = select_sections(*kept, *selection);
  // Totals of whole zones beside a few sections would be taken for the totals of these.
  const bool whole_zones = !selection->sections && !selection->blocks && !selection->phys;
  std::vector<const Node*> nodes;
  for (const Node& node : kept->nodes) {
    if (whole_zones && selection->selects(node)) nodes.push_back(&node);
  }
  const bool incomplete = asked.format == "table" && lacks_counts(nodes);
  Report report = make_usemap_report(*kept, sections, nodes);
  report.notes = kept->notes;
  return Answer{std::move(report), kept->incomplete || incomplete, false, kept};
}

}  // namespace

const Question usemap_question{
    .name = "usemap",
    .summary = "show the pageblock map, one letter per pageblock, and totals by zone",
    .help =
        R"(Each letter is one pageblock: Unmovable, Movable, Reclaimable, HighAtomic, CMA, Isolate; in lower case
where compaction is to skip it. X is Reserve (up to 4.3), a digit is a type that the kernel has no name
for. A row has 64 of them. What the map of a section says that is not online (no O in STATE) is stale.
The totals below are those of /proc/pagetypeinfo, which counts pageblocks that are online and begin in
the zone; they are left out when single sections were asked for.

Examples:
  memsect usemap vmcore vmlinux
  memsect usemap --section 32-41 -o NR,NODE,MAP vmcore vmlinux)",
    .columns = usemap_columns,
    .options = options,
    .ask = ask};

}  // namespace memsect
