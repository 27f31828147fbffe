// References of pages that nothing visible explains: someone holds on to the page, and it cannot be moved.
#pragma once

#include <cstdint>

#include "memory/address_space.h"
#include "page/page_layout.h"
#include "page/page_window.h"

namespace memsect {

enum class PagePins {
  none,
  references,  ///< more references than mappings and caches explain
  foll_pin,    ///< by the bias or the count of FOLL_PIN
};

class PinCounter {
 public:
  PinCounter() = default;
  PinCounter(const TypeSource& types, const PageLayout& layout);

  /// Of a page that is not compound, of a user. `page`: its struct page.
  PagePins of_single(Bytes page) const;
  /// Of a compound page of so many pages. `window`: where its struct pages are, most likely.
  PagePins of_compound(const AddressSpace& space, PageWindow& window, VirtAddr head, std::uint64_t pages,
                       bool hugetlb) const;

 private:
  std::int64_t holders_of(Bytes head, std::uint64_t pages) const;
  std::optional<std::int64_t> parts_mapped(const AddressSpace& space, PageWindow& window, VirtAddr head,
                                           std::uint64_t pages, std::int64_t most) const;
  bool has_unexplained(const AddressSpace& space, PageWindow& window, VirtAddr head,
                       std::uint64_t pages) const;

  PageLayout layout_;
  std::uint64_t lru_ = 0, swapcache_ = 0, private_ = 0;
};

}  // namespace memsect
