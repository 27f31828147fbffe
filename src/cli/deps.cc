#include "view/deps.h"

#include <algorithm>
#include <array>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"

namespace memsect {
namespace {

struct Options {
  bool self = false;
  std::string fail_on;
};

/// Whether a section other than the one it lies in, or a node other than that section's, needs an object: the kinds that
/// the graph has edges for.
bool serves_others(const Holder& holder, const HeldObject& object) {
  constexpr std::array kinds{ObjectKind::usage, ObjectKind::memmap, ObjectKind::page_ext, ObjectKind::pgdat};
  if (std::find(kinds.begin(), kinds.end(), object.kind) == kinds.end()) return false;
  const auto other_section = [&](SectionNr nr) { return nr != holder.section; };
  const auto other_node = [&](NodeId id) { return holder.node != id; };
  return std::any_of(object.of_sections.begin(), object.of_sections.end(), other_section) ||
         std::any_of(object.of_nodes.begin(), object.of_nodes.end(), other_node);
}

bool has_finding(const Dependencies& dependencies, const std::string& fail_on) {
  if (fail_on == "cycle") return !dependencies.cycles.empty();
  if (fail_on != "holder") return false;
  for (const Holder& holder : dependencies.holders) {
    for (const HeldObject& object : holder.holds) {
      if (serves_others(holder, object)) return true;
    }
  }
  return false;
}

Result<int> run(CommonOptions& common, const Options& options) {
  auto loaded = load(common, placed_objects);
  if (!loaded) return std::move(loaded).error();
  const MemoryModel& model = (*loaded)->model;
  const Dependencies dependencies = find_dependencies(model, {.self = options.self});
  const std::string_view format = common.chosen_format();
  Report report = make_deps_report(model, dependencies, {.data = format == "json", .graph = format == "dot"});
  report.notes = model.notes;
  report.notes.append(dependencies.notes);
  return write_report(report, (*loaded)->kernel, common, model.incomplete || dependencies.incomplete,
                      has_finding(dependencies, options.fail_on));
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  auto options = std::make_shared<Options>();
  add_watch_option(app, common);
  app.add_flag("--self", options->self, "also what serves only the section it lies in");
  app.add_option("--fail-on", options->fail_on, "exit 1 on a cycle, or on a holder of what others need")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"cycle", "holder"}));
  return [options, &common] { return run(common, *options); };
}

}  // namespace

const Command deps_command{
    "deps", "which sections hold whose metadata, and what therefore cannot go",
    R"(A section holds an object when any byte of it lies in the section: usages (mem_section_usage), memmaps
(struct pages), pgdats, section roots and their table, page_ext, memory blocks, page tables and more
(memsect-json(5)). Holders come first, heaviest first; then circles of needs, the messages of the kernel's
own boot-time check (2.6.27 to 7.0), and an order in which sections could go as far as metadata decides.

Examples:
  memsect deps vmcore vmlinux
  memsect deps --json vmcore vmlinux | jq '.data.cycles[] | select(.classic)'
  memsect deps --format dot vmcore vmlinux | dot -Tsvg > deps.svg
  memsect deps --fail-on cycle vmcore vmlinux)",
    deps_columns, add};

}  // namespace memsect
