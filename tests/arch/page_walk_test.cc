// The walk itself, on a small tree that no machine has: big-endian, a top level of 4 entries of 64 KiB, then
// 16 entries of 4 KiB. In an entry, bit 0 says page, bit 1 says table, and 0xbad is what no working machine
// has.
#include "arch/page_walk.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_memory.h"

namespace memsect {
namespace {

using test::FakeMemory;
using testing::HasSubstr;

constexpr PhysAddr top(0x1000);
constexpr PhysAddr low(0x2000);
constexpr std::uint64_t page = 1;
constexpr std::uint64_t table = 2;

TableTree small_tree() {
  TableTree tree;
  tree.root = top;
  tree.levels = {{"TOP", 16, 2}, {"LOW", 12, 4}};
  tree.order = ByteOrder::big;
  tree.decode = [](std::uint64_t raw, const TableLevel&, bool) -> Result<TableEntry> {
    if (raw == 0xbad) return Error{Errc::corrupt, "0xbad", {}};
    const PhysAddr phys(raw & ~std::uint64_t{0xfff});
    if (raw & page) return TableEntry{TableEntry::Kind::leaf, phys};
    if (raw & table) return TableEntry{TableEntry::Kind::table, phys};
    return TableEntry{};
  };
  return tree;
}

FakeMemory memory_with(std::initializer_list<std::pair<PhysAddr, std::uint64_t>> entries) {
  FakeMemory memory(ByteOrder::big);
  memory.add({top, 0x1000});
  memory.add({low, 0x1000});
  for (const auto& [at, entry] : entries) memory.write_u64(at, entry);
  return memory;
}

TEST(PageWalk, FollowsTablesDownToThePage) {
  const FakeMemory memory = memory_with({{top + 8, low.raw() | table}, {low + 24, 0x7000 | page}});
  const auto mapping = walk_tables(memory, small_tree(), VirtAddr(0x13123));
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->start, VirtAddr(0x13123));
  EXPECT_EQ(mapping->phys, PhysAddr(0x7123));
  EXPECT_EQ(mapping->size, 0xeddU);
}

TEST(PageWalk, IgnoresAddressBitsThatNoLevelIndexes) {
  const FakeMemory memory = memory_with({{top + 8, 0x50000 | page}});
  const auto mapping = walk_tables(memory, small_tree(), VirtAddr(0xabc12345));
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->phys, PhysAddr(0x52345));
}

TEST(PageWalk, MergesHolesToTheEndOfTheTable) {
  const FakeMemory memory = memory_with({{top, 0x40000 | page}});
  const auto mapping = walk_tables(memory, small_tree(), VirtAddr(0x10010));
  ASSERT_TRUE(mapping);
  EXPECT_FALSE(mapping->phys);
  EXPECT_EQ(mapping->size, 0x2fff0U);
}

TEST(PageWalk, MergesPagesOnlyWhereTheyContinue) {
  const FakeMemory memory = memory_with({{top, low.raw() | table},
                                         {low, 0x7000 | page},
                                         {low + 8, 0x8000 | page},
                                         {low + 16, 0x9000 | page},
                                         {low + 24, 0xb000 | page}});
  const auto mapping = walk_tables(memory, small_tree(), VirtAddr(0x800));
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->phys, PhysAddr(0x7800));
  EXPECT_EQ(mapping->size, 0x2800U);
}

TEST(PageWalk, ABrokenNeighbourEndsARunAndHarmsNothingElse) {
  const FakeMemory memory = memory_with({{top + 16, 0xbad}});
  const auto before = walk_tables(memory, small_tree(), VirtAddr(0x10000));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->size, 0x10000U);
  const auto broken = walk_tables(memory, small_tree(), VirtAddr(0x20000));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::corrupt);
  EXPECT_THAT(broken.error().message,
              HasSubstr("top-level TOP page table at 0x1000, entry 2 (for virtual address 0x20000)"));
}

TEST(PageWalk, ATableBelowTheLastLevelIsCorrupt) {
  const FakeMemory memory = memory_with({{top, top.raw() | table}});
  const auto mapping = walk_tables(memory, small_tree(), VirtAddr(0));
  ASSERT_FALSE(mapping);
  EXPECT_EQ(mapping.error().code, Errc::corrupt);
}

