// The steps of memory_block_offline() and offline_pages() (drivers/base/memory.c, mm/memory_hotplug.c):
//
//   no memory hot-remove in the kernel            EINVAL
//   memory_block.zone is NULL                     EINVAL, without a word     5.18+; before, the pages are asked
//   not all of it is busy System RAM              EINVAL, "memory holes"     5.5+
//   a pageblock is isolated already, or CMA       EBUSY
//   a page is unmovable                           EBUSY, "unmovable page"    offlining_pages.cc
//   a huge page reaches over the end              EBUSY                      5.19 to 6.9
//   a notifier says no: arm64, s390               EPERM                     offlining_refusals.cc
//   pages are migrated out                        goes on until it succeeds or is interrupted
//   a page taken out keeps references             EBUSY, "unmovable page"
//   a free huge page is promised to someone       EBUSY, "failure to dissolve huge pages"
//   a page is not free though none was movable    goes on until it is interrupted
//
// The first of these that applies is what the kernel answers. How migration ends cannot be foretold; what may keep it busy
// is a hint: offlining_hints.cc.
#include "analysis/offlining.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "analysis/migratetype.h"
#include "analysis/offlining_hints.h"
#include "analysis/offlining_pages.h"
#include "analysis/offlining_refusals.h"
#include "analysis/words.h"

