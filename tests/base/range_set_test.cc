#include "base/range_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bitset>
#include <random>

namespace memsect {
namespace {

using testing::ElementsAre;

PhysRange range(std::uint64_t start, std::uint64_t end) { return {PhysAddr(start), end - start}; }

TEST(RangeSet, JoinsWhatOverlapsOrTouches) {
  RangeSet set;
  EXPECT_TRUE(set.empty());
  set.add(range(10, 20));
  set.add(range(30, 40));
  set.add(range(5, 5));
  EXPECT_THAT(set.ranges(), ElementsAre(range(10, 20), range(30, 40)));
  set.add(range(20, 25));  // touches
  set.add(range(28, 31));  // overlaps
  EXPECT_THAT(set.ranges(), ElementsAre(range(10, 25), range(28, 40)));
  set.add(range(0, 50));
  EXPECT_THAT(set.ranges(), ElementsAre(range(0, 50)));
  EXPECT_EQ(set.bytes(), 50U);
}

TEST(RangeSet, GivesThePartsWithinARange) {
  RangeSet set;
  set.add(range(10, 20));
  set.add(range(30, 40));
  EXPECT_THAT(set.within(range(0, 10)), ElementsAre());
  EXPECT_THAT(set.within(range(15, 35)), ElementsAre(range(15, 20), range(30, 35)));
  EXPECT_THAT(set.within(range(32, 33)), ElementsAre(range(32, 33)));
  EXPECT_TRUE(set.contains(PhysAddr(39)));
  EXPECT_FALSE(set.contains(PhysAddr(40)));
}

TEST(RangeSet, EndsAtTheLastAddress) {
  RangeSet set;
  set.add({PhysAddr(~std::uint64_t{0} - 9), 100});
  EXPECT_EQ(set.bytes(), 9U);
  EXPECT_EQ(set.within({PhysAddr(0), ~std::uint64_t{0}}).size(), 1U);
}

TEST(RangeSet, AgreesWithASetOfSingleBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    RangeSet set;
    std::bitset<64> bytes;
    for (int i = 0; i < 12; ++i) {
      const std::uint64_t start = random() % 64, end = start + random() % (65 - start);
      set.add(range(start, end));
      for (std::uint64_t at = start; at < end; ++at) bytes.set(at);
    }
    EXPECT_EQ(set.bytes(), bytes.count());
    std::uint64_t before = ~std::uint64_t{0};
    for (const PhysRange& part : set.ranges()) {
      EXPECT_NE(part.start.raw(), before) << "two ranges touch";
      before = part.end().raw();
    }
    for (std::uint64_t at = 0; at < 64; ++at) EXPECT_EQ(set.contains(PhysAddr(at)), bytes.test(at)) << at;
  }
}

}  // namespace
}  // namespace memsect