TEST(PageWalk, GoesOnWithAsManyEntriesAsTheMemoryGives) {
  FakeMemory memory(ByteOrder::big, 16);  // views of two entries at most
  memory.add({top, 32});
  const auto mapping = walk_tables(memory, small_tree(), VirtAddr(0));
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->size, 0x20000U);
}

TEST(PageWalk, AnEntryMayStraddleTwoBlocks) {  // memory in an ELF core begins at any multiple of 4
  FakeMemory memory(ByteOrder::big, 4);
  memory.add({top, 32});
  const auto mapping = walk_tables(memory, small_tree(), VirtAddr(0));
  ASSERT_TRUE(mapping) << mapping.error().message;
  EXPECT_FALSE(mapping->phys);

  memory.withhold({top + 4, 4}, Errc::truncated);
  const auto half = walk_tables(memory, small_tree(), VirtAddr(0));
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, Errc::truncated);
}

/// What a listener hears: "depth:phys start+size", and "lost AT".
std::vector<std::string> tables_of(const FakeMemory& memory, const TableTree& tree, VirtAddr start,
                                   std::uint64_t size) {
  std::vector<std::string> heard;
  const TableListener listener{
      [&](const PageTable& one) {
        heard.push_back(
            fmt::format("{}:{:#x} {:#x}+{:#x}", one.depth, one.phys.raw(), one.start.raw(), one.size));
      },
      [&](VirtAddr at, const Error&) { heard.push_back(fmt::format("lost {:#x}", at.raw())); }};
  visit_tables(memory, tree, start, size, listener);
  return heard;
}

/// The same tree with a level below that has one entry of two pages.
TableTree deep_tree() {
  TableTree tree = small_tree();
  tree.levels = {{"TOP", 20, 2}, {"MIDDLE", 16, 4}, {"LOW", 12, 4}};
  return tree;
}

TEST(TableVisit, NamesTheTablesThatTranslateAStretch) {
  const FakeMemory memory =
      memory_with({{top, 0x3000 | table}, {top + 8, low.raw() | table}, {top + 16, 0x50000 | page}});
  EXPECT_THAT(tables_of(memory, small_tree(), VirtAddr(0x10000), 0x20000),
              testing::ElementsAre("1:0x2000 0x10000+0x10000"));
  EXPECT_THAT(tables_of(memory, small_tree(), VirtAddr(0xffff), 2),
              testing::ElementsAre("1:0x3000 0x0+0x10000", "1:0x2000 0x10000+0x10000"));
  EXPECT_THAT(tables_of(memory, small_tree(), VirtAddr(0x10000), 0), testing::IsEmpty());
}

TEST(TableVisit, DoesNotReadTablesOfTheLastLevel) {
  const FakeMemory memory =
      memory_with({{top, low.raw() | table}, {low + 8, 0x999000 | table}});  // 0x999000: nowhere
  EXPECT_THAT(tables_of(memory, deep_tree(), VirtAddr(0), 0x100000),
              testing::ElementsAre("1:0x2000 0x0+0x100000", "2:0x999000 0x10000+0x10000"));
}

TEST(TableVisit, SaysWhatIsLostAndGoesOn) {
  const FakeMemory memory = memory_with(
      {{top, 0x999000 | table}, {top + 8, low.raw() | table}, {low, 0xbad}, {low + 8, 0x3000 | table}});
  EXPECT_THAT(tables_of(memory, deep_tree(), VirtAddr(0xf0000), 0x30000),
              testing::ElementsAre("1:0x999000 0x0+0x100000", "lost 0xf0000", "1:0x2000 0x100000+0x100000",
                                   "lost 0x100000", "2:0x3000 0x110000+0x10000"));
}

TEST(TableVisit, LooksAtNoMoreEntriesThanTheAddressesHaveInTablesThatLeadToThemselves) {
  const FakeMemory memory = memory_with({{top, top.raw() | table}, {top + 8, top.raw() | table}});
  EXPECT_THAT(
      tables_of(memory, deep_tree(), VirtAddr(0), 0x20000),
      testing::ElementsAre("1:0x1000 0x0+0x100000", "2:0x1000 0x0+0x10000", "2:0x1000 0x10000+0x10000"));
}

}  // namespace
}  // namespace memsect