namespace memsect {
namespace {

constexpr std::size_t most_examples = 8;

/// Whether a driver's dev_pagemap says that all of it is a device's.
bool is_device_memory(const MemoryModel& model, const OfflineUnit& unit) {
  if (!model.device_maps) return false;
  return std::any_of(model.device_maps->begin(), model.device_maps->end(), [&](const DeviceMap& map) {
    return std::any_of(map.ranges.begin(), map.ranges.end(), [&](const PhysRange& range) {
      return range.start <= unit.range.start && unit.range.end() <= range.end();
    });
  });
}

std::string list_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// EINVAL before any page is looked at.
void add_zone_reasons(const OfflineUnit& unit, const PageScan& scan,
                      const std::vector<std::string>& zone_names, const OfflineRules& rules,
                      std::vector<Reason>& reasons) {
  const bool told = rules.block_has_zone && unit.block != nullptr && unit.block->zone;
  const bool has_none = told && unit.block->zone->empty();
  if (told ? !has_none : scan.zones.size() <= 1 && scan.nodes.size() <= 1) return;
  const char* const answer = told
                                 ? "memory_block.zone is NULL: offlining fails with EINVAL, without a message"
                                 : "offlining fails with EINVAL";
  if (scan.nodes.size() > 1) {
    std::vector<NodeId> nodes = scan.nodes;
    std::sort(nodes.begin(), nodes.end());
    Reason reason = make_reason("multiple_nodes", ReasonSeverity::permanent,
                                fmt::format("its pages belong to {}: {}", nodes_text(nodes), answer),
                                OfflineStage::checks);
    reason.of_nodes = std::move(nodes);
    reasons.push_back(std::move(reason));
    return;
  }
  std::vector<unsigned> zones = scan.zones;
  std::sort(zones.begin(), zones.end());
  std::vector<std::string> names;
  names.reserve(zones.size());
  for (const unsigned zone : zones)
    names.push_back(zone < zone_names.size() ? zone_names[zone] : fmt::format("zone{}", zone));
  const std::string of = zones.size() > 1 ? fmt::format("its pages belong to the zones {}", list_text(names))
                                          : "it was not in one zone when it was put online";
  reasons.push_back(make_reason("multiple_zones", ReasonSeverity::permanent,
                                fmt::format("{}: {}", of, answer), OfflineStage::checks));
}

/// Pages of the unit that are busy System RAM.
std::uint64_t ram_pages(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit) {
  const std::uint64_t page_size = model.geometry.page_size();
  return system_ram_in(*rules.resources, unit.tested, page_size) / page_size;
}

bool is_all_ram(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit) {
  return ram_pages(model, rules, unit) == unit.tested.size / model.geometry.page_size();
}

void add_holes(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit,
               std::vector<Reason>& reasons) {
  if (!rules.refuses_holes || !rules.resources) return;
  const std::uint64_t ram = ram_pages(model, rules, unit);
  const std::uint64_t pages = unit.tested.size / model.geometry.page_size();
  // Of memory that no entry covers which could be read, nothing is known.
  if (ram == pages || rules.resources_short) return;
  Reason reason = make_reason("memory_hole", ReasonSeverity::permanent,
                              fmt::format("{} of its {} pages are no System RAM in the resource tree "
                                          "(/proc/iomem): offlining fails with EINVAL, "
                                          "\"memory holes\"",
                                          pages - ram, pages),
                              OfflineStage::checks);
  reason.count = pages - ram;
  reasons.push_back(std::move(reason));
}

/// Pageblocks of a kind that isolation refuses.
struct Refused {
  std::uint64_t count = 0;
  std::vector<std::uint64_t> first;
  std::optional<SectionNr> section;
};

void add_refused(std::string_view code, ReasonSeverity severity, const char* text, const Refused& refused,
                 std::vector<Reason>& reasons) {
  if (refused.count == 0) return;
  Reason reason = make_reason(code, severity, fmt::format("{} {}", refused.count, text));
  reason.count = reason.pageblock_count = refused.count;
  reason.pageblocks = refused.first;
  reason.section = refused.section;
  reasons.push_back(std::move(reason));
}

/// Whether all usemaps could be read.
bool add_pageblock_reasons(const MemoryModel& model, const OfflineUnit& unit, bool going_offline,
                           std::vector<Reason>& reasons) {
  const auto cma = find_migratetype(model, "CMA");  // a kernel without CMA has none
  Refused of_cma, isolated;
  bool complete = true;
  for (const Section* section : unit.sections) {
    if (!section->flags.online) continue;
    if (!section->pageblocks) {
      complete = false;
      continue;
    }
    Pfn at = model.geometry.section_nr_to_pfn(section->nr);
    for (const Pageblock& block : *section->pageblocks) {
      const bool inside = unit.tested.contains(model.geometry.pfn_to_phys(at));
      for (Refused* refused : {&of_cma, &isolated}) {
        const bool counts = refused == &isolated ? block.isolated : cma && block.migratetype == *cma;
        if (!inside || !counts) continue;
        ++refused->count;
        if (!refused->section) refused->section = section->nr;
        if (refused->first.size() < most_examples) refused->first.push_back(at.raw());
      }
      at += model.geometry.pages_per_pageblock();
    }
  }
  add_refused("cma", ReasonSeverity::permanent,
              "pageblocks of the contiguous memory allocator (CMA), which refuses even when they are free",
              of_cma, reasons);
  if (!going_offline) {
    add_refused("isolated", ReasonSeverity::now, "pageblocks are isolated already", isolated, reasons);
  }
  return complete;
}

/// Evidence that is not to be had.
void add_not_read(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit,
                  const PageScan& scan, bool usemaps_complete, std::vector<Reason>& reasons) {
  const auto add = [&](std::string text, std::uint64_t count) {
    reasons.push_back(make_reason("not_read", ReasonSeverity::hint, std::move(text)));
    reasons.back().count = count;
  };
  if (scan.not_read > 0) {
    add(fmt::format("the struct pages of {} pages cannot be had: {}", scan.not_read,
                    scan.why_not_read ? scan.why_not_read->message : "they are not in the dump"),
        scan.not_read);
  }
  if (!usemaps_complete) add("its pageblock map cannot be had", 0);
  if (rules.refuses_holes && !rules.resources)
    add(fmt::format("memory holes cannot be looked for: {}", rules.resources.error().message), 0);
  if (rules.refuses_holes && rules.resources && rules.resources_short && !is_all_ram(model, rules, unit))
    add(fmt::format("whether it has memory holes is not known: the resource tree {}",
                    rules.resources_short->message),
        0);
  if (rules.limits_lost)
    add("what the kernel refuses besides is not known: " + rules.limits_lost->message, 0);
  if (!model.blocks) add("the memory blocks cannot be had: " + model.blocks.error().message, 0);
}

bool has_reason(const std::vector<Reason>& reasons, std::string_view code) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [code](const Reason& reason) { return reason.code == code; });
}

