// Strongly connected components of the dependency graph.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/dependency_graph.h"

namespace memsect {

/// For each vertex the number of its component, looking at edges of the `allowed` kinds only. Vertices that
/// need one another in a circle share a number. Components are numbered so that none needs one with a higher
/// number.
std::vector<std::uint32_t> strongly_connected(const DependencyGraph& graph, EdgeKinds allowed);

}  // namespace memsect
