#include "view/nodes.h"

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

Result<int> run(CommonOptions& common, const SelectionOptions& options) {
  auto selection = parse_selection(options);
  if (!selection) return std::move(selection).error();
  auto loaded = load(common, {.usages = true, .nodes = true, .zone_pageblocks = true});
  if (!loaded) return std::move(loaded).error();
  const MemoryModel& model = (*loaded)->model;
  std::vector<const Node*> nodes;
  for (const Node& node : model.nodes) {
    if (selection->selects(node)) nodes.push_back(&node);
  }
  const bool nothing_matches = nodes.empty() && !model.nodes.empty();
  Report report = make_nodes_report(model, nodes);
  report.notes = model.notes;
  if (nothing_matches) report.notes.warn("nothing here matches the selection");
  return write_report(report, (*loaded)->kernel, common, model.incomplete);
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<SelectionOptions>();
  add_node_option(app, *options);
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command nodes_command{
    "nodes", "pgdats, where they lie, and their zones",
    R"(One row a zone of every node that has a pgdat, memory or not. PAGEBLOCKS counts as /proc/pagetypeinfo
does under "Number of blocks type". ON_NODE is the node whose memory holds the pgdat: that node cannot
go while this one is there.

Examples:
  memsect nodes vmcore vmlinux
  memsect nodes --node 0 -o ZONE,PRESENT,MANAGED,PAGEBLOCKS vmcore vmlinux)",
    nodes_columns, add};

}  // namespace memsect
