// Notifiers that refuse by a rule (EPERM), and the pools of huge pages (EBUSY, when all else is done):
//
//   arm64   prevent_bootmem_remove_notifier     early sections; where a mapping would be cut (../offlining/cut_mappings.cc)
//   s390    kdump_mem_notifier                  blocks that begin below the size of the crash kernel
//   hugetlb isolate_single_pageblock()          a huge page that reaches over the end, 5.19 to 6.9: at isolation already
//           dissolve_free_huge_page()           each free huge page in the range, in order, while more are free than are
//                                               reserved: the next one refuses
//
// A huge page in use is moved to a free one elsewhere first, and is then free itself: it takes the place of that one.
#include "analysis/offlining_refusals.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace memsect {
namespace {

constexpr std::size_t most_examples = 8;

void add_not_read(std::string text, std::vector<Reason>& reasons) {
  reasons.push_back(make_reason("not_read", ReasonSeverity::hint, std::move(text)));
}

/// The edge of the unit at which a mapping would be cut, or that could not be looked at.
const MappingEdge* edge_at(const OfflineRules& rules, PhysAddr at) {
  const auto edge = std::lower_bound(rules.cut_mappings.begin(), rules.cut_mappings.end(), at,
                                     [](const MappingEdge& one, PhysAddr wanted) { return one.at < wanted; });
  return edge != rules.cut_mappings.end() && edge->at == at ? &*edge : nullptr;
}

/// One of the two mappings that are asked. Whether it decides.
bool add_cut_mapping(const OfflineRules& rules, const OfflineUnit& unit,
                     Result<std::uint64_t> MappingEdge::*mapping, std::string_view code, std::string_view of,
                     std::string_view of_kernel, std::vector<Reason>& reasons) {
  for (const PhysAddr at : {unit.tested.start, unit.tested.end()}) {
    const MappingEdge* const edge = edge_at(rules, at);
    if (edge == nullptr) continue;
    const Result<std::uint64_t>& bytes = edge->*mapping;
    if (!bytes) {
      add_not_read(fmt::format("whether a mapping of {} would be cut at {:#x} cannot be told: {}", of,
                               at.raw(), bytes.error().message),
                   reasons);
      return true;
    }
    if (*bytes == 0) continue;
    reasons.push_back(make_reason(
        code, ReasonSeverity::permanent,
        fmt::format("at {:#x} it shares a mapping of {} with other memory, {} in one page table entry or "
                    "contiguous ones, which arm64 does not split: a notifier refuses with EPERM (\"splits a "
                    "leaf entry in {}\")",
                    at.raw(), of, human_size(*bytes), of_kernel),
        OfflineStage::notifiers));
    return true;
  }
  return false;
}

void add_notifiers(const OfflineRules& rules, const OfflineUnit& unit, std::vector<Reason>& reasons) {
  if (rules.early_memory_stays && is_early(unit)) {
    reasons.push_back(make_reason("early_boot_memory_arch_veto", ReasonSeverity::permanent,
                                  "arm64 keeps the memory it was booted with: a notifier refuses with EPERM",
                                  OfflineStage::notifiers));
  } else if (!add_cut_mapping(rules, unit, &MappingEdge::direct_map, "direct_map_shared_mapping",
                              "the direct map", "linear map", reasons)) {
    add_cut_mapping(rules, unit, &MappingEdge::memmap, "memmap_shared_mapping", "the struct pages", "vmemmap",
                    reasons);
  }
  if (rules.keeps_below > 0 && unit.tested.start.raw() < rules.keeps_below) {
    reasons.push_back(
        make_reason("crashkernel", ReasonSeverity::permanent,
                    fmt::format("it begins below {:#x}, where s390 swaps the crash kernel in: a "
                                "notifier refuses with EPERM",
                                rules.keeps_below),
                    OfflineStage::notifiers));
  }
}

void add_straddling(const MemoryModel& model, const OfflineRules& rules, const PageScan& scan,
                    std::vector<Reason>& reasons) {
  if (!rules.refuses_straddling_hugetlb || !scan.straddling_hugetlb) return;
  Reason reason =
      make_reason("unmovable_hugetlb", ReasonSeverity::now,
                  "a huge page of hugetlb reaches beyond its end, which this kernel cannot isolate");
  reason.count = 1;
  reason.first_pages.push_back(*scan.straddling_hugetlb);
  reason.section = model.geometry.pfn_to_section_nr(*scan.straddling_hugetlb);
  reasons.push_back(std::move(reason));
}

/// dissolve_free_huge_page() of each free page of a pool.
void add_reserved(const MemoryModel& model, const PoolPages& pages, std::vector<Reason>& reasons) {
  const std::string size = human_size(model.geometry.page_size() << pages.order);
  const HugePool& pool = *pages.pool;
  const std::uint64_t inside = pages.free.size(), available = pool.available();
  const std::uint64_t elsewhere = pool.free > inside ? pool.free - inside : 0;
  const std::uint64_t moved = available == 0 ? 0 : std::min<std::uint64_t>(pages.in_use.size(), elsewhere);
  const bool refused = inside > available;
  if (!refused && (moved == 0 || inside + moved <= available)) return;
  const std::string of_pool = fmt::format(
      "of the {} free huge pages of {} in the machine {} are reserved by "
      "mappings that have not touched them yet",
      pool.free, size, pool.reserved);
  Reason reason = make_reason("hugetlb_reserved", refused ? ReasonSeverity::now : ReasonSeverity::hint, {},
                              OfflineStage::migration);
  const char* const lie = inside == 1 ? "lies" : "lie";
  const char* const plural = inside == 1 ? "" : "s";
  if (refused) {
    reason.text = fmt::format(
        "{} free huge page{} of {} {} in it, and {}: the kernel can give up {} of them, and answers "
        "EBUSY (\"failure to dissolve huge pages\")",
        inside, plural, size, lie, of_pool,
        available == 0 ? std::string("none") : fmt::format("only {}", available));
  } else {
    reason.text = fmt::format(
        "{} free huge page{} of {} {} in it and {} in use, which have to move, and {}: the kernel may "
        "not be able to give up all of them, and answers EBUSY then",
        inside, plural, size, lie, pages.in_use.size(), of_pool);
  }
  reason.count = inside;
  for (std::uint64_t i = refused ? available : 0; i < inside && reason.first_pages.size() < most_examples;
       ++i)
    reason.first_pages.push_back(pages.free[i]);
  if (!reason.first_pages.empty())
    reason.section = model.geometry.pfn_to_section_nr(reason.first_pages.front());
  reasons.push_back(std::move(reason));
}

void add_pools(const MemoryModel& model, const OfflineRules& rules, const PageScan& scan,
               std::vector<Reason>& reasons) {
  for (const PoolPages& pages : pool_pages_in(rules, scan)) {
    if (pages.free.empty()) continue;
    if (pages.pool != nullptr) {
      add_reserved(model, pages, reasons);
    } else {
      add_not_read(
          fmt::format(
              "whether its {} free huge pages are reserved cannot be told: {}", pages.free.size(),
              rules.huge_pools ? "no pool has pages of their size" : rules.huge_pools.error().message),
          reasons);
    }
  }
}

}  // namespace

std::vector<PoolPages> pool_pages_in(const OfflineRules& rules, const PageScan& scan) {
  std::vector<PoolPages> all;
  for (const HugePage& page : scan.huge_pages) {
    auto pages = std::find_if(all.begin(), all.end(),
                              [&page](const PoolPages& known) { return known.order == page.order; });
    if (pages == all.end()) {
      pages = all.insert(all.end(), PoolPages{nullptr, page.order, {}, {}});
      for (std::size_t i = 0; rules.huge_pools && i < rules.huge_pools->size(); ++i) {
        if ((*rules.huge_pools)[i].order == page.order) pages->pool = &(*rules.huge_pools)[i];
      }
    }
    (page.in_use ? pages->in_use : pages->free).push_back(page.first);
  }
  return all;
}

void add_refusals(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit,
                  const PageScan& scan, std::vector<Reason>& reasons) {
  add_notifiers(rules, unit, reasons);
  add_straddling(model, rules, scan, reasons);
  add_pools(model, rules, scan, reasons);
}

}  // namespace memsect
