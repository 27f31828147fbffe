// The kernel stops at the first unmovable page and prints it; which object it belongs to, it does not say. Here every
// unmovable page is held against the objects of the memory model. A page that one of them touches is explained by it:
//
//   runs of the scan     ....RRRRRRRR........SS....P......
//   objects              ....|usages|........|u|..........
//   left over            ............................ P       a page table
#include "analysis/offlining_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "analysis/object_kinds.h"
#include "analysis/words.h"
#include "base/range_set.h"

namespace memsect {
namespace {

constexpr std::size_t most_examples = 8;
constexpr std::size_t most_names = 5;

/// How a reason names the objects of one kind.
struct ObjectWords {
  std::string_view code, words;
};
ObjectWords words_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::usage:
      return {"holds_usage", "the mem_section_usage (pageblock and subsection maps)"};
    case ObjectKind::memmap:
      return {"holds_memmap", "the struct pages (memmap)"};
    case ObjectKind::pgdat:
      return {"holds_pgdat", "the pgdat"};
    case ObjectKind::section_root:
      return {"holds_section_root", "the section root (struct mem_section)"};
    case ObjectKind::section_root_table:
      return {"holds_section_root_table", "the table of section roots"};
    case ObjectKind::memory_block:
      return {"holds_memory_block", "the struct memory_block"};
    case ObjectKind::page_ext:
      return {"holds_page_ext", "the page_ext table"};
    case ObjectKind::vmemmap_table:
      return {"holds_vmemmap_table", "page tables of the struct pages"};
    case ObjectKind::vmemmap_tail:
      return {"holds_memmap", "the struct pages that huge pages share"};
    case ObjectKind::direct_map_table:
      return {"holds_direct_map_table", "page tables of the direct map"};
    case ObjectKind::kasan_shadow:
      return {"holds_kasan_shadow", "the KASAN shadow"};
    case ObjectKind::dev_pagemap:
      return {"holds_dev_pagemap", "the dev_pagemap"};
  }
  return {};
}

/// All objects of one kind that are in the way.
struct ObjectGroup {
  bool permanent = false;
  bool serves_others = false, serves_own = false;
  bool reserved = false;
  OfflineStage stage = OfflineStage::never_ends;  ///< isolation, if any of their pages refuses
  std::vector<VirtAddr> objects;
  std::vector<SectionNr> sections;
  std::vector<NodeId> nodes;
  std::vector<Pfn> first_pages;
  std::optional<PhysAddr> first;
};

class Attribution {
 public:
  Attribution(const MemoryModel& model, const OfflineUnit& unit, const PageScan& scan)
      : model_(model), unit_(unit), scan_(scan), page_size_(model.geometry.page_size()) {}

  /// Takes the object in if any of its pages is unmovable, or cannot be looked at though the object is there to stay.
  void take(const ObjectIndex::Entry& entry) {
    const PlacedObject& object = entry.object;
    const PhysRange pages = clipped_pages(entry.place);
    const Seen seen = seen_in(pages);
    if (!seen.unmovable && !(object.permanent && scan_.not_read > 0)) return;
    explained_.add(pages);
    ObjectGroup& group = groups_[object.kind];
    group.permanent = group.permanent || object.permanent;
    group.reserved = group.reserved || seen.reserved;
    if (seen.refuses || !seen.unmovable) group.stage = OfflineStage::isolation;
    if (!group.first) group.first = pages.start;
    if (group.first_pages.size() < most_examples) {
      const Pfn pfn = model_.geometry.phys_to_pfn(pages.start);
      if (group.first_pages.empty() || group.first_pages.back() != pfn) group.first_pages.push_back(pfn);
    }
    if (group.objects.empty() || group.objects.back() != object.address)
      group.objects.push_back(object.address);
    note_subjects(object, group);
  }

  std::vector<Reason> reasons() const {
    std::vector<Reason> reasons;
    for (const auto& [kind, group] : groups_) reasons.push_back(reason_of(kind, group));
    return reasons;
  }

