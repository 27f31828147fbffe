// What metadata alone says about taking sections away. (Whether their other pages can be moved out is another
// question.)
//
// A section can go when nothing is left in it that somebody needs: the rule of object_kinds.h, for all kinds of objects.
// So these never go:
//
//   roots    sections that hold an object for ever (hold_of()): a permanent one, or one that serves the section itself or
//            its memory block; and sections in a circle of needs: the first of them to go would take what another
//            still needs
//   mark     and every section that holds an object which serves one that never goes, and so on; and the other sections
//            of the memory blocks of all these, since a block goes as a whole
//
// Circles over a node need no root of their own: the pgdat in them is permanent.
//
// What is left has no circle. It is put in order by Kahn's algorithm (Topological sorting of large networks,
// 1962): again and again a section goes that no remaining one needs, the highest number first, since
// hot-added memory is at the top and goes as it came.
#include "analysis/removal_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <string>
#include <utility>

#include "analysis/object_kinds.h"
#include "analysis/offlining.h"
#include "analysis/strongly_connected.h"
#include "analysis/words.h"

namespace memsect {
namespace {

/// All needs of sections for sections.
constexpr EdgeKinds of_sections = EdgeKind::usage | EdgeKind::memmap | EdgeKind::page_ext |
                                  EdgeKind::memory_block | EdgeKind::vmemmap_table |
                                  EdgeKind::direct_map_table | EdgeKind::kasan_shadow | EdgeKind::dev_pagemap;

/// By memory blocks. Where they are not known each section is one.
struct Blocks {
  explicit Blocks(const MemoryModel& model)
      : per_block(std::max<std::uint64_t>(model.geometry.sections_per_block, 1)) {}
  bool same(SectionNr a, SectionNr b) const { return a.raw() / per_block == b.raw() / per_block; }
  std::uint64_t per_block;
};

/// Whether the object serves the memory block that it lies in. One that the block hosts outside of what is put offline
/// does not count.
bool serves_own_block(const MemoryModel& model, SectionNr holder, const HeldObject& object) {
  const Blocks blocks(model);
  const bool own = std::any_of(object.of_sections.begin(), object.of_sections.end(),
                               [&](SectionNr nr) { return blocks.same(nr, holder); });
  if (!own) return false;
  const Section* section = model.find_section(holder);
  return section != nullptr && section->flags.online &&
         unit_of_section(model, *section).tested.contains(object.phys);
}

bool holds_for_ever(const MemoryModel& model, SectionNr holder, const HeldObject& object) {
  return hold_of(object.permanent, serves_own_block(model, holder, object)) == Hold::for_ever;
}

class Sorter {
 public:
  Sorter(const MemoryModel& model, const DependencyGraph& graph, std::span<const Holder> holders)
      : model_(model),
        graph_(graph),
        holders_(holders),
        component_(strongly_connected(graph, of_sections)),
        members_(graph.size(), 0),
        never_(graph.size(), false),
        present_(graph.size(), false) {
    for (const Section& section : model.sections) {
      if (const auto vertex = graph.find({Vertex::Kind::section, section.nr.raw()})) present_[*vertex] = true;
    }
    for (std::uint32_t vertex = 0; vertex < graph.size(); ++vertex) {
      if (graph.is_section(vertex)) ++members_[component_[vertex]];
    }
  }

  Removal run() {
    mark_never();
    describe_circles();
    Removal removal;
    removal.order = order();
    std::size_t at = 0;
    for (std::uint32_t vertex = 0; vertex < graph_.size() && graph_.is_section(vertex); ++vertex) {
      if (!present_[vertex] || !never_[vertex]) continue;
      const SectionNr nr = graph_.section(vertex);
      while (at < holders_.size() && holders_[at].section < nr) ++at;
      const bool holds = at < holders_.size() && holders_[at].section == nr;
      removal.never.push_back({nr, because(vertex, holds ? holders_[at] : Holder{nr, {}, {}})});
    }
    return removal;
  }

 private:
  bool in_circle(std::uint32_t vertex) const {
    return graph_.is_section(vertex) && members_[component_[vertex]] >= 2;
  }

  void mark_never() {
    std::vector<bool> roots(graph_.size(), false);
    for (const Holder& holder : holders_) {
      const auto vertex = graph_.find({Vertex::Kind::section, holder.section.raw()});
      if (!vertex) continue;
      roots[*vertex] = std::any_of(holder.holds.begin(), holder.holds.end(), [&](const HeldObject& object) {
        return holds_for_ever(model_, holder.section, object);
      });
    }
    mark_with_needs([&](std::uint32_t vertex) { return roots[vertex]; });
    // A circle that nothing else keeps is a reason of its own. Its members are marked together or not
    // at all.
    circling_.assign(graph_.size(), false);
    for (std::uint32_t vertex = 0; vertex < graph_.size(); ++vertex) {
      circling_[vertex] = !never_[vertex] && in_circle(vertex);
    }
    mark_with_needs([&](std::uint32_t vertex) { return circling_[vertex]; });
  }