bool missed_evidence(const std::vector<Reason>& reasons) { return has_reason(reasons, "not_read"); }

bool blocks(const Reason& reason) { return reason.severity != ReasonSeverity::hint; }

std::string_view error_of(const std::vector<Reason>& reasons) {
  std::optional<OfflineStage> first;
  for (const Reason& reason : reasons) {
    if (blocks(reason)) first = std::min(first.value_or(reason.stage), reason.stage);
  }
  return first ? answer_of(*first) : std::string_view();
}

std::string_view what_keeps(const Lmb& lmb) {
  if (lmb.reserved) return "is reserved by firmware";
  return lmb.assigned ? "is needed for a firmware-assisted dump (fadump)" : "is not assigned";
}

/// On pseries the hypervisor takes memory in blocks of its own. Whether that decides.
bool judge_lmbs(const OfflineRules& rules, OfflineJudgement& judgement) {
  const auto say = [&](OfflineVerdict verdict, std::string text) {
    judgement.remove = verdict;
    judgement.remove_text = std::move(text);
    return true;
  };
  if (!rules.lmbs) {
    if (rules.lmbs.error().code == Errc::not_applicable) return false;
    return say(OfflineVerdict::unknown,
               "the hypervisor's blocks (LMBs) cannot be had: " + rules.lmbs.error().message);
  }
  const PhysRange unit = judgement.unit.range;
  const std::vector<Lmb>& lmbs = *rules.lmbs;
  auto lmb = std::lower_bound(lmbs.begin(), lmbs.end(), unit.start,
                              [](const Lmb& one, PhysAddr start) { return one.range.end() <= start; });
  std::uint64_t covered = 0;
  for (; lmb != lmbs.end() && lmb->range.start < unit.end(); ++lmb) {
    covered += lmb->range.size;
    if (lmb->removable()) continue;
    return say(OfflineVerdict::blocked, fmt::format("the hypervisor does not take it: its LMB at {:#x} {}",
                                                    lmb->range.start.raw(), what_keeps(*lmb)));
  }
  if (covered < unit.size || judgement.verdict == OfflineVerdict::unknown) return false;
  return say(OfflineVerdict::no_blocker_found, "once offline, the hypervisor can take its LMBs (DLPAR)");
}

/// Whether sections say that they are from boot (5.3+): the lowest one is.
bool tells_early(const MemoryModel& model) {
  return !model.sections.empty() && model.sections.front().flags.early;
}

void judge_removal(const MemoryModel& model, const OfflineRules& rules, OfflineJudgement& judgement) {
  const OfflineUnit& unit = judgement.unit;
  if (model.hot_plug != HotPlug::full) {
    judgement.remove = OfflineVerdict::blocked;
    judgement.remove_text = "this kernel never removes memory";
    return;
  }
  if (judgement.verdict == OfflineVerdict::blocked) {
    judgement.remove = OfflineVerdict::blocked;
    judgement.remove_text = "it must be taken offline first";
  } else if (judge_lmbs(rules, judgement)) {
    return;
  } else if (is_early(unit)) {
    judgement.remove = OfflineVerdict::unknown;
    judgement.remove_text = "memory from boot: whether firmware can take it away, a dump does not say";
  } else if (!tells_early(model)) {
    judgement.remove = OfflineVerdict::unknown;
    judgement.remove_text =
        "whether it is memory from boot, or of a device that can let it go, this kernel does not tell";
  } else if (judgement.verdict == OfflineVerdict::unknown) {
    judgement.remove = OfflineVerdict::unknown;
    judgement.remove_text = "evidence is missing";
  } else {
    const Resource* device =
        rules.resources ? innermost_resource(*rules.resources, unit.range.start) : nullptr;
    const bool has_name = device != nullptr && device->name != "System RAM";
    judgement.remove = OfflineVerdict::no_blocker_found;
    judgement.remove_text =
        fmt::format("its device ({}) can be removed once all blocks of the device are offline",
                    has_name ? device->name : "a DIMM, or what added it");
  }
}

}  // namespace