  /// The parts of a run that no object explains.
  std::vector<PfnRange> left_of(const UseRun& run) const {
    std::vector<PfnRange> left;
    const PhysRange place{model_.geometry.pfn_to_phys(run.pages.start), run.pages.size * page_size_};
    PhysAddr at = place.start;
    const auto add = [&](PhysAddr end) {
      if (at < end) left.push_back({model_.geometry.phys_to_pfn(at), (end - at) / page_size_});
    };
    for (const PhysRange& part : explained_.within(place)) {
      add(part.start);
      at = part.end();
    }
    add(place.end());
    return left;
  }

 private:
  PhysRange clipped_pages(PhysRange place) const {
    const std::uint64_t start = place.start.raw() / page_size_ * page_size_;
    const std::uint64_t end = (place.end().raw() + page_size_ - 1) / page_size_ * page_size_;
    const PhysAddr first = std::max(PhysAddr(start), unit_.tested.start);
    const PhysAddr last = std::min(PhysAddr(end), unit_.tested.end());
    return {first, first < last ? last - first : 0};
  }

  struct Seen {
    bool unmovable = false, refuses = false, reserved = false;
  };
  /// What the scan found in the pages of an object.
  Seen seen_in(PhysRange pages) const {
    const Pfn first = model_.geometry.phys_to_pfn(pages.start);
    const Pfn end = model_.geometry.phys_to_pfn(pages.end());
    auto run = std::lower_bound(scan_.runs.begin(), scan_.runs.end(), first,
                                [](const UseRun& a, Pfn wanted) { return a.pages.end() <= wanted; });
    Seen seen;
    for (; run != scan_.runs.end() && run->pages.start < end; ++run) {
      seen.unmovable = seen.unmovable || is_unmovable(run->use);
      seen.refuses = seen.refuses || refuses_isolation(run->use);
      seen.reserved = seen.reserved || run->use == PageUse::reserved;
    }
    return seen;
  }

  void note_subjects(const PlacedObject& object, ObjectGroup& group) const {
    if (facts_of(object.kind).serves_nodes) {
      group.nodes.push_back(object.node);
      return;
    }
    for (const Section& section : model_.sections_from(object.first, object.sections)) {
      group.sections.push_back(section.nr);
      const bool inside = unit_.range.contains(model_.geometry.section_range(section.nr).start);
      group.serves_others = group.serves_others || !inside;
      group.serves_own = group.serves_own || inside;
    }
  }

  Reason reason_of(ObjectKind kind, ObjectGroup group) const {
    const auto tidy = [](auto& numbers) {
      std::sort(numbers.begin(), numbers.end());
      numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    };
    tidy(group.sections);
    tidy(group.nodes);
    tidy(group.objects);
    const ObjectWords words = words_of(kind);
    Reason reason;
    reason.code = words.code;
    reason.stage = group.stage;
    // Boot memory that serves this very memory alone: freed only once it is gone, which waits for it.
    const bool own = !group.serves_others && group.nodes.empty() && group.reserved;
    const bool for_ever = hold_of(group.permanent, group.serves_own) == Hold::for_ever;
    reason.severity = for_ever ? ReasonSeverity::permanent : ReasonSeverity::now;
    std::string of = group.nodes.empty() ? sections_text(group.sections) : nodes_text(group.nodes);
    if (own && !group.permanent) of = "its own " + sections_text(group.sections);
    const char* const until = group.permanent ? "which this kernel never frees"
                              : own           ? "boot memory that is freed only with it"
                              : for_ever ? "freed only when all of these have gone, this memory among them"
                              : group.reserved ? "boot memory that is freed only when they are removed"
                                               : "in use until they are removed";
    reason.text = fmt::format("it holds {} of {}, {}", words.words, of, until);
    reason.section = model_.geometry.phys_to_section_nr(*group.first);
    reason.count = group.objects.size();
    reason.first_pages = group.first_pages;
    reason.address = group.objects.front();
    reason.of_sections = std::move(group.sections);
    reason.of_nodes = std::move(group.nodes);
    return reason;
  }

  const MemoryModel& model_;
  const OfflineUnit& unit_;
  const PageScan& scan_;
  std::uint64_t page_size_;
  RangeSet explained_;
  std::map<ObjectKind, ObjectGroup> groups_;
};

