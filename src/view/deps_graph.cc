// The graph for Graphviz: an arrow from who needs to who is needed, one for each kind, a box for each node.
#include <algorithm>
#include <string_view>

#include "view/deps.h"

namespace memsect {
namespace {

/// Colours that stay apart for any kind of colour vision (Okabe and Ito); the least telling kind is grey.
std::string_view color_of(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::usage:
      return "#0072b2";
    case EdgeKind::memmap:
      return "#e69f00";
    case EdgeKind::page_ext:
      return "#009e73";
    case EdgeKind::pgdat:
      return "#d55e00";
    case EdgeKind::node:
      return "#999999";
    default:  // not shown
      break;
  }
  return "#000000";
}

std::string cluster_of(const MemoryModel& model, Vertex vertex) {
  if (vertex.kind == Vertex::Kind::node) return vertex_name(vertex);
  const Section* section = model.find_section(SectionNr(vertex.number));
  if (section == nullptr || !section->node) return {};
  return vertex_name({Vertex::Kind::node, static_cast<std::uint64_t>(raw(*section->node))});
}

}  // namespace

Graph deps_graph(const MemoryModel& model, const Dependencies& dependencies) {
  Graph graph;
  graph.name = "deps";
  std::vector<Vertex> vertices;
  for (const Edge& edge : dependencies.edges) {
    vertices.push_back(edge.from);
    vertices.push_back(edge.to);
    for (const EdgeKind kind : edge_kinds) {
      if (!edge.kinds.has(kind)) continue;
      graph.edges.push_back({vertex_name(edge.from), vertex_name(edge.to), std::string(edge_kind_name(kind)),
                             std::string(color_of(kind))});
    }
  }
  std::sort(vertices.begin(), vertices.end());
  vertices.erase(std::unique(vertices.begin(), vertices.end()), vertices.end());
  for (const Vertex vertex : vertices) {
    const bool is_node = vertex.kind == Vertex::Kind::node;
    graph.vertices.push_back({vertex_name(vertex),
                              is_node ? "pgdat of " + vertex_name(vertex) : vertex_name(vertex),
                              cluster_of(model, vertex)});
  }
  return graph;
}

}  // namespace memsect
