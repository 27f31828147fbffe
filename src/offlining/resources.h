// Reads the kernel's resource tree: what /proc/iomem shows.
#pragma once

#include <vector>

#include "base/notes.h"
#include "base/result.h"
#include "model/resource.h"

namespace memsect {

class Kernel;

/// The tree in the order of /proc/iomem, parents before children. `no_symbol` where iomem_resource is not known. What
/// a damaged link cuts off leaves a warning.
Result<std::vector<Resource>> load_resources(const Kernel& kernel, Notes& notes);

}  // namespace memsect