/// Pages of one use, and under which names they go.
struct UseGroup {
  Reason reason;
  std::map<std::string, std::uint64_t> names;  ///< slab caches, resources: pages of each
  std::optional<Pfn> last_pageblock;           ///< pages come in order
  OfflineStage stage = OfflineStage::never_ends;
  std::uint64_t never_free = 0;  ///< pages that refuse nothing, and never become free
  bool hot_added = false;        ///< some of them were not there at boot
};

void count_pages(const MemoryModel& model, UseGroup& group, PfnRange pages) {
  Reason& reason = group.reason;
  if (reason.count == 0) reason.section = model.geometry.pfn_to_section_nr(pages.start);
  reason.count += pages.size;
  for (std::uint64_t i = 0; i < pages.size && reason.first_pages.size() < most_examples; ++i)
    reason.first_pages.push_back(pages.start + i);
  if (!model.geometry.pageblocks_known()) return;
  const std::uint64_t step = model.geometry.pages_per_pageblock();
  for (Pfn at(pages.start.raw() / step * step); at < pages.end(); at += step) {
    if (group.last_pageblock == at) continue;
    group.last_pageblock = at;
    ++reason.pageblock_count;
    if (reason.pageblocks.size() < most_examples) reason.pageblocks.push_back(at.raw());
  }
}

/// "dentry 120, kmalloc-64 9, 3 others 20".
std::string names_text(const std::map<std::string, std::uint64_t>& names) {
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  sorted.reserve(names.size());
  for (const auto& [name, pages] : names) sorted.emplace_back(pages, name);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i >= most_names) {
      rest += sorted[i].first;
    } else {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", sorted[i].second, sorted[i].first);
    }
  }
  if (rest > 0) text += fmt::format(", {} others {}", sorted.size() - most_names, rest);
  return text;
}

std::string pages_text(std::uint64_t count) { return count == 1 ? "1 page" : fmt::format("{} pages", count); }

/// Where memory lies by the resource tree: "Kernel code", "Crash kernel", "System RAM"; empty where the tree cannot be had.
std::string resource_at(const OfflineRules& rules, PhysAddr at) {
  if (!rules.resources) return {};
  const Resource* resource = innermost_resource(*rules.resources, at);
  return resource == nullptr || resource->name.empty() ? "no resource" : resource->name;
}

/// Where the next resource begins or ends after `at`: up to there the innermost one is the same.
PhysAddr next_border(const std::vector<Resource>& resources, PhysAddr at, PhysAddr end) {
  for (const Resource& resource : resources) {
    if (resource.start > at) end = std::min(end, resource.start);
    if (resource.last >= at && resource.last < end) end = resource.last + 1;
  }
  return end;
}

bool is_virtio_mem(const OfflineRules& rules, PhysAddr at) {
  return resource_at(rules, at) == "System RAM (virtio_mem)";
}

class Uses {
 public:
  /// `unplaced`: why some object of the model, whose pages these may be, could not be placed.
  Uses(const MemoryModel& model, const OfflineRules& rules, const PageScan& scan,
       const std::optional<Error>& unplaced)
      : model_(model), rules_(rules), scan_(scan), unplaced_(unplaced) {}

  /// Takes pages of a run that no object explains.
  void take(const UseRun& run, PfnRange pages) {
    if (run.use == PageUse::other && rules_.vmalloc) return take_apart(pages);
    const bool by_resource =
        run.use == PageUse::reserved || run.use == PageUse::offline || run.use == PageUse::offline_in_use;
    if (!by_resource || !rules_.resources) return take_alike(run, pages);
    // Of a page that two resources share, the one with its first byte counts.
    const MemoryGeometry& geometry = model_.geometry;
    const PhysAddr end = geometry.pfn_to_phys(pages.end());
    for (Pfn at = pages.start; at < pages.end();) {
      const PhysAddr border = next_border(*rules_.resources, geometry.pfn_to_phys(at), end);
      const Pfn next = std::min(geometry.phys_to_pfn(border + (geometry.page_size() - 1)), pages.end());
      take_alike(run, {at, next - at});
      at = next;
    }
  }

