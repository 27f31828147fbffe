// Zones seen from the pages: which zones a section's pageblocks belong to, and how many pageblocks of which
// type each zone has.
//
// /proc/pagetypeinfo counts like this (pagetypeinfo_showblockcount_print in mm/vmstat.c): from
// zone_start_pfn, which need not be aligned, in steps of a pageblock; a step counts when pfn_to_online_page()
// yields a page and page_zone() of that very page is the zone. Up to 4.6 any page would do, so that a pageblock counted in
// each of several zones that span it; up to 4.12 of memory that is offline, too. The type is read from the usemap at that pfn;
// types beyond MIGRATE_TYPES are dropped.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "decode/steps.h"
#include "kernel/kernel.h"
#include "page/online_page.h"

namespace memsect {
namespace {

Result<SectionZones> zones_of(const MemoryModel& model, const PageReader& pages, const OnlinePageRule& rule,
                              const Section& section) {
  if (!section.flags.online)
    return Error{Errc::not_applicable, "the section is not online: its struct pages are stale", {}};
  if (const Error* why = rule.unknown_for(section)) return *why;
  const MemoryGeometry& geometry = model.geometry;
  if (!geometry.pageblocks_known()) return Error{Errc::unsupported, "pageblock_order is not known", {}};
  std::set<int> nodes;
  std::set<unsigned> zones;
  for (std::uint64_t i = 0; i < geometry.pageblocks_per_section(); ++i) {
    const Pfn pfn = geometry.section_nr_to_pfn(section.nr) + i * geometry.pages_per_pageblock();
    if (!rule.is_online(model, section, pfn)) continue;
    auto page = pages.page(model, pfn);
    if (!page) return std::move(page).error();
    if (pages.zone_device() && page->zone == *pages.zone_device()) continue;  // a device's, not online
    nodes.insert(raw(page->node));
    zones.insert(page->zone);
  }
  SectionZones seen;
  for (const int node : nodes) seen.nodes.push_back(NodeId{node});
  for (const unsigned zone : zones) seen.zones.push_back(pages.zone_name(zone));
  return seen;
}

/// The counts of one zone while they are made.
struct Tally {
  std::vector<std::uint64_t> by_type;
  std::uint64_t unread = 0;
  Error first_failure;

  void miss(const Error& error) {
    if (unread++ == 0) first_failure = error;
  }
};

void count_in_section(const MemoryModel& model, const PageReader& pages, const OnlinePageRule& rule,
                      const Node& node, const Zone& zone, const Section& section, Tally& tally) {
  const MemoryGeometry& geometry = model.geometry;
  const std::uint64_t step = geometry.pages_per_pageblock();
  const Pfn section_start = geometry.section_nr_to_pfn(section.nr);
  const Pfn section_end = section_start + geometry.pages_per_section();
  const Pfn zone_end = zone.start_pfn + zone.spanned_pages;
  Pfn pfn = zone.start_pfn;
  if (pfn < section_start) pfn += (section_start - pfn + step - 1) / step * step;
  for (; pfn < std::min(section_end, zone_end); pfn += step) {
    if (const Error* why = rule.unknown_for(section)) {
      tally.miss(*why);
      continue;
    }
    if (!rule.is_online(model, section, pfn)) continue;
    if (rule.counts_own_alone()) {
      const auto page = pages.page(model, pfn);
      if (!page) {
        tally.miss(page.error());
        continue;
      }
      if (page->node != node.id || page->zone != zone.index) continue;
    }
    if (!section.pageblocks) {
      tally.miss(section.pageblocks.error());
      continue;
    }
    const std::uint8_t type = (*section.pageblocks)[(pfn - section_start) / step].migratetype;
    if (type < tally.by_type.size()) ++tally.by_type[type];
  }
}

Result<std::vector<std::uint64_t>> count_zone(const MemoryModel& model, const PageReader& pages,
                                              const OnlinePageRule& rule, const Node& node,
                                              const Zone& zone) {
  Tally tally;
  tally.by_type.resize(model.migratetypes.size());
  if (!zone.numbers) return zone.numbers.error();
  if (zone.present_pages == 0) return tally.by_type;  // the kernel skips zones that are not populated
  if (!model.geometry.pageblocks_known()) return Error{Errc::unsupported, "pageblock_order is not known", {}};
  for (const Section& section : model.sections) {
    if (OnlinePageRule::may_have_online_pages(model, section))
      count_in_section(model, pages, rule, node, zone, section, tally);
  }
  if (tally.unread == 0) return tally.by_type;
  return std::move(tally.first_failure).within(fmt::format("{} pageblocks cannot be judged", tally.unread));
}

}  // namespace

void load_section_zones(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  const OnlinePageRule rule(kernel);
  for (Section& section : model.sections) section.zones = zones_of(model, pages, rule, section);
}

void count_zone_pageblocks(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  const OnlinePageRule rule(kernel);
  for (Node& node : model.nodes) {
    for (Zone& zone : node.zones) zone.pageblocks = count_zone(model, pages, rule, node, zone);
  }
}

}  // namespace memsect
