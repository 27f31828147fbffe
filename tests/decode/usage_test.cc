#include "decode/usage.h"

#include <gtest/gtest.h>

#include "support/fake_types.h"

namespace memsect {
namespace {

using test::FakeTypes;

std::vector<std::byte> words(std::initializer_list<std::uint64_t> values,
                             ByteOrder order = ByteOrder::little) {
  std::vector<std::byte> bytes;
  for (const std::uint64_t value : values) {
    for (unsigned i = 0; i < 8; ++i) {
      bytes.push_back(static_cast<std::byte>(value >> 8 * (order == ByteOrder::little ? i : 7 - i)));
    }
  }
  return bytes;
}

/// enum pageblock_bits and the migrate types as most kernels have them.
FakeTypes types_of(std::initializer_list<std::pair<const char*, std::int64_t>> bits, std::int64_t isolate) {
  FakeTypes types;
  for (const auto& [name, value] : bits) types.enumerators[{"pageblock_bits", name}] = value;
  types.enumerators[{"migratetype", "MIGRATE_ISOLATE"}] = isolate;
  return types;
}

UsemapLayout layout_of(const FakeTypes& types, ByteOrder order = ByteOrder::little, unsigned word_size = 8) {
  MemoryGeometry geometry;
  geometry.word_size = word_size;
  auto layout = find_usemap_layout(types, geometry, order);
  EXPECT_TRUE(layout) << layout.error().message;
  return *layout;
}

TEST(UsemapLayout, OfFourBitsHasTypeBelowAndSkipOnTop) {  // 5.9 to 6.16
  const auto layout = layout_of(types_of({{"PB_migrate_skip", 3}, {"NR_PAGEBLOCK_BITS", 4}}, 5));
  const auto usemap = words({0x000000000000095a, 0x3});
  EXPECT_EQ(layout.decode(usemap, 0).migratetype, 2);  // 0xa: type 2 and skip
  EXPECT_TRUE(layout.decode(usemap, 0).skip);
  EXPECT_EQ(layout.decode(usemap, 1).migratetype, 5);
  EXPECT_TRUE(layout.decode(usemap, 1).isolated);
  EXPECT_FALSE(layout.decode(usemap, 1).skip);
  EXPECT_EQ(layout.decode(usemap, 2).migratetype, 1);
  EXPECT_TRUE(layout.decode(usemap, 2).skip);
  EXPECT_FALSE(layout.decode(usemap, 2).isolated);
  EXPECT_EQ(layout.decode(usemap, 16).migratetype, 3);  // the first of the second word
}

TEST(UsemapLayout, HasWordsOfTheMachinesSize) {  // on 32-bit big-endian machines half words would be swapped
  const auto types = types_of({{"PB_migrate_skip", 3}, {"NR_PAGEBLOCK_BITS", 4}}, 5);
  const auto usemap = words({0x7654321001234567}, ByteOrder::big);
  const auto narrow = layout_of(types, ByteOrder::big, 4), wide = layout_of(types, ByteOrder::big);
  EXPECT_EQ(narrow.decode(usemap, 0).migratetype, 0);
  EXPECT_EQ(narrow.decode(usemap, 8).migratetype, 7);
  EXPECT_EQ(wide.decode(usemap, 0).migratetype, 7);
  MemoryGeometry geometry;
  geometry.word_size = 4;
  EXPECT_EQ(usemap_size(geometry, 12, 4), 4U);  // eight pageblocks
}

TEST(UsemapLayout, TellsStrayBitsApart) {
  const auto four = layout_of(types_of({{"PB_migrate_skip", 3}, {"NR_PAGEBLOCK_BITS", 4}}, 5));
  for (std::uint64_t i = 0; i < 16; ++i) EXPECT_FALSE(four.decode(words({0xfedcba9876543210}), i).stray) << i;
  // 6.17+: bits 5 to 7 mean nothing, and type 5 (Isolate) is never stored
  const auto eight =
      layout_of(types_of({{"PB_compact_skip", 3}, {"PB_migrate_isolate", 4}, {"__NR_PAGEBLOCK_BITS", 5}}, 5));
  const auto usemap = words({0x0000058140201a11});
  for (const std::uint64_t sound : {0U, 1U, 6U, 7U}) EXPECT_FALSE(eight.decode(usemap, sound).stray) << sound;
  for (const std::uint64_t odd : {2U, 3U, 4U, 5U}) EXPECT_TRUE(eight.decode(usemap, odd).stray) << odd;
}

TEST(UsemapLayout, OfThreeBitsStraddlesWords) {  // before 3.7
  const auto layout = layout_of(types_of({{"NR_PAGEBLOCK_BITS", 3}}, 4));
  // block 21 has bits 63, 64 and 65: 1 from the first word, 2 from the second
  const auto usemap = words({0x8000000000000002, 0x2});
  EXPECT_EQ(layout.decode(usemap, 0).migratetype, 2);
  EXPECT_EQ(layout.decode(usemap, 20).migratetype, 0);
  EXPECT_EQ(layout.decode(usemap, 21).migratetype, 1 | 2 << 1);
  EXPECT_FALSE(layout.decode(usemap, 21).skip);
}

TEST(UsemapLayout, HasTheHighBitsFirstWhereTheGetterTakesFourParameters) {  // 3.16 to 5.8
  FakeTypes types = types_of({{"PB_migrate_skip", 3}, {"NR_PAGEBLOCK_BITS", 4}}, 4);
  types.parameters["get_pfnblock_flags_mask"] = 4;
  const auto layout = layout_of(types);
  // block k ends at bit 63 - 4k; in the nibble the type is in the three upper bits, skip in the lowest one
  const auto usemap = words({0x2500000000000009, 0x8000000000000000});
  EXPECT_EQ(layout.decode(usemap, 0).migratetype, 1);
  EXPECT_FALSE(layout.decode(usemap, 0).skip);
  EXPECT_EQ(layout.decode(usemap, 1).migratetype, 2);
  EXPECT_TRUE(layout.decode(usemap, 1).skip);
  EXPECT_EQ(layout.decode(usemap, 2).migratetype, 0);
  EXPECT_EQ(layout.decode(usemap, 15).migratetype, 4);
  EXPECT_TRUE(layout.decode(usemap, 15).isolated);
  EXPECT_TRUE(layout.decode(usemap, 15).skip);
  EXPECT_EQ(layout.decode(usemap, 16).migratetype, 4);

  types.parameters["get_pfnblock_flags_mask"] = 3;
  EXPECT_FALSE(layout_of(types).high_bits_first);
}

TEST(UsemapLayout, OfThreeBitsNeverHasTheHighBitsFirst) {
  // No kernel is so; a damaged vmlinux may say it, and 64 is no multiple of 3.
  FakeTypes types = types_of({{"NR_PAGEBLOCK_BITS", 3}}, 4);
  types.parameters["get_pfnblock_flags_mask"] = 4;
  EXPECT_FALSE(layout_of(types).high_bits_first);
}

TEST(UsemapLayout, OfEightBitsKeepsTheTypeBelowTheIsolationBit) {  // 6.17+
  const auto types =
      types_of({{"PB_compact_skip", 3}, {"PB_migrate_isolate", 4}, {"__NR_PAGEBLOCK_BITS", 5}}, 5);
  const auto layout = layout_of(types);
  EXPECT_EQ(layout.bits_per_block, 8U);
  const auto usemap = words({0x0a11, 0x01});
  EXPECT_TRUE(layout.decode(usemap, 0).isolated);
  EXPECT_EQ(layout.decode(usemap, 0).migratetype, 5);  // Isolate goes before what is kept below it
  EXPECT_EQ(layout.decode(usemap, 1).migratetype, 2);
  EXPECT_TRUE(layout.decode(usemap, 1).skip);
  EXPECT_FALSE(layout.decode(usemap, 1).isolated);
  EXPECT_EQ(layout.decode(usemap, 8).migratetype, 1);
}

TEST(UsemapLayout, WithoutMemoryIsolationHasFourBitsAgain) {  // 6.17+, CONFIG_MEMORY_ISOLATION off
  FakeTypes types;
  types.enumerators[{"pageblock_bits", "PB_compact_skip"}] = 3;
  types.enumerators[{"pageblock_bits", "__NR_PAGEBLOCK_BITS"}] = 4;
  const auto layout = layout_of(types);
  EXPECT_EQ(layout.bits_per_block, 4U);
  EXPECT_FALSE(layout.decode(words({0x5}), 0).isolated);
}

TEST(UsemapLayout, ReadsWordsInTheKernelsByteOrder) {
  const auto layout = layout_of(types_of({{"NR_PAGEBLOCK_BITS", 4}}, 5), ByteOrder::big);
  EXPECT_EQ(layout.decode(words({0x21}, ByteOrder::big), 0).migratetype, 1);
  EXPECT_EQ(layout.decode(words({0x21}, ByteOrder::big), 1).migratetype, 2);
}

TEST(PageblockBits, RefuseWhatNoKernelHas) {
  for (const std::int64_t bits : {-1, 0, 2, 9, 64}) {
    const auto found = find_pageblock_bits(types_of({{"NR_PAGEBLOCK_BITS", bits}}, 5));
    ASSERT_FALSE(found) << bits;
    EXPECT_EQ(found.error().code, Errc::corrupt);
  }
  const auto unknown = find_pageblock_bits(FakeTypes());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::no_type);
}

TEST(UsemapSize, IsWholeWords) {
  MemoryGeometry geometry;  // x86-64: 64 pageblocks of order 9 in a section
  EXPECT_EQ(usemap_size(geometry, 9, 4), 32U);
  EXPECT_EQ(usemap_size(geometry, 9, 8), 64U);
  EXPECT_EQ(usemap_size(geometry, 9, 3), 24U);
  geometry.section_size_bits = 24;  // ppc64: one word for a handful of blocks
  geometry.page_shift = 16;
  EXPECT_EQ(usemap_size(geometry, 8, 4), 8U);
}

}  // namespace
}  // namespace memsect
