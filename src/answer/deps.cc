#include "view/deps.h"

#include <algorithm>
#include <array>
#include "answer/session.h"

namespace memsect {
namespace {

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

std::vector<OptionSpec> options() {
  return {{"self", OptionSpec::Kind::flag, "", "also list objects that serve only the section they are in"},
          {"fail-on",
           OptionSpec::Kind::choice,
           "WHAT",
           "exit with 1 if there is a cycle, or a section that holds metadata of others",
           {"cycle", "holder"}}};
}

struct Kept {
  MemoryModel model;
  Dependencies dependencies;
};

Result<Answer> ask(Session& session, const Asked& asked) {
  auto model = session.load(placed_objects);
  if (!model) return std::move(model).error();
  const auto kept = std::make_shared<Kept>(Kept{std::move(*model), {}});
  kept->dependencies = find_dependencies(kept->model, {.self = asked.options.has("self")});
  const Dependencies& dependencies = kept->dependencies;
  Report report = make_deps_report(kept->model, dependencies,
                                   {.data = asked.format == "json", .graph = asked.format == "dot"});
  report.notes = kept->model.notes;
  report.notes.append(dependencies.notes);
  return Answer{std::move(report), kept->model.incomplete || dependencies.incomplete,
                has_finding(dependencies, asked.options.text("fail-on")), kept};
}

}  // namespace

const Question deps_question{
    .name = "deps",
    .summary = "show which sections hold metadata of others and can never be removed",
    .help =
        R"(A section holds an object when any byte of it lies in the section: usages (mem_section_usage), memmaps
(struct pages), pgdats, section roots and their table, page_ext, memory blocks, page tables and more
(memsect-json(5)). Holders come first, heaviest first; then dependency cycles, the messages of the kernel's
own boot-time check (2.6.27 to 7.0), and an order in which sections could be removed, going by metadata.

Examples:
  memsect deps vmcore vmlinux
  memsect deps --json vmcore vmlinux | jq '.data.cycles[] | select(.classic)'
  memsect deps --format dot vmcore vmlinux | dot -Tsvg > deps.svg
  memsect deps --fail-on cycle vmcore vmlinux)",
    .columns = deps_columns,
    .options = options,
    .ask = ask,
    .can_be_watched = true,
    .draws_graph = true};

}  // namespace memsect
