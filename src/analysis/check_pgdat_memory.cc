// pgdats lie in present memory.
//
// They come from memblock, of the node's own memory or another one's, or up to 5.18 for nodes that were hot-added from
// slab; without NUMA the one pgdat is part of the kernel image. No kernel frees one (try_offline_node() clears a bit), so
// the sections of all its bytes, some 43 pages, are present.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  judgement.expect_nodes();
  for (const Node& node : model.nodes) {
    const std::string name = fmt::format("the pgdat of node {}", raw(node.id));
    if (node.placement)
      judgement.expect_present(name, node.placement->phys);
    else
      judgement.miss(name, node.placement.error());
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check pgdat_memory_check{"pgdat_memory", "pgdats lie in present sections", run};

}  // namespace memsect
