// The passes, in order. Each is a file of its own and says there how it works.
#include "analysis/dependencies.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "analysis/cycles.h"
#include "analysis/dependency_graph.h"
#include "analysis/holders.h"
#include "analysis/kernel_messages.h"
#include "analysis/removal_order.h"
#include "analysis/words.h"

namespace memsect {
namespace {

void hide_self(std::vector<Holder>& holders) {
  for (Holder& holder : holders) {
    const SectionNr nr = holder.section;
    // One of a run that differs from its neighbours only because its struct page is missing would vanish from the run.
    std::erase_if(holder.holds, [nr](const HeldObject& object) {
      return serves_only_itself(object, nr) && object.allocation.kind != Allocation::not_read;
    });
  }
  std::erase_if(holders, [](const Holder& holder) { return holder.holds.empty(); });
}

void heaviest_first(std::vector<Holder>& holders) {
  std::vector<std::pair<std::uint64_t, std::size_t>> weights;
  weights.reserve(holders.size());
  for (std::size_t i = 0; i < holders.size(); ++i) weights.emplace_back(holders[i].bytes(), i);
  std::stable_sort(weights.begin(), weights.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Holder> sorted;
  sorted.reserve(holders.size());
  for (const auto& weight : weights) sorted.push_back(std::move(holders[weight.second]));
  holders = std::move(sorted);
}

void add_kernel_messages(const MemoryModel& model, Dependencies& found) {
  KernelMessages messages = replay_kernel_messages(model);
  found.kernel_messages = std::move(messages.lines);
  if (model.sections.empty()) return;
  const auto checks = kernel_still_checks(model);
  if (model.hot_plug != HotPlug::full) {
    found.notes.note(
        "this kernel is built without memory hot-remove, and so without the boot-time check: it says "
        "nothing");
  } else if (checks) {
    found.notes.note(
        *checks ? fmt::format("{} still has the boot-time check whose messages are given", model.release)
                : fmt::format("{} no longer has the boot-time check (2.6.27 to 7.0): the messages are what "
                              "it would print",
                              model.release));
  }
  if (messages.skipped.empty()) return;
  found.incomplete = true;
  found.notes.warn(
      fmt::format("the kernel's boot-time check is replayed without {}: a node, a usage or a pgdat could "
                  "not be read, so its messages may be others",
                  sections_text(messages.skipped)));
}

}  // namespace

std::string_view edge_kind_name(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::usage:
      return "usage";
    case EdgeKind::memmap:
      return "memmap";
    case EdgeKind::page_ext:
      return "page_ext";
    case EdgeKind::node:
      return "node";
    case EdgeKind::pgdat:
      return "pgdat";
    case EdgeKind::memory_block:
      return "memory_block";
    case EdgeKind::vmemmap_table:
      return "vmemmap_table";
    case EdgeKind::direct_map_table:
      return "direct_map_table";
    case EdgeKind::kasan_shadow:
      return "kasan_shadow";
    case EdgeKind::dev_pagemap:
      return "dev_pagemap";
  }
  return "";
}

std::string edge_kinds_text(EdgeKinds kinds) {
  std::string text;
  for (const EdgeKind kind : edge_kinds) {
    if (!kinds.has(kind)) continue;
    if (!text.empty()) text += ", ";
    text += edge_kind_name(kind);
  }
  return text;
}

std::string vertex_name(Vertex vertex) {
  return fmt::format("{} {}", vertex.kind == Vertex::Kind::section ? "section" : "node", vertex.number);
}

std::uint64_t Holder::bytes() const {
  std::uint64_t sum = 0;
  for (const HeldObject& object : holds) sum += object.bytes;
  return sum;
}

Dependencies find_dependencies(const MemoryModel& model, const DependencyOptions& options) {
  Dependencies found;
  Survey survey = survey_holders(model);
  found.incomplete = survey.incomplete || model.incomplete;
  found.notes = std::move(survey.notes);

  // Milestone: what lies where is known, and nothing below looks at an address again.
  std::vector<Edge> edges = make_edges(model, survey);
  const DependencyGraph graph(model, edges);
  found.cycles = find_cycles(graph, permanent_holders(graph, survey.holders));
  Removal removal = find_removal_order(model, graph, survey.holders);
  found.order_unknown = model.keepers_missing ? model.keepers_missing : survey.keepers_unplaced;
  if (!found.order_unknown) found.removal_order = std::move(removal.order);
  found.never = std::move(removal.never);
  found.edges = only_shown(std::move(edges));
  add_kernel_messages(model, found);

  // Only now: circles and order need the objects that a section holds for itself, too.
  if (!options.self) hide_self(survey.holders);
  heaviest_first(survey.holders);
  found.holders = std::move(survey.holders);
  return found;
}

}  // namespace memsect
