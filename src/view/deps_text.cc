// What stands below the table of holders, in words. Long lists are cut: the whole of them is in JSON.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/kernel_messages.h"
#include "analysis/words.h"
#include "view/deps.h"

namespace memsect {
namespace {

constexpr std::size_t most_lines = 20;
constexpr std::size_t most_runs = 64;

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

/// A headline and up to most_lines lines below it, each indented.
template <class Items, class Line>
std::string listing(std::string headline, const Items& items, const Line& line) {
  const std::size_t shown = std::min(items.size(), most_lines);
  for (std::size_t i = 0; i < shown; ++i) headline += "\n  " + line(items[i]);
  if (items.size() > shown)
    headline += fmt::format("\n  and {} more: see --format json", items.size() - shown);
  return headline;
}

std::string dependence_text(const Dependencies& found) {
  std::size_t dependent = 0;
  const Edge* last = nullptr;
  for (const Edge& edge : found.edges) {
    if (edge.from.kind != Vertex::Kind::section || edge.to.kind != Vertex::Kind::section) continue;
    if (last == nullptr || last->from != edge.from) ++dependent;
    last = &edge;
  }
  if (dependent == 0)
    return "No cross-section dependency: no section needs another one for its usage, memmap or page_ext.";
  return counted(dependent, "section needs another one", "sections need another one") +
         " for usage, memmap or page_ext.";
}

std::string cycle_line(const Cycle& cycle) {
  std::string members = sections_text(cycle.sections);
  if (!cycle.nodes.empty()) members += ", " + nodes_text(cycle.nodes);
  return fmt::format("{} ({}): {}{}", members,
                     cycle.classic ? "usage and pgdat alone" : edge_kinds_text(cycle.kinds), cycle.example,
                     cycle.permanent_anyway ? "" : " - nothing else keeps these sections");
}

std::string cycles_text(const Dependencies& found) {
  if (found.cycles.empty())
    return "No cycle: no section depends, directly or through others, on a section that depends on it.";
  const auto classic = static_cast<std::size_t>(std::count_if(
      found.cycles.begin(), found.cycles.end(), [](const Cycle& cycle) { return cycle.classic; }));
  const std::size_t ordinary = found.cycles.size() - classic;
  std::string text = listing(fmt::format("{}, of which {} through usage and pgdat only:",
                                         counted(found.cycles.size(), "cycle", "cycles"), classic),
                             found.cycles, cycle_line);
  if (ordinary > 0) {
    text +=
        "\nCycles through memmap are ordinary for boot memory: the struct pages of a node lie "
        "together in a few of its sections.";
  }
  return text;
}

std::string messages_text(const MemoryModel& model, const Dependencies& found) {
  if (model.hot_plug != HotPlug::full)
    return "The kernel's own check at boot is not in this kernel: it is built without memory hot-remove.";
  const auto checks = kernel_still_checks(model);
  std::string_view did = "would print";
  if (checks && *checks) did = "prints";
  if (found.kernel_messages.empty()) {
    return fmt::format("The kernel's own check at boot (2.6.27 to 7.0) {} nothing on this layout.", did);
  }
  return listing(fmt::format("The kernel's own check at boot (2.6.27 to 7.0) {} on this layout:", did),
                 found.kernel_messages, [](const std::string& line) { return line; });
}

std::string removal_text(const Dependencies& found) {
  if (found.order_unknown) {
    return "Which sections could go cannot be told: part of the metadata that keeps sections is missing (" +
           found.order_unknown->message + ").";
  }
  if (found.removal_order.empty()) return "As far as metadata alone decides, no section could go.";
  return fmt::format("As far as metadata alone decides, {} could go, in this order: {}.",
                     counted(found.removal_order.size(), "section", "sections"),
                     order_text(found.removal_order, most_runs));
}

std::string never_text(const Dependencies& found) {
  if (found.never.empty()) return "No section is kept by metadata.";
  return listing(
      fmt::format("{} can never go:", counted(found.never.size(), "section", "sections")), found.never,
      [](const NeverRemovable& one) { return fmt::format("section {} {}", one.section.raw(), one.because); });
}

}  // namespace

std::vector<std::string> deps_paragraphs(const MemoryModel& model, const Dependencies& dependencies) {
  if (model.sections.empty()) return {"No section is present."};
  return {dependence_text(dependencies), cycles_text(dependencies), messages_text(model, dependencies),
          removal_text(dependencies), never_text(dependencies)};
}

}  // namespace memsect