  /// Marks the roots, and what they need, and so on.
  template <class IsRoot>
  void mark_with_needs(const IsRoot& is_root) {
    std::vector<std::uint32_t> marked;
    const auto mark = [&](std::uint32_t vertex) {
      if (never_[vertex]) return;
      never_[vertex] = true;
      marked.push_back(vertex);
    };
    for (std::uint32_t vertex = 0; vertex < graph_.size(); ++vertex) {
      if (is_root(vertex)) mark(vertex);
    }
    while (!marked.empty()) {
      const std::uint32_t vertex = marked.back();
      marked.pop_back();
      for (const DependencyGraph::Arc& arc : graph_.needs(vertex)) {
        if (arc.kinds.overlaps(of_sections)) mark(arc.to);
      }
      for_each_mate(vertex, mark);
    }
  }

  /// Calls `each` with the other sections of a section's memory block.
  template <class Each>
  void for_each_mate(std::uint32_t vertex, const Each& each) const {
    const Blocks blocks(model_);
    if (blocks.per_block == 1 || !graph_.is_section(vertex)) return;
    const auto is_mate = [&](std::uint32_t other) {
      return graph_.is_section(other) && blocks.same(graph_.section(other), graph_.section(vertex));
    };
    for (std::uint32_t other = vertex; other-- > 0 && is_mate(other);) each(other);
    for (std::uint32_t other = vertex + 1; other < graph_.size() && is_mate(other); ++other) each(other);
  }

  std::vector<SectionNr> order() const {
    std::vector<std::uint32_t> dependents(graph_.size(), 0);
    const auto for_each_need = [this](std::uint32_t vertex, auto&& each) {
      for (const DependencyGraph::Arc& arc : graph_.needs(vertex)) {
        if (arc.kinds.overlaps(of_sections)) each(arc.to);
      }
    };
    const auto can_go = [this](std::uint32_t vertex) { return present_[vertex] && !never_[vertex]; };
    for (std::uint32_t vertex = 0; vertex < graph_.size(); ++vertex) {
      if (can_go(vertex)) for_each_need(vertex, [&](std::uint32_t to) { ++dependents[to]; });
    }
    std::priority_queue<std::uint32_t> free;
    for (std::uint32_t vertex = 0; vertex < graph_.size(); ++vertex) {
      if (can_go(vertex) && dependents[vertex] == 0) free.push(vertex);
    }
    std::vector<SectionNr> order;
    while (!free.empty()) {
      const std::uint32_t vertex = free.top();
      free.pop();
      order.push_back(graph_.section(vertex));
      for_each_need(vertex, [&](std::uint32_t to) {
        if (--dependents[to] == 0 && can_go(to)) free.push(to);
      });
    }
    return order;
  }

  std::string because(std::uint32_t vertex, const Holder& holder) const;
  void add_transitive(std::uint32_t vertex, const Holder& holder, std::vector<std::string>& reasons) const;
  void describe_circles();

