// The layout of struct mem_section_usage and of the usemap in it, as this kernel has them.
//
//   5.3+    mem_section.usage -> { [rcu] [subsection_map[]] pageblock_flags[] }
//   <= 5.2  mem_section.pageblock_flags -> the usemap itself
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_order.h"
#include "base/result.h"
#include "base/view.h"
#include "model/geometry.h"
#include "model/section.h"
#include "types/type_source.h"

namespace memsect {

/// How pageblocks are stored in the words of the usemap.
struct UsemapLayout {
  unsigned bits_per_block = 0;
  unsigned word_bits = 64;       ///< of the kernel's unsigned long
  bool high_bits_first = false;  ///< 3.16-5.8: blocks fill a word from its top
  std::optional<unsigned> skip_bit;
  std::optional<unsigned> isolate_bit;   ///< 6.17+: isolation is a bit of its own, the type is kept below it
  std::optional<unsigned> isolate_type;  ///< the value of MIGRATE_ISOLATE
  ByteOrder order = ByteOrder::little;

  /// Block `index` of the usemap in `bytes`, which must hold it.
  Pageblock decode(Bytes bytes, std::uint64_t index) const;
};

/// Bits stored per pageblock (NR_PAGEBLOCK_BITS), from enum pageblock_bits; `no_type` where the enum is not
/// known.
Result<unsigned> find_pageblock_bits(const TypeSource& types);
/// The whole layout.
Result<UsemapLayout> find_usemap_layout(const TypeSource& types, const MemoryGeometry& geometry,
                                        ByteOrder order);
/// Bytes of the usemap of one section: whole unsigned longs (usemap_size() in mm/sparse.c).
std::uint64_t usemap_size(const MemoryGeometry& geometry, unsigned pageblock_order, unsigned pageblock_bits);

}  // namespace memsect
