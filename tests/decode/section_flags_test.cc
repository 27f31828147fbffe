#include "decode/section_flags.h"

#include <gtest/gtest.h>

#include "support/fake_types.h"

namespace memsect {
namespace {

using test::FakeTypes;

TEST(SectionFlagBits, FollowTheEnumerators) {  // 6.0+; without ZONE_DEVICE the last one moves down
  FakeTypes types;
  const char* const names[] = {"SECTION_MARKED_PRESENT_BIT", "SECTION_HAS_MEM_MAP_BIT",
                               "SECTION_IS_ONLINE_BIT", "SECTION_IS_EARLY_BIT",
                               "SECTION_IS_VMEMMAP_PREINIT_BIT"};
  for (std::int64_t bit = 0; bit < 5; ++bit) types.enumerators[{"", names[bit]}] = bit;
  const auto bits = find_section_flag_bits(types, {});
  EXPECT_EQ(bits.taint_zone_device, 0U);
  const SectionFlags flags = bits.decode(0x1f);
  EXPECT_TRUE(flags.present && flags.has_mem_map && flags.online && flags.early && flags.vmemmap_preinit);
  EXPECT_FALSE(flags.taint_zone_device);
}

TEST(SectionFlagBits, AreTheMacrosValuesWithoutEnumerators) {
  MemoryGeometry geometry;
  geometry.usage_header_size = 24;  // 5.3 to 5.19
  const SectionFlags recent = find_section_flag_bits(FakeTypes(), geometry).decode(0x1d);
  EXPECT_TRUE(recent.present && recent.online && recent.early && recent.taint_zone_device);
  EXPECT_FALSE(recent.has_mem_map || recent.vmemmap_preinit);

  geometry.usage_header_size = 0;  // before: bit 3 may be a node number's
  EXPECT_FALSE(find_section_flag_bits(FakeTypes(), geometry).decode(0xf).early);
}

TEST(SectionFlagBits, ClearWhatTheMapMayCarry) {
  MemoryGeometry geometry;
  EXPECT_EQ(find_section_flag_bits(FakeTypes(), geometry).map_mask, ~std::uint64_t{0xfff});
  geometry.page_shift = 16;  // ppc64: sections of 256 pages leave eight bits, not sixteen
  geometry.section_size_bits = 24;
  EXPECT_EQ(find_section_flag_bits(FakeTypes(), geometry).map_mask, ~std::uint64_t{0xff});
  geometry.section_size_bits = 29;  // arm64
  EXPECT_EQ(find_section_flag_bits(FakeTypes(), geometry).map_mask, ~std::uint64_t{0x1fff});
}

TEST(SectionFlagBits, KnowWhichBitsAreNone) {
  FakeTypes types;
  types.enumerators[{"", "SECTION_MARKED_PRESENT_BIT"}] = 0;
  EXPECT_EQ(find_section_flag_bits(types, {}).unused, 0U);  // who knows
  types.enumerators[{"", "SECTION_MAP_LAST_BIT"}] = 6;
  EXPECT_EQ(find_section_flag_bits(types, {}).unused, 0xfc0U);
  EXPECT_EQ(find_section_flag_bits(FakeTypes(), {}).unused, 0xfe0U);  // five flags as macros, to 5.19
}

TEST(SectionFlagBits, IgnoreEnumeratorsBeyondTheMask) {
  FakeTypes types;
  types.enumerators[{"", "SECTION_MARKED_PRESENT_BIT"}] = 0;
  types.enumerators[{"", "SECTION_IS_ONLINE_BIT"}] = 70;
  types.enumerators[{"", "SECTION_IS_EARLY_BIT"}] = -1;
  const auto bits = find_section_flag_bits(types, {});
  EXPECT_EQ(bits.online, 0U);
  EXPECT_EQ(bits.early, 0U);
}

}  // namespace
}  // namespace memsect
