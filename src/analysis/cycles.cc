// A circle is a strongly connected component with at least two sections. (A section whose node's pgdat lies
// in that very section is the ordinary case, and no circle.)
//
// Twice over: the graph of usage, node and pgdat edges gives the classic circles, the ones
// check_usemap_section_nr spoke of; the whole graph, which has memmap and page_ext edges too, gives the rest. On almost
// every machine boot memory has a circle over memmap: a node's memmap, its usages and its pgdat lie in a few
// high sections of the node that serve one another.
//
// The example shown for each is one closed walk from section to section, found by breadth-first search. A
// node in between is no station of its own, because two sections that hold parts of one pgdat form a circle
// that passes the node twice:
//
//     section 3 -> node 0 -> section 4 -> node 0 -> section 3
//
// The search from one section is linear and gives the shortest circle through it. It is made from up to 64
// sections of the component, until a circle of two is found: none can be shorter.
#include "analysis/cycles.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "analysis/strongly_connected.h"

namespace memsect {
namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t most_starts = 64;

/// From one section to the next: by an edge, or over a node.
struct Step {
  std::uint32_t from = none, to = none, over_node = none;
  EdgeKinds kinds;
};

/// Finds closed walks inside one component.
class CircleFinder {
 public:
  CircleFinder(const DependencyGraph& graph, const std::vector<std::uint32_t>& component, EdgeKinds allowed)
      : graph_(graph),
        component_(component),
        allowed_(allowed),
        reached_by_(graph.size()),
        seen_(graph.size(), none),
        closes_(graph.size(), none) {}

  /// A short circle through `sections` (all of one component).
  std::vector<Step> shortest(const std::vector<std::uint32_t>& sections) {
    std::vector<Step> best;
    for (std::size_t i = 0; i < std::min(sections.size(), most_starts); ++i) {
      std::vector<Step> circle = through(sections[i]);
      if (!circle.empty() && (best.empty() || circle.size() < best.size())) best = std::move(circle);
      if (best.size() == 2) break;
    }
    return best;
  }

 private:
  bool usable(std::uint32_t from, const DependencyGraph::Arc& arc) const {
    return arc.kinds.overlaps(allowed_) && component_[arc.to] == component_[from];
  }

  /// The shortest circle through `start` that visits another section.
  std::vector<Step> through(std::uint32_t start) {
    const std::uint32_t round = ++round_;
    std::vector<std::uint32_t> queue{start};
    seen_[start] = round;
    for (std::size_t at = 0; at < queue.size(); ++at) {
      const std::uint32_t section = queue[at];
      for (const DependencyGraph::Arc& arc : graph_.needs(section)) {
        if (!usable(section, arc)) continue;
        const bool over_node = !graph_.is_section(arc.to);
        if (section != start &&
            (over_node ? seen_[arc.to] == round && closes_[arc.to] == round : arc.to == start)) {
          return walk_back(start, {section, start, over_node ? arc.to : none, arc.kinds & allowed_});
        }
        if (seen_[arc.to] == round) continue;
        seen_[arc.to] = round;
        if (!over_node) {
          reached_by_[arc.to] = {section, arc.to, none, arc.kinds & allowed_};
          queue.push_back(arc.to);
          continue;
        }
        for (const DependencyGraph::Arc& pgdat : graph_.needs(arc.to)) {
          if (!usable(arc.to, pgdat)) continue;
          if (pgdat.to == start) closes_[arc.to] = round;
          if (seen_[pgdat.to] == round) continue;
          seen_[pgdat.to] = round;
          reached_by_[pgdat.to] = {section, pgdat.to, arc.to, pgdat.kinds};
          queue.push_back(pgdat.to);
        }
        if (section != start && closes_[arc.to] == round) {
          return walk_back(start, {section, start, arc.to, EdgeKind::pgdat});
        }
      }
    }
    return {};
  }

  std::vector<Step> walk_back(std::uint32_t start, const Step& last) const {
    std::vector<Step> circle{last};
    while (circle.back().from != start) circle.push_back(reached_by_[circle.back().from]);
    std::reverse(circle.begin(), circle.end());
    return circle;
  }