  std::vector<Reason> reasons() const {
    std::vector<Reason> reasons;
    for (const auto& [key, group] : groups_) {
      Reason reason = group.reason;
      std::tie(reason.code, reason.severity) = key;
      reason.stage = group.stage;
      reason.text = text_of(reason, group);
      reason.attribution = attribution_of(reason);
      reasons.push_back(std::move(reason));
    }
    return reasons;
  }

 private:
  /// Why the pages may be another reason's.
  std::optional<Error> attribution_of(const Reason& reason) const {
    if (reason.code == "unmovable_other" && rules_.vmalloc && rules_.vmalloc->lost)
      return rules_.vmalloc->lost;
    if (reason.code == "unmovable_slab" && scan_.cache_lost) return scan_.cache_lost;
    const bool by_resource =
        reason.code == "unmovable_reserved" || reason.code == "crashkernel" || reason.code == "page_offline";
    if (by_resource && rules_.resources_short) return rules_.resources_short;
    if (by_resource && !rules_.resources && rules_.resources.error().code != Errc::not_applicable)
      return rules_.resources.error();
    return reason.severity == ReasonSeverity::hint ? std::nullopt : unplaced_;
  }

  struct Kind {
    std::string_view code;
    ReasonSeverity severity = ReasonSeverity::now;
    std::string name;  ///< the slab cache or the resource; may be empty
    OfflineStage stage = OfflineStage::isolation;
  };

  void take_alike(const UseRun& run, PfnRange pages) {
    const std::optional<Kind> kind = kind_of(run, model_.geometry.pfn_to_phys(pages.start));
    if (kind) note(*kind, pages);
  }

  void note(const Kind& kind, PfnRange pages) {
    UseGroup& group = groups_[{kind.code, kind.severity}];
    count_pages(model_, group, pages);
    if (!kind.name.empty()) group.names[kind.name] += pages.size;
    group.stage = std::min(group.stage, kind.stage);
    if (kind.stage == OfflineStage::never_ends) group.never_free += pages.size;
    const Section* const section = model_.find_section(model_.geometry.pfn_to_section_nr(pages.start));
    group.hot_added = group.hot_added || (section != nullptr && !section->flags.early);
  }

  /// Tells the pages that vmalloc() has mapped from those of which nothing is known.
  void take_apart(PfnRange pages) {
    const MemoryGeometry& geometry = model_.geometry;
    const PhysRange place{geometry.pfn_to_phys(pages.start), pages.size * geometry.page_size()};
    Pfn at = pages.start;
    const auto note_up_to = [&](Pfn end, std::string_view code) {
      if (at < end) note({code, ReasonSeverity::now, {}}, {at, end - at});
      at = end;
    };
    for (const PhysRange& part : rules_.vmalloc->pages.within(place)) {
      note_up_to(geometry.phys_to_pfn(part.start), "unmovable_other");
      note_up_to(geometry.phys_to_pfn(part.end()), "unmovable_vmalloc");
    }
    note_up_to(pages.end(), "unmovable_other");
  }

  std::optional<Kind> kind_of(const UseRun& run, PhysAddr at) const {
    switch (run.use) {
      case PageUse::reserved: {
        std::string name = resource_at(rules_, at);
        const bool crash = name == "Crash kernel";
        return Kind{crash ? "crashkernel" : "unmovable_reserved", ReasonSeverity::permanent, std::move(name)};
      }
      case PageUse::slab:
      case PageUse::slab_unreferenced:
        return Kind{"unmovable_slab", ReasonSeverity::now,
                    run.cache < scan_.caches.size() ? scan_.caches[run.cache] : "unknown",
                    refuses_isolation(run.use) ? OfflineStage::isolation : OfflineStage::never_ends};
      case PageUse::page_table:
        return Kind{"unmovable_page_table", ReasonSeverity::now, {}};
      case PageUse::lru_batch:
        return Kind{"unmovable_lru_batch", ReasonSeverity::now, {}};
      case PageUse::other:
        return Kind{"unmovable_other", ReasonSeverity::now, {}};
      case PageUse::poisoned:
        return Kind{"hwpoison", ReasonSeverity::hint, {}};
      case PageUse::offline:
        return Kind{"page_offline", ReasonSeverity::hint, owner_of_offline(at)};
      case PageUse::offline_in_use: {
        // virtio-mem drops its references when it is told that the block goes offline.
        const bool goes = is_virtio_mem(rules_, at) || !rules_.resources;
        return Kind{"page_offline", goes ? ReasonSeverity::hint : ReasonSeverity::now, owner_of_offline(at),
                    OfflineStage::migration};
      }
      default:
        return std::nullopt;
    }
  }

