#include "view/nodes.h"

#include "answer/selection.h"
#include "answer/session.h"
namespace memsect {
namespace {

std::vector<OptionSpec> options() { return {node_option()}; }

Result<Answer> ask(Session& session, const Asked& asked) {
  auto selection = parse_selection(asked.options);
  if (!selection) return std::move(selection).error();
  auto model = session.load({.usages = true, .nodes = true, .zone_pageblocks = true});
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<MemoryModel>(std::move(*model));
  std::vector<const Node*> nodes;
  for (const Node& node : kept->nodes) {
    if (selection->selects(node)) nodes.push_back(&node);
  }
  const bool nothing_matches = nodes.empty() && !kept->nodes.empty();
  Report report = make_nodes_report(*kept, nodes);
  report.notes = kept->notes;
  if (nothing_matches) report.notes.warn("nothing here matches the selection");
  return Answer{std::move(report), kept->incomplete, false, kept};
}

}  // namespace

const Question nodes_question{
    .name = "nodes",
    .summary = "list nodes: pgdats, where they are, and zones",
    .help =
        R"(One row per zone of every node that has a pgdat, memory or not. PAGEBLOCKS counts as /proc/pagetypeinfo
does under "Number of blocks type". ON_NODE is the node whose memory holds the pgdat: that node cannot
go while this one is there.

Examples:
  memsect nodes vmcore vmlinux
  memsect nodes --node 0 -o ZONE,PRESENT,MANAGED,PAGEBLOCKS vmcore vmlinux)",
    .columns = nodes_columns,
    .options = options,
    .ask = ask};

}  // namespace memsect
