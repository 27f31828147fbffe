// Usages: pageblock_order by their distance, subsection maps and pageblock types, and what is left when one
// is lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ModelParts parts{.usages = true, .memmap = true, .section_nodes = true};

MemoryModel load(const FakeKernel& fake, bool as_kdump = false) {
  auto model = fake.load(parts, as_kdump);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

std::vector<int> types(const Section& section, std::size_t count) {
  std::vector<int> found;
  if (!section.pageblocks) ADD_FAILURE() << section.pageblocks.error().message;
  for (std::size_t i = 0; section.pageblocks && i < count; ++i)
    found.push_back((*section.pageblocks)[i].migratetype);
  return found;
}

/// Sections 0 to 3 on node 0 with their usages one behind the other.
FakeKernel four_sections(const char* fixture) {
  FakeKernel fake(fixture);
  for (std::uint64_t nr = 0; nr < 4; ++nr) fake.add_section({.nr = nr});
  return fake;
}

TEST(Usages, Of414AreTheBitmapAloneWithTheHighBitsFirst) {
  FakeKernel fake = four_sections("fake_4_14");
  // in 4.14 the first block of a word has its highest bits: types 1, 2, 0 with skip, 5
  fake.add_section({.nr = 4, .usemap = {0x241a000000000000}});
  const auto model = load(fake);
  EXPECT_EQ(model.geometry.usage_size, 32U);
  EXPECT_EQ(model.geometry.pageblock_order, 9U);
  EXPECT_EQ(model.geometry.subsections_per_section(), 0U);
  EXPECT_THAT(types(model.sections[4], 4), ElementsAre(1, 2, 0, 5));
  EXPECT_TRUE((*model.sections[4].pageblocks)[2].skip);
  EXPECT_FALSE((*model.sections[4].pageblocks)[3].skip);
  ASSERT_FALSE(model.sections[4].subsections);
  EXPECT_EQ(model.sections[4].subsections.error().code, Errc::not_applicable);
}

TEST(Usages, Of6HaveASubsectionMapAndFourBitsABlock) {
  FakeKernel fake = four_sections("fake_6");
  fake.add_section(
      {.nr = 4, .subsections = 0x8000000000000005, .usemap = {0x94321, 0, 0, 0xf000000000000000}});
  fake.set_pageblock_names({"Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate"});
  const auto model = load(fake);
  EXPECT_EQ(model.geometry.usage_size, 56U);
  EXPECT_THAT(model.origin.at("pageblock_order"), HasSubstr("agrees"));
  EXPECT_THAT(types(model.sections[4], 6), ElementsAre(1, 2, 3, 4, 1, 0));
  EXPECT_TRUE((*model.sections[4].pageblocks)[3].isolated);
  EXPECT_TRUE((*model.sections[4].pageblocks)[4].skip);
  EXPECT_EQ((*model.sections[4].pageblocks).size(), 64U);
  EXPECT_EQ((*model.sections[4].pageblocks)[63].migratetype, 7);
  EXPECT_THAT(model.migratetypes,
              ElementsAre("Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate"));
  const auto& map = model.sections[4].subsections;
  ASSERT_TRUE(map) << map.error().message;
  EXPECT_EQ(map->populated(), 3U);
  EXPECT_TRUE(map->test(0) && !map->test(1) && map->test(2) && map->test(63));
}

TEST(Usages, Of7HaveEightBitsABlock) {
  FakeKernel fake = four_sections("fake_7");
  fake.add_section({.nr = 4, .usemap = {0x1109, 0, 0, 0, 0, 0, 0, 0x0200000000000000}});
  const auto model = load(fake);
  EXPECT_EQ(model.geometry.usage_size, 88U);
  EXPECT_THAT(types(model.sections[4], 3), ElementsAre(1, 5, 0));  // the second is isolated
  EXPECT_TRUE((*model.sections[4].pageblocks)[1].isolated);
  EXPECT_EQ((*model.sections[4].pageblocks)[63].migratetype, 2);
  // without migratetype_names the enumerators name the types
  EXPECT_THAT(model.migratetypes,
              ElementsAre("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"));
}

TEST(Usages, Of43HaveReclaimableBeforeMovable) {
  FakeKernel fake = four_sections("fake_4_3");
  fake.add_section({.nr = 4, .usemap = {0x24a0000000000000}});
  const auto model = load(fake);
  EXPECT_THAT(model.migratetypes,
              ElementsAre("Unmovable", "Reclaimable", "Movable", "Reserve", "CMA", "Isolate"));
  EXPECT_THAT(types(model.sections[4], 3), ElementsAre(1, 2, 5));
  EXPECT_TRUE((*model.sections[4].pageblocks)[2].isolated);
}

TEST(PageblockOrder, IsTheOneThatTheDistanceOfUsagesSays) {
  FakeKernel fake("fake_6");
  // order 10: 32 blocks of 4 bits; the configuration says 9
  for (std::uint64_t nr = 0; nr < 5; ++nr) {
    fake.add_section({.nr = nr, .usage = FakeKernel::at(FakeKernel::usages + nr * (24 + 16))});
  }
  const auto model = load(fake);
  EXPECT_EQ(model.geometry.pageblock_order, 10U);
  EXPECT_EQ(model.geometry.usage_size, 40U);
  EXPECT_THAT(model.origin.at("pageblock_order"), HasSubstr("40 bytes apart"));
}

TEST(PageblockOrder, IsTheConfigurationsWhereUsagesLieAlone) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1, .flags = 7});
  EXPECT_EQ(load(fake).geometry.pageblock_order, 9U);
  fake.vmcoreinfo["LENGTH(zone.free_area)"] = "9";  // MAX_PAGE_ORDER 8 bounds the order of a huge page
  EXPECT_EQ(load(fake).geometry.pageblock_order, 8U);
}

