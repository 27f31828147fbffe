#include "view/sections.h"

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

struct Options {
  SelectionOptions selection;
  SectionsViewOptions view;
};

Result<int> run(CommonOptions& common, const Options& options) {
  auto selection = parse_selection(options.selection);
  if (!selection) return std::move(selection).error();
  auto loaded = load(common, {.usages = true,
                              .memmap = true,
                              .section_nodes = true,
                              .section_zones = true,
                              .nodes = true,
                              .blocks = true,
                              .other_metadata = true});
  if (!loaded) return std::move(loaded).error();
  MemoryModel& model = (*loaded)->model;
  const Dependencies dependencies = find_dependencies(model, {});
  std::vector<const Section*> rows = select_sections(model, *selection);
  Report report = make_sections_report(model, dependencies, std::move(rows), options.view);
  report.notes = model.notes;
  return write_report(report, (*loaded)->kernel, common, model.incomplete);
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<Options>();
  add_watch_option(app, common);
  add_selection_options(app, options->selection);
  app.add_flag("--blocks", options->view.blocks, "list the type of every pageblock (JSON)");
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command sections_command{
    "sections", "one row a present memory section, as crash's kmem -n and more",
    R"(The first columns are those of crash's `kmem -n`. STATE: Present, has Mem map, Online, Early (boot
memory), Device shares it, Vmemmap initialised early. HOLDS names what lies in the section and serves
other sections or nodes.

Examples:
  memsect sections vmcore vmlinux
  memsect sections --section 32-41 -o NR,STATE,NODE,MEMMAP_SECTIONS vmcore vmlinux
  memsect sections --node 1 --json --blocks vmcore vmlinux)",
    sections_columns, add};

}  // namespace memsect
