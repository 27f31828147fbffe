// Circles of needs.
#pragma once

#include <vector>

#include "analysis/dependencies.h"
#include "analysis/dependency_graph.h"

namespace memsect {

/// The circles with at least two sections: first those that usage and pgdat close by themselves, then those
/// of the whole graph that are not the same set again. `has_permanent`: for each vertex, whether it holds a
/// permanent object.
std::vector<Cycle> find_cycles(const DependencyGraph& graph, const std::vector<bool>& has_permanent);

}  // namespace memsect