  std::string owner_of_offline(PhysAddr at) const {
    return is_virtio_mem(rules_, at) ? "virtio-mem" : "a balloon or memory device";
  }

  static std::string owners_text(const UseGroup& group) {
    std::string text;
    for (const auto& [name, pages] : group.names) text += (text.empty() ? "" : " and ") + name;
    return text;
  }

  std::string text_of(const Reason& reason, const UseGroup& group) const {
    const std::string pages = pages_text(reason.count);
    const std::string names = names_text(group.names);
    if (reason.code == "unmovable_slab") {
      const std::string never_free =
          group.never_free == reason.count ? "all" : fmt::format("{} of them", group.never_free);
      return fmt::format(
          "{} of slab: {}{}", pages, names,
          group.never_free == 0
              ? ""
              : fmt::format("; {} have no references: isolation does not refuse them, and offlining then "
                            "waits until it is interrupted for them to become free",
                            never_free));
    }
    if (reason.code == "unmovable_lru_batch") {
      return fmt::format(
          "{} of users on no LRU list, most likely in the batch of a CPU: this kernel refuses them until "
          "something drains the batches (5.13 and later do that first)",
          pages);
    }
    if (reason.code == "unmovable_page_table") return fmt::format("{} of page tables", pages);
    if (reason.code == "unmovable_vmalloc")
      return fmt::format("{} mapped by vmalloc ({}modules, large tables, per-CPU data)", pages,
                         rules_.vmalloc->has_stacks ? "kernel stacks, " : "");
    if (reason.code == "unmovable_other") {
      const bool told_apart = rules_.vmalloc && rules_.vmalloc->complete;
      const bool no_stacks = rules_.vmalloc && rules_.vmalloc->has_stacks;
      return fmt::format(
          "{} of unidentified kernel memory: in use, no page type (typically {}{}drivers, network, pipes)",
          pages, told_apart ? "" : "vmalloc, per-CPU data, ", no_stacks ? "" : "kernel stacks, ");
    }
    if (reason.code == "hwpoison") {
      return pages +
             " with a memory failure (PG_hwpoison): they do not prevent offlining, but newer kernels refuse "
             "to "
             "put such a block back online";
    }
    if (reason.code == "page_offline") {
      return fmt::format("{} taken out (PageOffline) by {}, {}", pages, owners_text(group),
                         reason.severity == ReasonSeverity::hint ? "whose driver decides"
                                                                 : "which keeps references to them");
    }
    const char* const whose = group.hot_added ? "reserved by the kernel or a driver (PG_reserved)"
                                              : "of boot memory (PG_reserved) that is never freed";
    if (names.empty())
      return fmt::format("{} {}; what for cannot be told without the resource tree", pages, whose);
    return fmt::format("{} {}: {}", pages, whose, names);
  }

  const MemoryModel& model_;
  const OfflineRules& rules_;
  const PageScan& scan_;
  const std::optional<Error>& unplaced_;
  std::map<std::pair<std::string_view, ReasonSeverity>, UseGroup> groups_;
};

}  // namespace

std::vector<Reason> page_reasons(const MemoryModel& model, const OfflineRules& rules,
                                 const ObjectIndex& objects, const OfflineUnit& unit, const PageScan& scan) {
  Attribution attribution(model, unit, scan);
  for (const ObjectIndex::Entry* entry : objects.in(unit.tested)) attribution.take(*entry);
  std::vector<Reason> reasons = attribution.reasons();
  Uses uses(model, rules, scan, objects.unplaced());
  for (const UseRun& run : scan.runs) {
    if (!is_unmovable(run.use)) {
      uses.take(run, run.pages);
      continue;
    }
    for (const PfnRange& left : attribution.left_of(run)) uses.take(run, left);
  }
  for (Reason& reason : uses.reasons()) reasons.push_back(std::move(reason));
  return reasons;
}

}  // namespace memsect
