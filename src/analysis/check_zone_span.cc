// The span of a zone lies within that of its node.
//
// At boot calculate_node_totalpages() makes zones out of the node's range; hot-plug grows both
// (resize_zone_range(), resize_pgdat_range()), and when memory goes the node's span is made of its zones' anew
// (update_pgdat_span()). Zones of a node may overlap one another (Movable, Device), and nodes may, too.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  judgement.expect_nodes();
  for (const Node& node : model.nodes) {
    if (!node.numbers) {
      judgement.miss(fmt::format("the span of node {}", raw(node.id)), node.numbers.error());
      continue;
    }
    const PfnRange of_node{node.start_pfn, node.spanned_pages};
    for (const Zone& zone : node.zones) {
      if (!zone.numbers) {
        judgement.miss("the span of " + zone_text(node, zone), zone.numbers.error());
        continue;
      }
      const PfnRange span{zone.start_pfn, zone.spanned_pages};
      const bool within = !of_node.empty() && span.start >= of_node.start && span.size <= of_node.size &&
                          span.start - of_node.start <= of_node.size - span.size;
      if (span.empty() || within) continue;
      judgement.find("zones beyond their node",
                     fmt::format("{} spans pfn {}, its node {}", zone_text(node, zone), pages_text(span),
                                 pages_text(of_node)));
    }
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check zone_span_check{"zone_span", "the span of each zone lies within that of its node", run};

}  // namespace memsect
