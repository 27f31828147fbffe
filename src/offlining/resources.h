// Reads the kernel's resource tree: what /proc/iomem shows.
#pragma once

#include <optional>
#include <vector>

#include "base/notes.h"
#include "base/result.h"
#include "model/resource.h"

namespace memsect {

class Kernel;

struct ResourceTree {
  std::vector<Resource> list;  ///< in the order of /proc/iomem, parents before children
  /// Why entries, or names of some, may be missing.
  std::optional<Error> incomplete;
};

/// `no_symbol` where iomem_resource is not known, `corrupt` where the links make no sense. What could not be read leaves a
/// warning.
Result<ResourceTree> load_resources(const Kernel& kernel, Notes& notes);

}  // namespace memsect
