#include "view/sections.h"

#include "answer/selection.h"
#include "answer/session.h"
namespace memsect {
namespace {

std::vector<OptionSpec> options() {
  return selection_options_and(
      {{"blocks", OptionSpec::Kind::flag, "", "list the type of every pageblock (JSON)"}});
}

struct Kept {
  MemoryModel model;
  Dependencies dependencies;
};

Result<Answer> ask(Session& session, const Asked& asked) {
  auto selection = parse_selection(asked.options);
  if (!selection) return std::move(selection).error();
  auto model = session.load({.usages = true,
                             .memmap = true,
                             .section_nodes = true,
                             .section_zones = true,
                             .nodes = true,
                             .blocks = true,
                             .other_metadata = true});
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<Kept>(Kept{std::move(*model), {}});
  kept->dependencies = find_dependencies(kept->model, {});
  std::vector<const Section*> rows = select_sections(kept->model, *selection);
  const SectionsViewOptions view{.blocks = asked.options.has("blocks")};
  Report report = make_sections_report(kept->model, kept->dependencies, std::move(rows), view);
  report.notes = kept->model.notes;
  return Answer{std::move(report), kept->model.incomplete, false, kept};
}

}  // namespace

const Question sections_question{
    .name = "sections",
    .summary = "list present sections (a superset of crash's kmem -n)",
    .help =
        R"(The first columns are those of crash's `kmem -n`. STATE: Present, has Mem map, Online, Early (boot
memory), Device shares it, Vmemmap initialised early. HOLDS names what lies in the section and serves
other sections or nodes.

Examples:
  memsect sections vmcore vmlinux
  memsect sections --section 32-41 -o NR,STATE,NODE,MEMMAP_SECTIONS vmcore vmlinux
  memsect sections --node 1 --json --blocks vmcore vmlinux)",
    .columns = sections_columns,
    .options = options,
    .ask = ask,
    .can_be_watched = true};

}  // namespace memsect
