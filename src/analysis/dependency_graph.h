// The graph "needs" over sections and nodes, in a form that algorithms can run over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/dependencies.h"
#include "analysis/holders.h"
#include "model/memory_model.h"

namespace memsect {

/// The edges, by from, then to; an edge for each pair, with all its kinds. Edges of a vertex to itself are
/// left out.
std::vector<Edge> make_edges(const MemoryModel& model, const Survey& survey);
/// Those of them that are shown, and searched for circles.
std::vector<Edge> only_shown(std::vector<Edge> edges);

/// Vertices by index (ascending: sections, then nodes), and for each the indices it needs.
class DependencyGraph {
 public:
  struct Arc {
    std::uint32_t to = 0;
    EdgeKinds kinds;
  };

  /// `edges` sorted as make_edges does.
  DependencyGraph(const MemoryModel& model, std::span<const Edge> edges);

  std::uint32_t size() const { return static_cast<std::uint32_t>(vertices_.size()); }
  Vertex vertex(std::uint32_t index) const { return vertices_[index]; }
  bool is_section(std::uint32_t index) const { return vertices_[index].kind == Vertex::Kind::section; }
  SectionNr section(std::uint32_t index) const { return SectionNr(vertices_[index].number); }
  std::optional<std::uint32_t> find(Vertex vertex) const;
  std::span<const Arc> needs(std::uint32_t index) const {
    return std::span(arcs_).subspan(first_[index], first_[index + 1] - first_[index]);
  }

 private:
  std::vector<Vertex> vertices_;
  std::vector<std::uint32_t> first_;  ///< vertex i's arcs are [first_[i], first_[i + 1])
  std::vector<Arc> arcs_;
};

}  // namespace memsect