bool is_online(const OfflineUnit& unit) {
  return std::any_of(unit.sections.begin(), unit.sections.end(),
                     [](const Section* section) { return section->flags.online; });
}

bool is_early(const OfflineUnit& unit) {
  return std::any_of(unit.sections.begin(), unit.sections.end(),
                     [](const Section* section) { return section->flags.early; });
}

std::string_view offline_verdict_name(OfflineVerdict verdict) {
  constexpr std::array<std::string_view, 5> names{"blocked", "no_blocker_found", "unknown", "offline",
                                                  "no_block"};
  return names.at(static_cast<std::size_t>(verdict));
}

namespace {

/// Bytes at the start of hot-added memory in which its own memmap lies (memmap_on_memory).
std::uint64_t own_memmap_bytes(const OfflineUnit& unit) {
  std::uint64_t bytes = 0;
  for (const Section* section : unit.sections) {
    if (section->flags.early || !section->memmap) return 0;
    for (const PhysRange& piece : section->memmap->backing) {
      if (piece.start != unit.range.start + bytes) return bytes;
      bytes += piece.size;
    }
  }
  return bytes;
}

}  // namespace

OfflineUnit unit_of_block(const MemoryModel& model, const MemoryBlock& block) {
  OfflineUnit unit;
  unit.block = &block;
  const std::uint64_t count = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
  for (const Section& section : model.sections_from(block.start_section, count))
    unit.sections.push_back(&section);
  unit.range = {model.geometry.section_range(block.start_section).start,
                count * model.geometry.section_size()};
  const std::uint64_t own = block.altmap_pages ? *block.altmap_pages << model.geometry.page_shift
                            : block.derived    ? own_memmap_bytes(unit)
                                               : 0;
  const std::uint64_t hosted = std::min(own, unit.range.size);
  unit.tested = {unit.range.start + hosted, unit.range.size - hosted};
  return unit;
}

OfflineUnit unit_of_section(const MemoryModel& model, const Section& section) {
  OfflineUnit unit;
  unit.is_section = true;
  unit.block = model.block_of(section.nr);
  unit.sections.push_back(&section);
  unit.range = unit.tested = model.geometry.section_range(section.nr);
  if (unit.block == nullptr) return unit;
  const PhysRange tested = unit_of_block(model, *unit.block).tested;
  const PhysAddr start = std::min(std::max(tested.start, unit.range.start), unit.range.end());
  unit.tested = {start, unit.range.end() - start};
  return unit;
}

OfflineJudge::OfflineJudge(const MemoryModel& model, const OfflineRules& rules,
                           std::vector<std::string> zone_names)
    : model_(model), rules_(rules), zone_names_(std::move(zone_names)), objects_(model) {}

bool OfflineJudge::wants_scan(const OfflineUnit& unit) { return is_online(unit); }

