// The kernel's own count of isolated pageblocks is that of the usemap.
//
// set_migratetype_isolate() and unset_migratetype_isolate() change zone.nr_isolate_pageblock and the pageblock's bits
// under one lock (zone->lock); offline_pages() takes blocks that went offline off the count, and online_pages() counts
// those that come in. So the count is that of the isolated pageblocks of the zone that are online, by the rule of
// /proc/pagetypeinfo: two decodings with nothing in common but the kernel. Needs MEMORY_ISOLATION.
//
// A running kernel isolates pageblocks at any moment (CMA, compaction of huge pages), and count and bits are read one
// after the other: it is not judged.
#include <fmt/format.h>

#include "analysis/judgement.h"
#include "analysis/migratetype.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  if (model.live) return nothing_to_judge("the running kernel isolates pageblocks while they are counted");
  const auto isolate = find_migratetype(model, "Isolate");
  if (!isolate) return nothing_to_judge("this kernel cannot isolate pageblocks");
  Judgement judgement(model);
  bool counted = model.nodes.empty();
  for (const Node& node : model.nodes) {
    for (const Zone& zone : node.zones) {
      counted = counted || zone.isolated || zone.isolated.error().code != Errc::not_applicable;
      if (!zone.isolated) {
        judgement.miss("nr_isolate_pageblock of " + zone_text(node, zone), zone.isolated.error());
        continue;
      }
      if (!zone.pageblocks) {
        judgement.miss("the pageblocks of " + zone_text(node, zone), zone.pageblocks.error());
        continue;
      }
      const std::uint64_t seen = *isolate < zone.pageblocks->size() ? (*zone.pageblocks)[*isolate] : 0;
      if (seen == *zone.isolated) continue;
      judgement.find("zones with another count",
                     fmt::format("{} has {} isolated pageblocks by its own count, and {} in the usemaps",
                                 zone_text(node, zone), *zone.isolated, seen));
    }
  }
  judgement.expect_nodes();
  if (!counted) return nothing_to_judge("this kernel keeps no count of isolated pageblocks");
  return std::move(judgement).finish();
}

}  // namespace

const Check isolated_pageblocks_check{"isolated_pageblocks",
                                      "zones count as many isolated pageblocks as the usemaps have", run};

}  // namespace memsect
