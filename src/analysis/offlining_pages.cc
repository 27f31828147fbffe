// The kernel stops at the first unmovable page and prints it; which object it belongs to, it does not say. Here every
// unmovable page is held against the objects of the memory model. A page that one of them touches is explained by it:
//
//   runs of the scan     ....RRRRRRRR........SS....P......
//   objects              ....|usages|........|u|..........
//   left over            ............................ P       a page table
#include "analysis/offlining_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "analysis/words.h"
#include "base/range_set.h"

namespace memsect {
namespace {

constexpr std::size_t most_examples = 8;
constexpr std::size_t most_names = 5;

struct KindWords {
  std::string_view kind, code, words;
};
constexpr std::array<KindWords, 12> kinds{
    {{"usage", "holds_usage", "the mem_section_usage (pageblock and subsection maps)"},
     {"memmap", "holds_memmap", "the struct pages (memmap)"},
     {"pgdat", "holds_pgdat", "the pgdat"},
     {"section_root", "holds_section_root", "the section root (struct mem_section)"},
     {"section_root_table", "holds_section_root_table", "the table of section roots"},
     {"memory_block", "holds_memory_block", "the struct memory_block"},
     {"page_ext", "holds_page_ext", "the page_ext table"},
     {"vmemmap_table", "holds_vmemmap_table", "page tables of the struct pages"},
     {"vmemmap_tail", "holds_memmap", "the struct pages that huge pages share"},
     {"direct_map_table", "holds_direct_map_table", "page tables of the direct map"},
     {"kasan_shadow", "holds_kasan_shadow", "the KASAN shadow"},
     {"dev_pagemap", "holds_dev_pagemap", "the dev_pagemap"}}};

const KindWords& words_of(std::string_view kind) {
  const auto* const found =
      std::find_if(kinds.begin(), kinds.end(), [&](const KindWords& words) { return words.kind == kind; });
  return found != kinds.end() ? *found : kinds.front();
}

/// All objects of one kind that are in the way.
struct ObjectGroup {
  bool permanent = false;
  bool serves_others = false;
  bool reserved = false;
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
  void take(const PlacedObject& object) {
    const PhysRange pages = clipped_pages(object.place);
    bool blocks = object.permanent && scan_.not_read > 0;
    bool reserved = false;
    for (const UseRun& run : runs_in(pages)) {
      if (!is_unmovable(run.use)) continue;
      blocks = true;
      reserved = reserved || run.use == PageUse::reserved;
    }
    if (!blocks) return;
    explained_.add(pages);
    ObjectGroup& group = groups_[object.kind];
    group.permanent = group.permanent || object.permanent;
    group.reserved = group.reserved || reserved;
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

  std::vector<UseRun> runs_in(PhysRange place) const {
    const Pfn first = model_.geometry.phys_to_pfn(place.start),
              end = model_.geometry.phys_to_pfn(place.end());
    auto run = std::lower_bound(scan_.runs.begin(), scan_.runs.end(), first,
                                [](const UseRun& a, Pfn wanted) { return a.pages.end() <= wanted; });
    std::vector<UseRun> found;
    for (; run != scan_.runs.end() && run->pages.start < end; ++run) found.push_back(*run);
    return found;
  }

  void note_subjects(const PlacedObject& object, ObjectGroup& group) const {
    if (object.sections == 0) {
      group.nodes.push_back(NodeId{static_cast<int>(object.first_of)});
      return;
    }
    auto section =
        std::lower_bound(model_.sections.begin(), model_.sections.end(), object.first_of,
                         [](const Section& a, std::uint64_t wanted) { return a.nr.raw() < wanted; });
    for (; section != model_.sections.end() && section->nr.raw() - object.first_of < object.sections;
         ++section) {
      group.sections.push_back(section->nr);
      const bool inside = unit_.range.contains(model_.geometry.section_range(section->nr).start);
      group.serves_others = group.serves_others || !inside;
    }
  }

  Reason reason_of(std::string_view kind, ObjectGroup group) const {
    const auto tidy = [](auto& numbers) {
      std::sort(numbers.begin(), numbers.end());
      numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    };
    tidy(group.sections);
    tidy(group.nodes);
    tidy(group.objects);
    const KindWords& words = words_of(kind);
    Reason reason;
    reason.code = words.code;
    // Boot memory that serves this very memory alone: freed only once it is gone, which waits for it.
    const bool own = !group.serves_others && group.nodes.empty() && group.reserved;
    reason.severity = group.permanent || own ? ReasonSeverity::permanent : ReasonSeverity::now;
    std::string of = group.nodes.empty() ? sections_text(group.sections) : nodes_text(group.nodes);
    if (own && !group.permanent) of = "its own " + sections_text(group.sections);
    const char* const until = group.permanent  ? "which this kernel never frees"
                              : own            ? "boot memory that is freed only with it"
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
  std::map<std::string_view, ObjectGroup> groups_;
};

/// Pages of one use, and under which names they go.
struct UseGroup {
  Reason reason;
  std::map<std::string, std::uint64_t> names;  ///< slab caches, resources: pages of each
  std::optional<Pfn> last_pageblock;           ///< pages come in order
};

void count_pages(const MemoryModel& model, UseGroup& group, PfnRange pages) {
  Reason& reason = group.reason;
  if (reason.count == 0) reason.section = model.geometry.pfn_to_section_nr(pages.start);
  reason.count += pages.size;
  for (std::uint64_t i = 0; i < pages.size && reason.first_pages.size() < most_examples; ++i)
    reason.first_pages.push_back(pages.start + i);
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

/// Where reserved memory lies by the resource tree: "Kernel code", "Crash kernel", "System RAM".
std::string resource_at(const OfflineRules& rules, PhysAddr at) {
  if (!rules.resources) return "System RAM";
  const Resource* resource = innermost_resource(*rules.resources, at);
  return resource == nullptr || resource->name.empty() ? "no resource" : resource->name;
}

bool is_virtio_mem(const OfflineRules& rules, PhysAddr at) {
  return resource_at(rules, at) == "System RAM (virtio_mem)";
}

class Uses {
 public:
  Uses(const MemoryModel& model, const OfflineRules& rules, const PageScan& scan)
      : model_(model), rules_(rules), scan_(scan) {}

  void take(const UseRun& run, PfnRange pages) {
    std::string name;
    const PhysAddr at = model_.geometry.pfn_to_phys(pages.start);
    std::string_view code;
    switch (run.use) {
      case PageUse::reserved:
        name = resource_at(rules_, at);
        code = name == "Crash kernel" ? "crashkernel" : "unmovable_reserved";
        break;
      case PageUse::slab:
        name = run.cache < scan_.caches.size() ? scan_.caches[run.cache] : "unknown";
        code = "unmovable_slab";
        break;
      case PageUse::page_table:
        code = "unmovable_page_table";
        break;
      case PageUse::other:
        code = "unmovable_other";
        break;
      case PageUse::poisoned:
        code = "hwpoison";
        break;
      case PageUse::offline:
      case PageUse::offline_in_use:
        name = is_virtio_mem(rules_, at) ? "virtio-mem" : "a balloon or memory device";
        // virtio-mem drops its references when it is told that the block goes offline.
        code = run.use == PageUse::offline || name == "virtio-mem" || !rules_.resources
                   ? "page_offline"
                   : "page_offline_in_use";
        break;
      default:
        return;
    }
    UseGroup& group = groups_[code];
    count_pages(model_, group, pages);
    if (!name.empty()) group.names[name] += pages.size;
  }

  std::vector<Reason> reasons() const {
    std::vector<Reason> reasons;
    for (const auto& [code, group] : groups_) {
      Reason reason = group.reason;
      describe(code, group, reason);
      reasons.push_back(std::move(reason));
    }
    return reasons;
  }

 private:
  static std::string by_text(const UseGroup& group) {
    std::string text;
    for (const auto& [name, pages] : group.names) text += (text.empty() ? "" : " and ") + name;
    return text;
  }

  static void describe(std::string_view code, const UseGroup& group, Reason& reason) {
    const std::string pages = pages_text(reason.count);
    const std::string names = names_text(group.names);
    reason.code = code;
    reason.severity = ReasonSeverity::now;
    if (code == "unmovable_reserved" || code == "crashkernel") {
      reason.severity = ReasonSeverity::permanent;
      reason.text = fmt::format("{} of boot memory (PG_reserved) that nobody gives back: {}", pages, names);
    } else if (code == "unmovable_slab") {
      reason.text = fmt::format("{} of slab: {}", pages, names);
    } else if (code == "unmovable_page_table") {
      reason.text = fmt::format("{} of page tables", pages);
    } else if (code == "unmovable_other") {
      reason.text = fmt::format(
          "{} of other kernel memory: in use, and no mark says for what (vmalloc, kernel stacks, per-CPU "
          "data, "
          "drivers)",
          pages);
    } else if (code == "hwpoison") {
      reason.severity = ReasonSeverity::hint;
      reason.text = fmt::format(
          "{} with a memory failure (PG_hwpoison): no hindrance, but the block cannot come "
          "back online",
          pages);
    } else if (code == "page_offline") {
      reason.severity = ReasonSeverity::hint;
      reason.text =
          fmt::format("{} taken out (PageOffline) by {}, whose driver decides", pages, by_text(group));
    } else {
      reason.code = "page_offline";
      reason.text = fmt::format("{} taken out (PageOffline) by {}, which keeps references to them", pages,
                                by_text(group));
    }
  }

  const MemoryModel& model_;
  const OfflineRules& rules_;
  const PageScan& scan_;
  std::map<std::string_view, UseGroup> groups_;
};

void add_pins(const MemoryModel& model, const PageScan& scan, std::vector<Reason>& reasons) {
  if (scan.pinned.pages == 0) return;
  const bool long_term = scan.long_term.pages > 0;
  Reason reason;
  reason.code = "maybe_gup_pinned";
  reason.severity = ReasonSeverity::hint;
  reason.count = scan.pinned.pages;
  reason.first_pages = long_term ? scan.long_term.first : scan.pinned.first;
  reason.section = model.geometry.pfn_to_section_nr(reason.first_pages.front());
  reason.text = fmt::format(
      "{} of users with more references than mappings explain{}: if something holds on to them (DMA, RDMA, "
      "vmsplice), "
      "offlining tries to move them for ever and does not fail",
      pages_text(scan.pinned.pages),
      long_term ? fmt::format(", {} of them as long-term pins have", scan.long_term.pages) : "");
  reasons.push_back(std::move(reason));
}

}  // namespace

std::vector<Reason> page_reasons(const MemoryModel& model, const OfflineRules& rules,
                                 const ObjectIndex& objects, const OfflineUnit& unit, const PageScan& scan) {
  Attribution attribution(model, unit, scan);
  for (const PlacedObject* object : objects.in(unit.tested)) attribution.take(*object);
  std::vector<Reason> reasons = attribution.reasons();
  Uses uses(model, rules, scan);
  for (const UseRun& run : scan.runs) {
    if (!is_unmovable(run.use)) {
      uses.take(run, run.pages);
      continue;
    }
    for (const PfnRange& left : attribution.left_of(run)) uses.take(run, left);
  }
  for (Reason& reason : uses.reasons()) reasons.push_back(std::move(reason));
  add_pins(model, scan, reasons);
  return reasons;
}

}  // namespace memsect
