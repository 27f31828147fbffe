// Tarjan's algorithm (Depth-first search and linear graph algorithms, 1972), with a stack of its own instead
// of recursion: a chain of 131,072 sections must not end the process.
//
// Each vertex is entered once and gets an index. `low` is the smallest index known to be reachable from it
// among the vertices whose component is still open; those wait on `open`. A vertex whose low is its own index
// when it is left is the first one entered of its component, and everything above it on `open` belongs to it.
#include "analysis/strongly_connected.h"

#include <algorithm>
#include <limits>

namespace memsect {
namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

class Tarjan {
 public:
  Tarjan(const DependencyGraph& graph, EdgeKinds allowed)
      : graph_(graph),
        allowed_(allowed),
        component_(graph.size(), none),
        index_(graph.size(), none),
        low_(graph.size()) {}

  std::vector<std::uint32_t> run() {
    for (std::uint32_t vertex = 0; vertex < graph_.size(); ++vertex) {
      if (index_[vertex] == none) walk_from(vertex);
    }
    return std::move(component_);
  }

 private:
  struct Visit {
    std::uint32_t vertex = 0;
    std::uint32_t next_arc = 0;
  };

  void enter(std::uint32_t vertex) {
    index_[vertex] = low_[vertex] = entered_++;
    open_.push_back(vertex);
    path_.push_back({vertex, 0});
  }

  void walk_from(std::uint32_t start) {
    enter(start);
    while (!path_.empty()) {
      Visit& visit = path_.back();
      const std::uint32_t vertex = visit.vertex;
      const auto arcs = graph_.needs(vertex);
      if (visit.next_arc == arcs.size()) {
        leave(vertex);
        continue;
      }
      const DependencyGraph::Arc arc = arcs[visit.next_arc++];
      if (!arc.kinds.overlaps(allowed_)) continue;
      if (index_[arc.to] == none) {
        enter(arc.to);
      } else if (component_[arc.to] == none) {
        low_[vertex] = std::min(low_[vertex], index_[arc.to]);
      }
    }
  }

  void leave(std::uint32_t vertex) {
    path_.pop_back();
    if (!path_.empty()) {
      std::uint32_t& low = low_[path_.back().vertex];
      low = std::min(low, low_[vertex]);
    }
    if (low_[vertex] != index_[vertex]) return;
    std::uint32_t member = none;
    do {
      member = open_.back();
      open_.pop_back();
      component_[member] = components_;
    } while (member != vertex);
    ++components_;
  }

  const DependencyGraph& graph_;  // the caller's
  EdgeKinds allowed_;
  std::vector<std::uint32_t> component_, index_, low_, open_;
  std::vector<Visit> path_;
  std::uint32_t entered_ = 0, components_ = 0;
};

}  // namespace

std::vector<std::uint32_t> strongly_connected(const DependencyGraph& graph, EdgeKinds allowed) {
  return Tarjan(graph, allowed).run();
}

}  // namespace memsect
