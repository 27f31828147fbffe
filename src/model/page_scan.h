// What a scan of struct pages finds in the way of offlining; page_scanner.h makes it. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// What a page is in use for, as far as its struct page tells. The last ones, from
/// `reserved` on, cannot be moved.
enum class PageUse {
  free,            ///< in the page allocator, its per-CPU lists included
  movable,         ///< on an LRU list or about to be, hugetlb, or with movable operations of its own
  poisoned,        ///< PG_hwpoison
  offline,         ///< PageOffline: taken by a balloon or a memory device, which decides
  offline_in_use,  ///< the same with references left: refused later on, unless its driver drops them
  device,          ///< ZONE_DEVICE
  reserved,        ///< PG_reserved
  slab,
  page_table,
  lru_batch,  ///< of a user, on no LRU list: in a per-CPU batch, which kernels before 5.13 do not drain first
  other,      ///< in use, and nothing says by whom
  /// A slab page without references (7.0+). Isolation passes over it as if it were free; the page never becomes free.
  slab_unreferenced,
};
std::string_view page_use_name(PageUse use);
/// Whether pages of that use cannot be moved out of the way.
constexpr bool is_unmovable(PageUse use) { return use >= PageUse::reserved; }
/// Whether they make isolation refuse their pageblock, at once. Of the others offlining waits that they become free.
constexpr bool refuses_isolation(PageUse use) {
  return is_unmovable(use) && use != PageUse::slab_unreferenced;
}

/// Neighbouring pages of one use.
struct UseRun {
  PfnRange pages;
  PageUse use = PageUse::other;
  std::uint32_t cache = 0;  ///< slab: index into PageScan::caches
};

/// Pages that someone holds on to (get_user_pages, vmsplice): with more references than their mappings explain, or of a
/// compound page with a count of pins, which then counts as a whole.
struct PinnedPages {
  std::uint64_t pages = 0;
  std::vector<Pfn> first;  ///< the first few
};

/// A huge page of hugetlb, of which at least a part lies in the pages that were looked at.
struct HugePage {
  Pfn first;
  unsigned order = 0;
  bool in_use = false;  ///< with references; else it is in its pool
};

/// Pages on their way to a disk (PG_writeback): migration waits for each of them, however long that takes.
struct WritebackPages {
  std::uint64_t pages = 0;
  std::vector<Pfn> first;                          ///< the first few
  std::map<std::string, std::uint64_t> by_device;  ///< pages of each device or file system that could be told
};

struct PageScan {
  std::uint64_t pages = 0;  ///< that were looked at or tried
  std::uint64_t free = 0, movable = 0;
  std::uint64_t corrupt = 0;          ///< struct pages that make no sense: heads outside, wild orders
  std::uint64_t not_read = 0;         ///< pages whose struct page could not be had
  std::optional<Error> why_not_read;  ///< the first reason
  std::vector<UseRun> runs;           ///< all but free and movable ones, ascending
  std::vector<std::string> caches;    ///< names of slab caches
  std::optional<Error> cache_lost;    ///< why the first of them could not be read that is "unknown"
  PinnedPages pinned;                 ///< a hint: pins do not refuse, they keep migration failing
  PinnedPages foll_pin;               ///< those of them with the bias or the count of FOLL_PIN
  WritebackPages writeback;           ///< a hint as well
  std::vector<HugePage> huge_pages;   ///< ascending, each once
  std::vector<NodeId> nodes;          ///< that the pages claim, each once
  std::vector<unsigned> zones;        ///< the same: enum zone_type
  /// A huge page reaches beyond the end of the range: its first page. Kernels of 5.19 to 6.9 refuse then.
  std::optional<Pfn> straddling_hugetlb;
};

}  // namespace memsect