  const DependencyGraph& graph_;                 // the caller's
  const std::vector<std::uint32_t>& component_;  // the caller's
  EdgeKinds allowed_;
  std::vector<Step> reached_by_;
  std::vector<std::uint32_t> seen_,
      closes_;  ///< by vertex: the last round in which it was seen, or leads to the start
  std::uint32_t round_ = 0;
};

/// In words, beginning where one section needs another's usage, if it does anywhere.
std::string circle_text(const DependencyGraph& graph, std::vector<Step> circle) {
  const auto begin_at = [&circle](auto&& wanted) {
    const auto at = std::find_if(circle.begin(), circle.end(), wanted);
    if (at == circle.end()) return false;
    std::rotate(circle.begin(), at, circle.end());
    return true;
  };
  if (!begin_at([](const Step& step) { return step.kinds.has(EdgeKind::usage); })) {
    begin_at([](const Step& step) { return step.over_node == none; });
  }
  std::string text;
  for (const Step& step : circle) {
    if (!text.empty()) text += "; ";
    const std::string from = vertex_name(graph.vertex(step.from)), to = vertex_name(graph.vertex(step.to));
    if (step.over_node == none) {
      text += fmt::format("{} needs {} ({})", from, to, edge_kinds_text(step.kinds));
    } else {
      text += fmt::format("{} needs {}, whose pgdat lies in {}", from,
                          vertex_name(graph.vertex(step.over_node)), to);
    }
  }
  return text;
}

/// The members of each component that has two sections or more, ascending; other components are empty.
std::vector<std::vector<std::uint32_t>> knots(const DependencyGraph& graph,
                                              const std::vector<std::uint32_t>& component) {
  std::vector<std::uint32_t> sections(graph.size(), 0);
  for (std::uint32_t vertex = 0; vertex < graph.size(); ++vertex) {
    if (graph.is_section(vertex)) ++sections[component[vertex]];
  }
  std::vector<std::vector<std::uint32_t>> members(graph.size());
  for (std::uint32_t vertex = 0; vertex < graph.size(); ++vertex) {
    if (sections[component[vertex]] >= 2) members[component[vertex]].push_back(vertex);
  }
  return members;
}

Cycle make_cycle(const DependencyGraph& graph, const std::vector<std::uint32_t>& component,
                 const std::vector<std::uint32_t>& members, EdgeKinds allowed,
                 const std::vector<bool>& has_permanent, CircleFinder& finder) {
  Cycle cycle;
  std::vector<std::uint32_t> sections;
  for (const std::uint32_t vertex : members) {
    if (graph.is_section(vertex)) {
      sections.push_back(vertex);
      cycle.sections.push_back(graph.section(vertex));
      cycle.permanent_anyway = cycle.permanent_anyway || has_permanent[vertex];
    } else {
      cycle.nodes.push_back(static_cast<NodeId>(graph.vertex(vertex).number));
    }
    for (const DependencyGraph::Arc& arc : graph.needs(vertex)) {
      if (component[arc.to] == component[vertex]) cycle.kinds = cycle.kinds | (arc.kinds & allowed);
    }
  }
  cycle.example = circle_text(graph, finder.shortest(sections));
  return cycle;
}

}  // namespace

std::vector<Cycle> find_cycles(const DependencyGraph& graph, const std::vector<bool>& has_permanent) {
  const EdgeKinds classic = EdgeKind::usage | EdgeKind::node | EdgeKind::pgdat;
  const EdgeKinds all = classic | EdgeKind::memmap | EdgeKind::page_ext;
  const auto classic_component = strongly_connected(graph, classic);
  const auto component = strongly_connected(graph, all);
  const auto classic_knots = knots(graph, classic_component);
  const auto all_knots = knots(graph, component);

  std::vector<Cycle> cycles, ordinary;
  std::vector<bool> told(graph.size(), false);
  CircleFinder classic_finder(graph, classic_component, classic);
  for (const auto& members : classic_knots) {
    if (members.empty()) continue;
    Cycle cycle = make_cycle(graph, classic_component, members, classic, has_permanent, classic_finder);
    cycle.classic = true;
    cycles.push_back(std::move(cycle));
    // The whole graph's component contains this one; with as many members it is the same set.
    const std::uint32_t around = component[members.front()];
    if (all_knots[around].size() == members.size()) told[around] = true;
  }
  CircleFinder finder(graph, component, all);
  for (std::size_t i = 0; i < all_knots.size(); ++i) {
    if (all_knots[i].empty() || told[i]) continue;
    ordinary.push_back(make_cycle(graph, component, all_knots[i], all, has_permanent, finder));
  }
  const auto by_first_section = [](const Cycle& a, const Cycle& b) {
    return a.sections.front() < b.sections.front();
  };
  std::sort(cycles.begin(), cycles.end(), by_first_section);
  std::sort(ordinary.begin(), ordinary.end(), by_first_section);
  cycles.insert(cycles.end(), std::make_move_iterator(ordinary.begin()),
                std::make_move_iterator(ordinary.end()));
  return cycles;
}

}  // namespace memsect
