// Vertices are sections and nodes; an edge means "cannot do without":
//
//     section --usage, memmap, page_ext--> section that holds it          section --node--> its node
//     node ----pgdat---------------------> section that holds it
//
//     section --memory_block, vmemmap_table, direct_map_table, kasan_shadow, dev_pagemap--> section that holds it
//
// The edges of the last line weigh in the order of removal alone: they are left out of what is shown, and circles
// are not searched over them, since nearly all sections have such objects in the same few. Roots and the root table are left out: each serves a whole
// range of sections and none of them ever goes, so as edges they would draw everything into one knot and say
// nothing. They count as permanent holdings (removal_order.cc).
//
// The graph is kept in two arrays (compressed rows): 131,072 sections with some 400,000 edges are walked
// three times in a few milliseconds.
#include "analysis/dependency_graph.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>

#include "analysis/object_kinds.h"

namespace memsect {
namespace {

constexpr Vertex section_vertex(SectionNr nr) { return {Vertex::Kind::section, nr.raw()}; }
constexpr Vertex node_vertex(NodeId node) {
  return {Vertex::Kind::node, static_cast<std::uint64_t>(raw(node))};
}

/// Puts edges[first...] in order, and makes one edge of those between the same two vertices.
void sort_and_merge(std::vector<Edge>& edges, std::size_t first) {
  std::sort(edges.begin() + static_cast<std::ptrdiff_t>(first), edges.end(),
            [](const Edge& a, const Edge& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); });
  std::size_t kept = first;
  for (std::size_t i = first; i < edges.size(); ++i) {
    if (kept > first && edges[kept - 1].from == edges[i].from && edges[kept - 1].to == edges[i].to) {
      edges[kept - 1].kinds = edges[kept - 1].kinds | edges[i].kinds;
    } else {
      edges[kept++] = edges[i];
    }
  }
  edges.resize(kept);
}

/// The needs for objects whose edges are not shown, by `from`.
std::vector<Need> hidden_needs(const Survey& survey) {
  std::vector<Need> needs;
  for (const Holder& holder : survey.holders) {
    for (const HeldObject& object : holder.holds) {
      const std::optional<EdgeKind> kind = facts_of(object.kind).edge;
      if (!kind || shown_edges.has(*kind) || object.permanent) continue;
      for (const SectionNr nr : object.of_sections) {
        if (nr != holder.section) needs.push_back({nr, holder.section, *kind});
      }
    }
  }
  std::sort(needs.begin(), needs.end(), [](const Need& a, const Need& b) { return a.from < b.from; });
  return needs;
}

}  // namespace

std::vector<Edge> only_shown(std::vector<Edge> edges) {
  for (Edge& edge : edges) edge.kinds = edge.kinds & shown_edges;
  std::erase_if(edges, [](const Edge& edge) { return edge.kinds.empty(); });
  return edges;
}

std::vector<Edge> make_edges(const MemoryModel& model, const Survey& survey) {
  std::vector<Edge> edges;
  edges.reserve(survey.needs.size() + model.sections.size() + model.nodes.size());
  // Both lists ascend by section, and what belongs to one section is a handful: no sorting of the whole.
  const std::vector<Need> hidden = hidden_needs(survey);
  std::size_t at = 0, hidden_at = 0;
  for (const Section& section : model.sections) {
    const std::size_t first = edges.size();
    for (; at < survey.needs.size() && survey.needs[at].from == section.nr; ++at) {
      edges.push_back(
          {section_vertex(section.nr), section_vertex(survey.needs[at].to), survey.needs[at].kind});
    }
    for (; hidden_at < hidden.size() && hidden[hidden_at].from == section.nr; ++hidden_at) {
      edges.push_back(
          {section_vertex(section.nr), section_vertex(hidden[hidden_at].to), hidden[hidden_at].kind});
    }
    if (section.node)
      edges.push_back({section_vertex(section.nr), node_vertex(*section.node), EdgeKind::node});
    sort_and_merge(edges, first);
  }
  const std::size_t first = edges.size();
  for (const Holder& holder : survey.holders) {
    for (const HeldObject& object : holder.holds) {
      if (object.kind != ObjectKind::pgdat) continue;
      for (const NodeId node : object.of_nodes) {
        edges.push_back({node_vertex(node), section_vertex(holder.section), EdgeKind::pgdat});
      }
    }
  }
  sort_and_merge(edges, first);
  return edges;
}

DependencyGraph::DependencyGraph(const MemoryModel& model, std::span<const Edge> edges) {
  for (const Section& section : model.sections) vertices_.push_back(section_vertex(section.nr));
  for (const Node& node : model.nodes) vertices_.push_back(node_vertex(node.id));
  std::sort(vertices_.begin(), vertices_.end());
  // Every `from` is there by now. A holder need not be a present section, and a node that page flags name
  // need not have a pgdat: not in a sane dump, but in a damaged one.
  // Many thousand sections need the same few: a look at the last ones seen saves most of the searches.
  struct Seen {
    Vertex vertex;
    std::uint32_t index = 0;
  };
  std::array<std::optional<Seen>, 16> seen;
  const auto slot = [&seen](Vertex vertex) -> std::optional<Seen>& {
    return seen[vertex.number % seen.size()];
  };
  std::vector<Vertex> others;
  for (const Edge& edge : edges) {
    if (slot(edge.to) && slot(edge.to)->vertex == edge.to) continue;
    if (!find(edge.to)) others.push_back(edge.to);
    slot(edge.to) = Seen{edge.to, 0};
  }
  vertices_.insert(vertices_.end(), others.begin(), others.end());
  if (!others.empty()) std::sort(vertices_.begin(), vertices_.end());
  vertices_.erase(std::unique(vertices_.begin(), vertices_.end()), vertices_.end());

  seen = {};
  first_.assign(vertices_.size() + 1, 0);
  arcs_.reserve(edges.size());
  std::uint32_t from = 0;
  for (const Edge& edge : edges) {
    while (vertices_[from] != edge.from) first_[++from] = static_cast<std::uint32_t>(arcs_.size());
    if (!slot(edge.to) || slot(edge.to)->vertex != edge.to) slot(edge.to) = Seen{edge.to, *find(edge.to)};
    arcs_.push_back({slot(edge.to)->index, edge.kinds});
  }
  while (from < vertices_.size()) first_[++from] = static_cast<std::uint32_t>(arcs_.size());
}

std::optional<std::uint32_t> DependencyGraph::find(Vertex vertex) const {
  const auto at = std::lower_bound(vertices_.begin(), vertices_.end(), vertex);
  if (at == vertices_.end() || *at != vertex) return std::nullopt;
  return static_cast<std::uint32_t>(at - vertices_.begin());
}

}  // namespace memsect
