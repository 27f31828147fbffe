// A zone has no more managed than present pages, and no more present than spanned ones.
//
// include/linux/mmzone.h says so of them: spanned is the range with its holes, present is without holes, managed is what
// the page allocator was given. ZONE_DEVICE spans its pages and has none present. A count that went below zero shows as
// one of some 2^64 pages.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  judgement.expect_nodes();
  for (const Node& node : model.nodes) {
    for (const Zone& zone : node.zones) {
      if (!judgement.has_numbers(node, zone)) continue;
      if (zone.managed_pages > zone.present_pages) {
        judgement.find("zones with too many managed pages",
                       fmt::format("{} has {} managed pages, and {} present ones", zone_text(node, zone),
                                   zone.managed_pages, zone.present_pages));
      }
      if (zone.present_pages > zone.spanned_pages) {
        judgement.find("zones with too many present pages",
                       fmt::format("{} has {} present pages, and spans {}", zone_text(node, zone),
                                   zone.present_pages, zone.spanned_pages));
      }
    }
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check zone_pages_check{
    "zone_pages", "of each zone, managed pages are at most the present, and these the spanned ones", run};

}  // namespace memsect