TEST(PageblockOrder, IsNotGuessedFromDistancesThatFitNoOrder) {
  FakeKernel fake("fake_6");
  for (std::uint64_t nr = 0; nr < 5; ++nr) {
    fake.add_section({.nr = nr, .usage = FakeKernel::at(FakeKernel::usages + nr * 64)});  // kmalloc-64
  }
  EXPECT_EQ(load(fake).geometry.pageblock_order, 9U);
}

TEST(Usages, ThatAreLostTakeNothingElseWithThem) {
  FakeKernel fake = four_sections("fake_6");
  const VirtAddr lost = FakeKernel::at(FakeKernel::usages + 0x8000);
  fake.add_section({.nr = 4, .usage = lost});
  fake.lose(lost, 4096);
  const auto excluded = load(fake, true);
  const Section& section = excluded.sections[4];
  ASSERT_TRUE(section.usage) << section.usage.error().message;  // where it lies is known
  EXPECT_EQ(section.usage->first_phys(), FakeKernel::phys(lost));
  ASSERT_FALSE(section.pageblocks);
  EXPECT_EQ(section.pageblocks.error().code, Errc::excluded);
  ASSERT_FALSE(section.subsections);
  EXPECT_EQ(section.subsections.error().code, Errc::excluded);
  EXPECT_TRUE(section.memmap);
  EXPECT_TRUE(excluded.sections[3].pageblocks);
  EXPECT_FALSE(excluded.incomplete);

  const auto not_there = load(fake);
  ASSERT_FALSE(not_there.sections[4].pageblocks);
  EXPECT_EQ(not_there.sections[4].pageblocks.error().code, Errc::not_in_dump);
}

TEST(Usages, ThatEndOnALostPageAreLostWhole) {
  FakeKernel fake = four_sections("fake_6");
  const VirtAddr usage = FakeKernel::at(FakeKernel::usages + 0x9000 - 32);  // 24 bytes of it on the next page
  fake.add_section({.nr = 4, .usage = usage});
  fake.lose(FakeKernel::at(FakeKernel::usages + 0x9000), 4096);
  const auto model = load(fake, true);
  ASSERT_TRUE(model.sections[4].usage);
  EXPECT_EQ(model.sections[4].usage->bytes, 56U);
  EXPECT_FALSE(model.sections[4].pageblocks);
}

TEST(Usages, WithoutAPointerAreNotApplicable) {
  FakeKernel fake = four_sections("fake_6");
  fake.add_section({.nr = 4, .usage = VirtAddr(0)});
  const auto model = load(fake);
  ASSERT_FALSE(model.sections[4].usage);
  EXPECT_EQ(model.sections[4].usage.error().code, Errc::not_applicable);
}

TEST(Usages, WithAWildPointerAreNotMapped) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.put(FakeKernel::at(FakeKernel::roots) + 16, "mem_section", "usage", 0xffffc90000000000);
  const auto model = load(fake);
  ASSERT_FALSE(model.sections[0].usage);
  EXPECT_EQ(model.sections[0].usage.error().code, Errc::not_mapped);
  EXPECT_FALSE(model.sections[0].pageblocks);
}

TEST(Usages, SayWhoGaveTheirMemory) {
  FakeKernel fake = four_sections("fake_7");
  fake.mark({PhysAddr(FakeKernel::usages), 4096}, 0, fake.reserved_flag());
  const VirtAddr hot = FakeKernel::at(FakeKernel::usages + 0x20000);
  fake.add_section({.nr = 4, .flags = 7, .usage = hot});
  fake.mark({FakeKernel::phys(hot), 4096}, 0, 0);
  fake.put(fake.struct_page(Pfn(FakeKernel::phys(hot).raw() >> 12)), "page", "page_type", 0xf5000001);
  const auto model = load(fake);
  EXPECT_EQ(model.sections[0].usage->allocation, Allocation::boot);
  EXPECT_EQ(model.sections[4].usage->allocation, Allocation::slab);
}

TEST(Memmap, IsWherePageTablesPutIt) {
  FakeKernel fake = four_sections("fake_6");
  const auto model = load(fake);
  const auto& memmap = model.sections[2].memmap;
  ASSERT_TRUE(memmap) << memmap.error().message;
  EXPECT_EQ(memmap->address, fake.struct_page(Pfn(0x10000)));
  EXPECT_EQ(memmap->bytes, 2U << 20);
  EXPECT_EQ(memmap->mapped_bytes(), 2U << 20);
  ASSERT_EQ(memmap->backing.size(), 1U);
  EXPECT_EQ(memmap->backing[0].start, PhysAddr(FakeKernel::memmap + (4 << 20)));
}

TEST(SectionNode, IsAbsentWhereTheFirstStructPageIsLost) {
  FakeKernel fake = four_sections("fake_6");
  fake.lose(fake.struct_page(Pfn(0x10000)), 64);
  const auto model = load(fake, true);
  ASSERT_FALSE(model.sections[2].node);
  EXPECT_EQ(model.sections[2].node.error().code, Errc::excluded);
  EXPECT_TRUE(model.sections[1].node && model.sections[3].node);
  EXPECT_TRUE(model.sections[2].memmap);  // what backs it is in the page tables
}

TEST(SectionNode, IsThatOfTheFirstPageThatExists) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1, .node = 7, .subsections = ~0xfULL});  // memory begins 8 MiB into the section
  for (std::uint64_t pfn = 0x8000; pfn < 0x8800; pfn += 512) fake.set_page(Pfn(pfn), 0, 0);
  const auto model = load(fake);
  ASSERT_TRUE(model.sections[0].node);
  EXPECT_EQ(*model.sections[0].node, NodeId{7});
}

}  // namespace
}  // namespace memsect
