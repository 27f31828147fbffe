// The subsection map tells of memory that is there (5.3+, since 5.7 with VMEMMAP only).
//
//   any section with a memmap     at least one subsection: the last one to go takes the section along
//                                 (section_deactivate())
//   online, added later           all of them: memory is hot-added in whole sections
//                                 (check_hotplug_memory_range()), devices' memory never comes online
//   online, early                 filled from memblock's ranges, rounded outward to 2 MiB (subsection_map_init()), or by
//                                 a device that shares the section: so each populated one meets the span of a zone
//
// Nothing is said of the subsections that are clear in an early section: their struct pages exist all the same. The
// spans of zones shrink when memory goes offline, so sections that are not online are not held against them.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "analysis/judgement.h"

namespace memsect {
namespace {

/// The spans of all zones. Gaps are told to `judgement`, and there are no spans then.
std::vector<PfnRange> zone_spans(const MemoryModel& model, Judgement& judgement) {
  std::vector<PfnRange> spans;
  bool known = !model.nodes.empty();
  judgement.expect_nodes();
  for (const Node& node : model.nodes) {
    for (const Zone& zone : node.zones) {
      if (!zone.numbers) {
        judgement.miss("the span of " + zone_text(node, zone), zone.numbers.error());
        known = false;
      } else if (zone.spanned_pages > 0) {
        spans.push_back({zone.start_pfn, zone.spanned_pages});
      }
    }
  }
  if (!known) spans.clear();
  return spans;
}

bool covers(const PfnRange& span, const PfnRange& pages) {
  return span.contains(pages.start) && span.contains(pages.end() - 1);
}

void judge_against_zones(const MemoryModel& model, const Section& section, const std::vector<PfnRange>& spans,
                         Judgement& judgement) {
  const PfnRange pages = pages_of(model, section.nr);
  std::vector<PfnRange> near;
  for (const PfnRange& span : spans) {
    if (covers(span, pages)) return;
    if (overlap(span, pages)) near.push_back(span);
  }
  const std::uint64_t per_unit = model.geometry.pages_per_subsection();
  for (std::uint64_t unit = 0; unit < section.subsections->total; ++unit) {
    const PfnRange of_unit{pages.start + unit * per_unit, per_unit};
    const auto meets = [&](const PfnRange& span) { return overlap(span, of_unit); };
    if (!section.subsections->test(unit) || std::any_of(near.begin(), near.end(), meets)) continue;
    judgement.find(
        "subsections outside of every zone",
        fmt::format("subsection {} of section {} (pfn {}) is populated, and no zone spans any page of it",
                    unit, section.nr.raw(), pages_text(of_unit)));
  }
}

CheckResult run(const MemoryModel& model) {
  if (model.geometry.subsections_per_section() == 0)
    return nothing_to_judge("this kernel has no subsection map (5.3+; only with VMEMMAP since 5.7)");
  Judgement judgement(model);
  const std::vector<PfnRange> spans = zone_spans(model, judgement);
  for (const Section& section : model.sections) {
    if (!section.subsections) {
      judgement.miss("the subsection map", section.nr, section.subsections.error());
      continue;
    }
    const std::uint64_t populated = section.subsections->populated();
    const bool added_online = section.flags.online && !section.flags.early;
    if (populated == 0 && section.flags.has_mem_map) {
      judgement.find("sections without a subsection",
                     fmt::format("section {} has a memmap and no populated subsection", section.nr.raw()));
    } else if (added_online && populated < section.subsections->total) {
      judgement.find(
          "hot-added sections that are populated in part",
          fmt::format("section {} was hot-added and is online, and {} of its {} subsections are populated",
                      section.nr.raw(), populated, section.subsections->total));
    }
    if (section.flags.online && !spans.empty()) judge_against_zones(model, section, spans, judgement);
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check subsection_map_check{
    "subsection_map", "populated subsections are memory of a zone, hot-added sections are whole", run};

}  // namespace memsect
