#include "base/position.h"

#include <gtest/gtest.h>

#include <limits>
#include <type_traits>
#include <unordered_set>

namespace memsect {
namespace {

constexpr auto highest = std::numeric_limits<std::uint64_t>::max();

// Lines do not mix, with each other or with plain numbers.
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};
static_assert(!Subtractable<PhysAddr, VirtAddr> && !Comparable<PhysAddr, VirtAddr>);
static_assert(!std::is_convertible_v<std::uint64_t, Pfn> && !std::is_convertible_v<Pfn, std::uint64_t>);
static_assert(!std::is_constructible_v<Pfn, SectionNr>);

TEST(Position, CountsAndMeasures) {
  const PhysAddr at(0x1000);
  EXPECT_EQ((at + 0x20).raw(), 0x1020U);
  EXPECT_EQ((at - 0x20).raw(), 0xfe0U);
  EXPECT_EQ(PhysAddr(0x3000) - at, 0x2000U);
  EXPECT_LT(at, PhysAddr(0x1001));
  PhysAddr moved = at;
  moved += 8;
  EXPECT_EQ(moved, PhysAddr(0x1008));
  EXPECT_EQ(Pfn(), Pfn(0));
}

TEST(Position, WrapsAroundAsTheKernelsArithmeticDoes) {
  EXPECT_EQ(VirtAddr(highest) + 2, VirtAddr(1));
  EXPECT_EQ(VirtAddr(1) - 2, VirtAddr(highest));
  EXPECT_EQ(VirtAddr(1) - VirtAddr(highest), 2U);
}

TEST(Position, IsAKeyOfHashTables) {
  const std::unordered_set<Pfn> pfns{Pfn(1), Pfn(2), Pfn(1)};
  EXPECT_EQ(pfns.size(), 2U);
  EXPECT_TRUE(pfns.contains(Pfn(2)));
}

TEST(Range, ContainsItsStartAndNotItsEnd) {
  const PhysRange range{PhysAddr(0x1000), 0x100};
  EXPECT_EQ(range.end(), PhysAddr(0x1100));
  EXPECT_FALSE(range.contains(PhysAddr(0xfff)));
  EXPECT_TRUE(range.contains(PhysAddr(0x1000)));
  EXPECT_TRUE(range.contains(PhysAddr(0x10ff)));
  EXPECT_FALSE(range.contains(PhysAddr(0x1100)));
}

TEST(Range, MayReachTheTopOfItsLine) {
  const VirtRange range{VirtAddr(0xffffffffffff0000), 0x10000};
  EXPECT_TRUE(range.contains(VirtAddr(highest)));
  EXPECT_FALSE(range.contains(VirtAddr(0)));
}

TEST(Range, ContainsNothingWhenEmpty) {
  const PhysRange range{PhysAddr(5), 0};
  EXPECT_TRUE(range.empty());
  EXPECT_FALSE(range.contains(PhysAddr(5)));
  EXPECT_EQ(range, (PhysRange{PhysAddr(5), 0}));
}

TEST(NodeId, MayBeNegative) { EXPECT_EQ(raw(NodeId{-1}), -1); }

}  // namespace
}  // namespace memsect
