// The present pages of a node are those of its zones.
//
// calculate_node_totalpages() adds them up at boot, adjust_present_page_count() changes zone and node alike when memory
// comes online or goes offline.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  judgement.expect_nodes();
  for (const Node& node : model.nodes) {
    if (!judgement.has_numbers(node)) continue;
    std::uint64_t present = 0;
    bool all = true;
    for (const Zone& zone : node.zones) {
      const bool known = judgement.has_numbers(node, zone);
      if (known) present += zone.present_pages;
      all = all && known;
    }
    if (all && present != node.present_pages) {
      judgement.find("nodes whose zones have other pages",
                     fmt::format("node {} has {} present pages, its zones {} together", raw(node.id),
                                 node.present_pages, present));
    }
    if (node.present_pages > node.spanned_pages) {
      judgement.find("nodes with too many present pages",
                     fmt::format("node {} has {} present pages, and spans {}", raw(node.id),
                                 node.present_pages, node.spanned_pages));
    }
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check node_pages_check{"node_pages", "the present pages of each node are those of its zones together",
                             run};

}  // namespace memsect
