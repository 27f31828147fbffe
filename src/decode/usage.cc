// The usemap through the releases (include/linux/pageblock-flags.h):
//
//   < 3.16     3 or 4 bits a block, lowest block in the lowest bits
//   3.16-5.8   4 bits a block, *highest* nibble first: the getter shifts right by BITS_PER_LONG - bitidx - end - 1, so
//              block k of a word has its type in the top three bits of the nibble that ends at bit 63-4k, skip in its
//              lowest. Made by e58469bafd05, undone by 535b81e20993 ("mm/page_alloc.c: remove unnecessary end_bitidx
//              for [set|get]_pfnblock_flags_mask") (v5.9), which also took the fourth parameter off
//              get_pfnblock_flags_mask(): the one trace that the change left in the types
//   5.9-6.16   4 bits a block, lowest first: type in bits 0-2, skip in bit 3; an isolated block has type ISOLATE
//   6.17+      5 bits, rounded up to 8 with MEMORY_ISOLATION: bit 4 is isolation, and bits 0-2 keep the real type
#include "decode/usage.h"

#include <algorithm>
#include <bit>

namespace memsect {
namespace {

constexpr std::uint64_t type_mask = 7;

std::optional<unsigned> bit_of(const TypeSource& types, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto bit = types.find_enumerator("pageblock_bits", name); bit && *bit >= 0 && *bit < 8) {
      return static_cast<unsigned>(*bit);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<unsigned> find_pageblock_bits(const TypeSource& types) {
  auto bits = types.find_enumerator("pageblock_bits", "NR_PAGEBLOCK_BITS");
  if (!bits) {
    // Linux 6.17: NR_PAGEBLOCK_BITS became a macro, the enumerator rounded up to a power of two.
    bits = types.find_enumerator("pageblock_bits", "__NR_PAGEBLOCK_BITS");
    if (bits && *bits > 0)
      *bits = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(*bits)));
  }
  if (!bits) return std::move(bits).error();
  if (*bits < 3 || *bits > 8) return Error{Errc::corrupt, "enum pageblock_bits makes no sense", {}};
  return static_cast<unsigned>(*bits);
}

Result<UsemapLayout> find_usemap_layout(const TypeSource& types, const MemoryGeometry& geometry,
                                        ByteOrder order) {
  auto bits = find_pageblock_bits(types);
  if (!bits) return std::move(bits).error();
  UsemapLayout layout;
  layout.order = order;
  layout.word_bits = geometry.word_bits();
  layout.bits_per_block = *bits;
  layout.skip_bit = bit_of(types, {"PB_compact_skip", "PB_migrate_skip"});
  layout.isolate_bit = bit_of(types, {"PB_migrate_isolate"});
  if (const auto type = types.find_enumerator("migratetype", "MIGRATE_ISOLATE"); type && *type >= 0) {
    layout.isolate_type = static_cast<unsigned>(*type);
  }
  const auto parameters = types.parameter_count("get_pfnblock_flags_mask");
  // The getter of those releases relies on blocks that do not straddle words.
  layout.high_bits_first = parameters && *parameters == 4 && layout.word_bits % layout.bits_per_block == 0;
  return layout;
}

std::uint64_t usemap_size(const MemoryGeometry& geometry, unsigned pageblock_order, unsigned pageblock_bits) {
  const std::uint64_t bits = (geometry.pages_per_section() >> pageblock_order) * pageblock_bits;
  return (bits + geometry.word_bits() - 1) / geometry.word_bits() * geometry.word_size;
}

Pageblock UsemapLayout::decode(Bytes bytes, std::uint64_t index) const {
  const std::uint64_t first_bit = index * bits_per_block;
  const std::uint64_t word_bytes = word_bits / 8;
  const auto word_at = [&](std::uint64_t bit) {
    return load_unsigned(bytes.subspan(bit / word_bits * word_bytes, word_bytes), order);
  };
  std::uint64_t stored = 0;
  if (high_bits_first) {
    const std::uint64_t shift = word_bits - first_bit % word_bits - bits_per_block;
    const std::uint64_t nibble = word_at(first_bit) >> shift;
    stored = (nibble >> 1 & type_mask) | (nibble & 1) << 3;  // into the order of 5.9
  } else {
    const std::uint64_t within = first_bit % word_bits;
    stored = word_at(first_bit) >> within;
    // with 3 bits a block (before 3.7) one may straddle two words
    const std::uint64_t in_first = word_bits - within;
    if (in_first < bits_per_block) stored |= word_at(first_bit + in_first) << in_first;
    stored &= (std::uint64_t{1} << bits_per_block) - 1;
  }
  Pageblock block;
  block.migratetype = static_cast<std::uint8_t>(stored & type_mask);
  block.skip = skip_bit && (stored >> *skip_bit & 1) != 0;
  block.isolated = isolate_bit && (stored >> *isolate_bit & 1) != 0;
  const auto bit = [](const std::optional<unsigned>& at) { return at ? std::uint64_t{1} << *at : 0; };
  block.stray =
      (stored & ~(type_mask | bit(skip_bit) | bit(isolate_bit))) != 0 ||
      (isolate_bit && isolate_type && block.migratetype == *isolate_type);  // never stored from 6.17 on
  if (block.isolated && isolate_type) block.migratetype = static_cast<std::uint8_t>(*isolate_type);
  if (!isolate_bit && isolate_type && block.migratetype == *isolate_type) block.isolated = true;
  return block;
}

}  // namespace memsect
