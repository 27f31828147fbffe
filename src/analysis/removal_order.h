// Which sections can ever go, and in which order.
#pragma once

#include <span>
#include <vector>

#include "analysis/dependencies.h"
#include "analysis/dependency_graph.h"
#include "model/memory_model.h"

namespace memsect {

struct Removal {
  std::vector<SectionNr> order;       ///< dependents first
  std::vector<NeverRemovable> never;  ///< ascending
};

/// Parts the present sections in those that could go and those that cannot. `holders`: all of them,
/// ascending, objects that serve only their own section included.
Removal find_removal_order(const MemoryModel& model, const DependencyGraph& graph,
                           std::span<const Holder> holders);

/// For each vertex, whether it holds an object that the kernel never frees.
std::vector<bool> permanent_holders(const DependencyGraph& graph, std::span<const Holder> holders);

}  // namespace memsect
