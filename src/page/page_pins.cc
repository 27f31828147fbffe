// folio_expected_ref_count() (expected_page_refs() before), which migration holds the references against:
//
//   each mapping by a page table     _mapcount + 1; of a compound page compound_layout.cc has the counts
//   page cache                       1, of a compound page 1 for each of its pages; another one for PG_private
//   swap cache                       the same
//   off its LRU list                 1: whoever took it off, or is about to put it there, holds it; offlining does so itself
//
// FOLL_PIN adds 1024 (GUP_PIN_COUNTING_BIAS) to the references of a single page, and counts in a field of its own for
// compound ones (5.7+). vmsplice and get_user_pages() add 1 for each page, to the head of a compound one.
#include "page/page_pins.h"

#include <algorithm>

namespace memsect {
namespace {

constexpr std::int64_t pin_bias = 1024;
constexpr std::uint64_t largest_counted = std::uint64_t{1}
                                          << 16;  // pages of one whose parts' counts are added up

}  // namespace

PinCounter::PinCounter(const TypeSource& types, const PageLayout& layout)
    : layout_(layout),
      lru_(flag_bit(types, "PG_lru")),
      swapcache_(flag_bit(types, "PG_swapcache")),
      private_(flag_bit(types, "PG_private")) {}

/// All references but those of page tables.
std::int64_t PinCounter::holders_of(Bytes head, std::uint64_t pages) const {
  const std::uint64_t flags = layout_.flags.get(head);
  const bool isolated = (flags & lru_) == 0;
  std::int64_t cache = 0;
  if (layout_.mapping_of(head) == PageMapping::file) {
    cache = static_cast<std::int64_t>(pages) + ((flags & private_) != 0 ? 1 : 0);
  } else if ((flags & swapcache_) != 0) {
    cache = static_cast<std::int64_t>(pages);
  }
  return cache + (isolated ? 1 : 0);
}

PagePins PinCounter::of_single(Bytes page) const {
  if (!layout_.mapcount || !layout_.is_users(page)) return PagePins::none;
  const std::int64_t stored = layout_.mapcount->get_signed(page);
  if (stored < -1) return PagePins::none;  // a page type
  const std::int64_t unexplained = layout_.refcount.get_signed(page) - (stored + 1) - holders_of(page, 1);
  if (unexplained <= 0) return PagePins::none;
  return unexplained >= pin_bias ? PagePins::foll_pin : PagePins::references;
}

/// How often page tables map parts of the page, up to `most`; nothing where a part's count cannot be had.
std::optional<std::int64_t> PinCounter::parts_mapped(const AddressSpace& space, PageWindow& window,
                                                     VirtAddr head, std::uint64_t pages,
                                                     std::int64_t most) const {
  std::int64_t mapped = 0;
  for (std::uint64_t i = 0; i < pages && mapped < most; ++i) {
    const auto part = window.get(space, head + i * layout_.bytes, layout_.bytes);
    if (!part) return std::nullopt;
    mapped += std::max<std::int64_t>(layout_.mapcount->get_signed(*part) + 1, 0);
  }
  return mapped;
}

bool PinCounter::has_unexplained(const AddressSpace& space, PageWindow& window, VirtAddr head,
                                 std::uint64_t pages) const {
  const CompoundLayout& compound = layout_.compound;
  const auto& counted = compound.large_mapcount ? compound.large_mapcount : compound.entire_mapcount;
  if (!counted || !layout_.mapcount || pages > largest_counted) return false;
  const auto bytes = window.get(space, head, std::max(layout_.bytes, compound.bytes));
  if (!bytes || !layout_.is_users(*bytes)) return false;
  const std::int64_t mapped = counted->get_signed(*bytes) + 1;
  if (mapped < 0) return false;
  const std::int64_t left = layout_.refcount.get_signed(*bytes) - mapped - holders_of(*bytes, pages);
  if (left <= 0) return false;
  if (compound.large_mapcount) return true;
  std::int64_t too_many = 0;  // that the parts count
  const auto count = static_cast<std::int64_t>(pages);
  if (compound.double_map_flags && layout_.mapping_of(*bytes) == PageMapping::file) {
    too_many = mapped * count;
  } else if (compound.double_map_flags &&
             (compound.double_map_flags->get(*bytes) & compound.double_map_flag) != 0) {
    too_many = count;
  }
  const auto parts = parts_mapped(space, window, head, pages, left + too_many);
  return parts && *parts - too_many < left;
}

PagePins PinCounter::of_compound(const AddressSpace& space, PageWindow& window, VirtAddr head,
                                 std::uint64_t pages, bool hugetlb) const {
  const auto& pincount = layout_.compound.pincount;
  // The smallest have no room for the count in some kernels.
  if (pincount && pincount->end() <= pages * layout_.bytes) {
    const auto bytes = window.get(space, head, pincount->end());
    if (bytes && pincount->get_signed(*bytes) > 0) return PagePins::foll_pin;
  }
  if (hugetlb || pages < 2) return PagePins::none;
  return has_unexplained(space, window, head, pages) ? PagePins::references : PagePins::none;
}

}  // namespace memsect
