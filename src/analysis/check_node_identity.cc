// Nodes and zones know whose they are.
//
// free_area_init_node() writes pglist_data.node_id, zone_init_internals() zone.zone_pgdat, both at boot and when a node
// is hot-added. Nodes that are neither online nor have memory are left out: s390x allocates a pgdat for every node number
// and initialises the first.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

void judge_zones(const Node& node, Judgement& judgement) {
  for (const Zone& zone : node.zones) {
    if (!zone.pgdat) {
      judgement.miss("zone_pgdat of " + zone_text(node, zone), zone.pgdat.error());
    } else if (*zone.pgdat != node.pgdat) {
      judgement.find("zones of another node",
                     fmt::format("{} says that its pgdat is at {:#x}, the node's is at {:#x}",
                                 zone_text(node, zone), zone.pgdat->raw(), node.pgdat.raw()));
    }
  }
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  judgement.expect_nodes();
  for (const Node& node : model.nodes) {
    const bool in_use = (node.online && *node.online) || (node.numbers && node.spanned_pages > 0);
    if (!in_use) {
      judgement.has_numbers(node);  // in use, perhaps
      continue;
    }
    if (!node.stated_id) {
      judgement.miss(fmt::format("node_id of node {}", raw(node.id)), node.stated_id.error());
    } else if (*node.stated_id != node.id) {
      judgement.find("nodes of another number",
                     fmt::format("node_data[{}] leads to a pgdat that says it is node {}", raw(node.id),
                                 raw(*node.stated_id)));
    }
    judge_zones(node, judgement);
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check node_identity_check{"node_identity",
                                "each pgdat has its node's number, each zone its node's pgdat", run};

}  // namespace memsect
