// Finds the mappings of the kernel that taking a memory block out would cut in two.
#pragma once

#include <vector>

#include "model/mapping_edge.h"
#include "model/memory_model.h"

namespace memsect {

class Kernel;

/// All ends of hot-added sections and blocks at which a mapping of the direct map or of the struct pages begins before and
/// goes on after, and those of which that could not be found out. Ascending.
std::vector<MappingEdge> find_cut_mappings(const Kernel& kernel, const MemoryModel& model);

}  // namespace memsect
