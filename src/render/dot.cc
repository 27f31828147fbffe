// The report's graph for Graphviz:
//
//   digraph "deps" {
//     subgraph "cluster_0" {        one box a cluster, in the order the vertices name them
//       label="node 0";
//       "s3" [label="section 3"];
//     }
//     "s3" -> "s2" [label="usage" color="#0072b2" fontcolor="#0072b2"];
//   }
//
// Edges that carry the same label (their kind) have the same colour: their own, or one of the palette, dealt
// out in the order in which kinds appear.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "render/printable.h"
#include "render/renderers.h"

namespace memsect {
namespace {

// Okabe and Ito's colours, told apart by people with any kind of colour vision; yellow is too pale for thin
// lines.
constexpr std::array<std::string_view, 7> palette{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#e69f00", "#56b4e9", "#000000"};

/// A quoted identifier or label. Graphviz reads backslash sequences in labels, so ours are doubled; a line
/// feed is one.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : printable_lines(text)) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string vertex_line(const Graph::Vertex& vertex, std::string_view indent) {
  const std::string& label = vertex.label.empty() ? vertex.id : vertex.label;
  return fmt::format("{}{} [label={}];\n", indent, quoted(vertex.id), quoted(label));
}

std::size_t place_of(std::vector<std::string_view>& seen, std::string_view text) {
  const auto found = std::find(seen.begin(), seen.end(), text);
  const auto place = static_cast<std::size_t>(found - seen.begin());
  if (found == seen.end()) seen.push_back(text);
  return place;
}

/// Writes piece by piece until the reader goes.
class Writer {
 public:
  Writer(const Graph& graph, const Sink& sink) : graph_(graph), sink_(sink) {}

  bool write() {
    return sink_(fmt::format("digraph {} {{\n  node [shape=box];\n", quoted(graph_.name))) &&
           write_vertices() && write_edges() && sink_("}\n");
  }

 private:
  bool write_vertices() {
    std::vector<std::string_view> clusters;
    std::vector<std::string> boxes;
    for (const Graph::Vertex& vertex : graph_.vertices) {
      if (vertex.cluster.empty()) {
        if (!sink_(vertex_line(vertex, "  "))) return false;
        continue;
      }
      const std::size_t place = place_of(clusters, vertex.cluster);
      if (place == boxes.size()) boxes.emplace_back();
      boxes[place] += vertex_line(vertex, "    ");
    }
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const std::string label = quoted(clusters[i]);
      if (!sink_(fmt::format("  subgraph \"cluster_{}\" {{\n    label={};\n{}  }}\n", i, label, boxes[i]))) {
        return false;
      }
    }
    return true;
  }

  bool write_edges() {
    std::vector<std::string_view> kinds;
    for (const Graph::Edge& edge : graph_.edges) {
      const std::size_t kind = place_of(kinds, edge.label);
      const std::string color = quoted(edge.color.empty() ? palette[kind % palette.size()] : edge.color);
      const bool wanted =
          sink_(fmt::format("  {} -> {} [label={} color={} fontcolor={}];\n", quoted(edge.from),
                            quoted(edge.to), quoted(edge.label), color, color));
      if (!wanted) return false;
    }
    return true;
  }

  const Graph& graph_;
  const Sink& sink_;
};

Result<RenderOutcome> render(const Report& report, const RenderOptions& /*options*/, const Sink& sink) {
  // A command that draws names its graph even when nothing is in it; the others leave both empty.
  if (report.graph.vertices.empty() && report.graph.name.empty()) {
    return Error{Errc::unsupported, "this command has no graph", "try table or json"};
  }
  RenderOutcome outcome;
  outcome.reader_gone = !Writer(report.graph, sink).write();
  return outcome;
}

}  // namespace

const Renderer dot_renderer{"dot", render};

}  // namespace memsect