OfflineJudgement OfflineJudge::judge(const OfflineUnit& unit, const PageScan& scan) const {
  OfflineJudgement judgement;
  judgement.unit = unit;
  judgement.free_pages = scan.free;
  judgement.movable_pages = scan.movable;
  judgement.pages_not_read = scan.not_read;
  judgement.corrupt_pages = scan.corrupt;
  for (const UseRun& run : scan.runs) {
    if (is_unmovable(run.use)) judgement.unmovable_pages += run.pages.size;
  }
  std::vector<Reason>& reasons = judgement.reasons;
  if (model_.hot_plug != HotPlug::full) {
    reasons.push_back(make_reason("no_hot_remove", ReasonSeverity::permanent,
                                  "this kernel is built without memory hot-remove (CONFIG_MEMORY_HOTREMOVE)",
                                  OfflineStage::checks));
  }
  if (unit.block == nullptr && !unit.sections.empty() && !is_online(unit) &&
      model_.hot_plug != HotPlug::none &&
      (!model_.blocks || (model_.blocks_short && !is_device_memory(model_, unit)))) {
    const std::string why = model_.blocks ? model_.blocks_short->message : model_.blocks.error().message;
    reasons.push_back(make_reason(
        "not_read", ReasonSeverity::hint,
        "whether it is offline memory or a device's is not known: the memory blocks could not all be read: " +
            why));
    judgement.verdict = judgement.remove = OfflineVerdict::unknown;
    judgement.remove_text = "evidence is missing";
    return judgement;
  }
  if (unit.sections.empty() || model_.hot_plug == HotPlug::none ||
      (unit.block == nullptr && model_.blocks && !is_online(unit))) {
    judgement.verdict = OfflineVerdict::no_block;
    judgement.remove_text = "no memory block";
    if (!unit.sections.empty() && model_.hot_plug != HotPlug::none) {
      reasons.push_back(make_reason("zone_device", ReasonSeverity::hint,
                                    "memory of a device (ZONE_DEVICE): unbind its driver to take it away"));
    }
    return judgement;
  }
  if (!is_online(unit)) {
    judgement.verdict = OfflineVerdict::offline;
    judge_removal(model_, rules_, judgement);
    return judgement;
  }
  add_zone_reasons(unit, scan, zone_names_, rules_, reasons);
  add_holes(model_, rules_, unit, reasons);
  const bool going_offline = unit.block != nullptr && unit.block->state == "going_offline";
  const bool complete = add_pageblock_reasons(model_, unit, going_offline, reasons);
  for (Reason& reason : page_reasons(model_, rules_, objects_, unit, scan))
    reasons.push_back(std::move(reason));
  add_refusals(model_, rules_, unit, scan, reasons);
  add_hints(model_, rules_, unit, scan, zone_names_, reasons);
  add_not_read(model_, rules_, unit, scan, complete, reasons);
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const Reason& a, const Reason& b) { return a.severity < b.severity; });
  judgement.error = error_of(reasons);
  judgement.verdict = !judgement.error.empty()   ? OfflineVerdict::blocked
                      : missed_evidence(reasons) ? OfflineVerdict::unknown
                                                 : OfflineVerdict::no_blocker_found;
  judge_removal(model_, rules_, judgement);
  return judgement;
}

std::vector<std::size_t> plan_offlining(const std::vector<OfflineJudgement>& judgements) {
  std::vector<std::size_t> order;
  std::set<SectionNr> gone;
  std::vector<bool> planned(judgements.size(), false);
  const auto can_go = [&](const OfflineJudgement& judgement) {
    if (has_reason(judgement.reasons, "no_hot_remove")) return false;
    if (judgement.verdict == OfflineVerdict::no_blocker_found || judgement.verdict == OfflineVerdict::offline)
      return true;
    if (judgement.verdict != OfflineVerdict::blocked || missed_evidence(judgement.reasons)) return false;
    return std::all_of(judgement.reasons.begin(), judgement.reasons.end(), [&](const Reason& reason) {
      if (!blocks(reason)) return true;
      if (reason.severity == ReasonSeverity::permanent || reason.of_sections.empty()) return false;
      return std::all_of(reason.of_sections.begin(), reason.of_sections.end(),
                         [&](SectionNr nr) { return gone.count(nr) != 0; });
    });
  };
  for (bool found = true; found;) {  // each round plans at least one unit, or is the last
    found = false;
    for (std::size_t i = judgements.size(); i-- > 0;) {
      if (planned[i] || !can_go(judgements[i])) continue;
      planned[i] = found = true;
      order.push_back(i);
      for (const Section* section : judgements[i].unit.sections) gone.insert(section->nr);
    }
  }
  return order;
}

}  // namespace memsect
