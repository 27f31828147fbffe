// Where a compound page keeps its order, its pins, and the mark of hugetlb.
#pragma once

#include <cstdint>
#include <optional>

#include "base/position.h"
#include "types/type_source.h"

namespace memsect {

/// Offsets count from the head's struct page and reach into the ones behind it: `end()` of them is at most twice the
/// size of a struct page, of pincount three times.
struct CompoundLayout {
  std::optional<Field> order;   ///< nothing where this kernel's place for it is not known
  bool order_in_flags = false;  ///< it is the lowest byte of the second page's flags (6.6+)
  // Before 6.9, where it became a page_type:
  std::optional<Field> hugetlb_dtor;  ///< equal to hugetlb_dtor_value, or
  std::uint64_t hugetlb_dtor_value = 0;
  std::optional<Field> hugetlb_flags;  ///< with hugetlb_flag set
  std::uint64_t hugetlb_flag = 0;

  std::uint64_t bytes = 0;  ///< how many bytes from the head on the members above need

  /// How often FOLL_PIN holds it (5.7+). Pages that are not compound count it in their references.
  std::optional<Field> pincount;

  // How often page tables map it or its parts, less one:
  std::optional<Field> large_mapcount;   ///< both added up (6.10+)
  std::optional<Field> entire_mapcount;  ///< as a whole; the parts' own counts are in their struct pages
  /// The flags of the second page have double_map_flag when the parts' counts are one too high (to 6.1); files' parts count
  /// mappings of the whole as well then.
  std::optional<Field> double_map_flags;
  std::uint64_t double_map_flag = 0;

  /// Whether the compound page is one of hugetlb by these marks. `head`: `bytes` bytes of it.
  bool is_hugetlb(Bytes head) const;
};

/// The layout by the kernel's types; see the table in compound_layout.cc. `free_huge_page`: where that function is, by which
/// kernels before 4.4 know pages of hugetlb.
CompoundLayout find_compound_layout(const TypeSource& types, std::optional<VirtAddr> free_huge_page = {});

}  // namespace memsect
