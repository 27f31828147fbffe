// Reads the pools of huge pages: hstates[].
#pragma once

#include <vector>

#include "base/result.h"
#include "model/huge_pool.h"

namespace memsect {

class Kernel;

/// All of them. `not_applicable` in kernels without hugetlb, as far as the symbols tell.
Result<std::vector<HugePool>> load_huge_pools(const Kernel& kernel);

}  // namespace memsect