  const MemoryModel& model_;         // the caller's
  const DependencyGraph& graph_;     // the caller's
  std::span<const Holder> holders_;  // the caller's
  std::vector<std::uint32_t> component_;
  std::vector<std::uint32_t> members_;  ///< by component: how many sections
  std::vector<bool> never_;
  std::vector<bool> circling_;  ///< in a circle that nothing else keeps
  std::vector<bool> present_;
  std::map<std::uint32_t, std::string> circles_;  ///< by component
};

std::vector<SectionNr> sorted_unique(std::vector<SectionNr> sections) {
  std::sort(sections.begin(), sections.end());
  sections.erase(std::unique(sections.begin(), sections.end()), sections.end());
  return sections;
}

/// The permanent objects of one kind in a section, and whom they serve.
struct Kept {
  std::vector<SectionNr> sections;
  std::vector<NodeId> nodes;
  bool for_nobody = false;  ///< one of them serves no section that is present
};

/// "holds the usage of sections 0-3".
void add_reasons(ObjectKind kind, const Kept& kept, SectionNr holder, std::vector<std::string>& reasons) {
  const ObjectKindFacts& facts = facts_of(kind);
  if (kind == ObjectKind::section_root_table) {
    reasons.push_back(fmt::format("holds {}", facts.kept));
    return;
  }
  for (const NodeId node : kept.nodes)
    reasons.push_back(fmt::format("holds node {}'s {}", raw(node), facts.kept));
  if (kind == ObjectKind::section_root && kept.for_nobody)
    reasons.emplace_back("holds a section root without sections");
  if (kept.sections.empty()) return;
  if (kind == ObjectKind::usage && kept.sections.size() == 1 && kept.sections.front() == holder) {
    reasons.emplace_back("holds its own usage, which is boot memory");
    return;
  }
  reasons.push_back(fmt::format("holds {} {}", facts.kept, sections_text(kept.sections)));
}

/// The permanent objects in a section, each kind in a phrase.
std::vector<std::string> permanent_reasons(const Holder& holder) {
  std::map<ObjectKind, Kept> kinds;
  for (const HeldObject& object : holder.holds) {
    if (!object.permanent) continue;
    Kept& kept = kinds[object.kind];
    kept.sections.insert(kept.sections.end(), object.of_sections.begin(), object.of_sections.end());
    kept.nodes.insert(kept.nodes.end(), object.of_nodes.begin(), object.of_nodes.end());
    kept.for_nobody = kept.for_nobody || object.of_sections.empty();
  }
  std::vector<std::string> reasons;
  for (auto& [kind, kept] : kinds) {
    kept.sections = sorted_unique(std::move(kept.sections));
    add_reasons(kind, kept, holder.section, reasons);
  }
  return reasons;
}

/// One sentence for each circle, whatever the number of its members.
void Sorter::describe_circles() {
  std::map<std::uint32_t, std::pair<std::vector<SectionNr>, EdgeKinds>> circles;
  for (std::uint32_t vertex = 0; vertex < graph_.size(); ++vertex) {
    if (!circling_[vertex]) continue;
    auto& [members, kinds] = circles[component_[vertex]];
    members.push_back(graph_.section(vertex));
    for (const DependencyGraph::Arc& arc : graph_.needs(vertex)) {
      if (component_[arc.to] == component_[vertex]) kinds = kinds | (arc.kinds & of_sections);
    }
  }
  for (const auto& [component, circle] : circles) {
    circles_[component] = fmt::format("is part of a cycle, {} ({}): none of them can go first",
                                      sections_text(circle.first), edge_kinds_text(circle.second));
  }
}

/// What it holds, beside permanent objects, for its own memory block and for sections that never go.
void Sorter::add_transitive(std::uint32_t vertex, const Holder& holder,
                            std::vector<std::string>& reasons) const {
  const Blocks blocks(model_);
  for (const ObjectKindFacts& facts : object_kinds()) {
    if (!facts.edge) continue;
    std::vector<SectionNr> own, stuck;
    for (const HeldObject& object : holder.holds) {
      if (object.kind != facts.kind || object.permanent) continue;
      const bool for_ever = holds_for_ever(model_, holder.section, object);
      for (const SectionNr nr : object.of_sections) {
        if (for_ever && blocks.same(nr, holder.section)) own.push_back(nr);
        const auto subject = graph_.find({Vertex::Kind::section, nr.raw()});
        if (!subject || blocks.same(nr, holder.section) || !never_[*subject]) continue;
        if (circling_[vertex] && component_[*subject] == component_[vertex]) continue;
        stuck.push_back(nr);
      }
    }
    if (!own.empty()) {
      reasons.push_back(fmt::format("holds {} {}, freed only when this memory itself has gone", facts.of,
                                    sections_text(sorted_unique(std::move(own)))));
    }
    if (!stuck.empty()) {
      reasons.push_back(fmt::format("holds {} {}, which can never go", facts.of,
                                    sections_text(sorted_unique(std::move(stuck)))));
    }
  }
}

std::string Sorter::because(std::uint32_t vertex, const Holder& holder) const {
  std::vector<std::string> reasons = permanent_reasons(holder);
  if (circling_[vertex]) reasons.push_back(circles_.at(component_[vertex]));
  add_transitive(vertex, holder, reasons);
  if (reasons.empty())
    reasons.emplace_back("goes only with the rest of its memory block, which can never go");
  return fmt::format("{}", fmt::join(reasons, "; "));
}

}  // namespace

std::vector<bool> permanent_holders(const DependencyGraph& graph, std::span<const Holder> holders) {
  std::vector<bool> permanent(graph.size(), false);
  for (const Holder& holder : holders) {
    const auto vertex = graph.find({Vertex::Kind::section, holder.section.raw()});
    if (!vertex) continue;
    permanent[*vertex] = std::any_of(holder.holds.begin(), holder.holds.end(),
                                     [](const HeldObject& object) { return object.permanent; });
  }
  return permanent;
}

Removal find_removal_order(const MemoryModel& model, const DependencyGraph& graph,
                           std::span<const Holder> holders) {
  return Sorter(model, graph, holders).run();
}

}  // namespace memsect
