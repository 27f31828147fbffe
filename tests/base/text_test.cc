#include "base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

namespace memsect {
namespace {

constexpr auto highest = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = kib * kib;
constexpr std::uint64_t gib = kib * mib;

TEST(Text, WritesHexadecimalWithoutPadding) {
  EXPECT_EQ(hex(0), "0x0");
  EXPECT_EQ(hex(0x1F000), "0x1f000");
  EXPECT_EQ(hex(highest), "0xffffffffffffffff");
}

TEST(HumanSize, IsRoundedToOneDecimalAtMost) {
  struct Case {
    std::uint64_t bytes;
    std::string_view text;
  };
  const std::vector<Case> cases{{0, "0"},
                                {1, "1"},
                                {1023, "1023"},
                                {kib, "1K"},
                                {kib + 51, "1K"},    // 1.0498
                                {kib + 52, "1.1K"},  // 1.0508
                                {kib + 512, "1.5K"},
                                {2 * kib - 52, "1.9K"},
                                {2 * kib - 51, "2K"},
                                {mib - kib, "1023K"},
                                {mib - 51, "1M"},  // 1023.95K: not 1024K
                                {mib, "1M"},
                                {128 * mib, "128M"},
                                {mib + 53760, "1.1M"},  // 1.0513: what lies below the KiB counts too
                                {gib - 1, "1G"},
                                {gib + gib / 2, "1.5G"},
                                {1000 * gib, "1000G"},
                                {kib * gib, "1T"},
                                {mib * gib, "1P"},
                                {gib * gib, "1E"},
                                {highest, "16E"}};
  for (const Case& c : cases) EXPECT_EQ(human_size(c.bytes), c.text) << c.bytes;
}

TEST(Ranges, JoinNeighboursOnly) {
  struct Case {
    std::vector<std::uint64_t> numbers;
    std::string_view text;
  };
  const std::vector<Case> cases{{{}, ""},
                                {{0}, "0"},
                                {{0, 1}, "0-1"},
                                {{0, 1, 2, 3, 4, 5, 8}, "0-5,8"},
                                {{1, 3, 5}, "1,3,5"},
                                {{7, 9, 10, 11, 20}, "7,9-11,20"},
                                {{highest - 1, highest}, "18446744073709551614-18446744073709551615"}};
  for (const Case& c : cases) EXPECT_EQ(ranges(c.numbers), c.text);
}

TEST(ParseUnsigned, TakesWholeNumbersOnly) {
  EXPECT_EQ(parse_unsigned("0"), 0U);
  EXPECT_EQ(parse_unsigned("0042"), 42U) << "decimal, not octal";
  EXPECT_EQ(parse_unsigned("0x1F"), 0x1fU);
  EXPECT_EQ(parse_unsigned("0X1f"), 0x1fU);
  EXPECT_EQ(parse_unsigned("18446744073709551615"), highest);
  EXPECT_EQ(parse_unsigned("0xffffffffffffffff"), highest);
  for (const std::string_view text : {"", "0x", "-1", "+1", " 1", "1 ", "1k", "0x-1", "0x0x1", "1f",
                                      "18446744073709551616", "0x10000000000000000"}) {
    EXPECT_EQ(parse_unsigned(text), std::nullopt) << text;
  }
}

TEST(ParseHex, TakesDigitsWithoutAPrefix) {
  EXPECT_EQ(parse_hex("ffff888000000000"), 0xffff888000000000U);
  EXPECT_EQ(parse_hex("10"), 16U);
  for (const std::string_view text : {"", "0x10", "-1", "1g", "10000000000000000"}) {
    EXPECT_EQ(parse_hex(text), std::nullopt) << text;
  }
}

TEST(Text, ParsesSizes) {
  EXPECT_EQ(parse_size("4096")->bytes, 4096U);
  EXPECT_FALSE(parse_size("4096")->has_suffix);
  EXPECT_EQ(parse_size("0x10K")->bytes, 16 * kib);
  EXPECT_EQ(parse_size("4G")->bytes, 4 * gib);
  EXPECT_TRUE(parse_size("4G")->has_suffix);
  EXPECT_EQ(parse_size("16777215T")->bytes, highest - (kib * gib - 1));
  for (const char* const text : {"", "G", "4g", "4GiB", "-1G", "16777216T", "18446744073709551616"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Text, FindsTheWordThatWasMeant) {
  constexpr std::array<std::string_view, 4> known{"deps", "sections", "subsections", "usemap"};
  EXPECT_EQ(nearest_word("dep", known), "deps");
  EXPECT_EQ(nearest_word("sect", known), "sections");      // begins with it
  EXPECT_EQ(nearest_word("sectoins", known), "sections");  // two letters changed
  EXPECT_EQ(nearest_word("s", known), "");                 // two begin with it
  EXPECT_EQ(nearest_word("removable", known), "");
  EXPECT_EQ(nearest_word("", known), "");
}

}  // namespace
}  // namespace memsect
