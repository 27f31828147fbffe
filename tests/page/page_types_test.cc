#include "page/page_types.h"

#include <gmock/gmock.h>

#include "support/fake_types.h"

namespace memsect {
namespace {

using test::FakeTypes;
using testing::ElementsAre;
using testing::IsEmpty;

StructLayout page_with(std::initializer_list<const char*> members) {
  StructLayout page;
  page.name = "page";
  page.size = 64;
  for (const char* member : members) page.members.push_back({member, 0, 4, 4, 1, "", false});
  return page;
}

Vmcoreinfo info(const std::string& text) {
  auto parsed = Vmcoreinfo::parse(text);
  EXPECT_TRUE(parsed);
  return parsed ? std::move(*parsed) : Vmcoreinfo();
}

std::string name_of(const std::vector<PageType>& types, std::uint32_t word) {
  return std::string(page_type_name(types, word).value_or("none"));
}

TEST(PageFlags, TakeTheFirstNameOfABitAndStopAtTheirNumber) {
  FakeTypes types;
  types.enums["pageflags"] = {{"PG_locked", 0},      {"PG_lru", 5},       {"PG_reclaim", 3},
                              {"__NR_PAGEFLAGS", 6}, {"PG_readahead", 3}, {"PG_checked", 0},
                              {"PG_beyond", 6},      {"PG_negative", -1}, {"PAGEFLAGS", 1}};
  std::vector<std::string> names;
  for (const PageFlag& flag : find_page_flags(types)) names.push_back(flag.name + std::to_string(flag.bit));
  EXPECT_THAT(names, ElementsAre("locked0", "reclaim3", "lru5"));
  EXPECT_THAT(find_page_flags(FakeTypes()), IsEmpty());
}

TEST(PageTypes, AreTheTopByteWhereAnEnumNamesThem) {  // 6.12+
  FakeTypes types;
  types.enums["pagetype"] = {{"PGTY_buddy", 0xf0}, {"PGTY_slab", 0xf5}, {"PGTY_mapcount_underflow", 0xff}};
  const auto known = find_page_types(types, {}, page_with({"page_type"}));
  EXPECT_EQ(name_of(known, 0xf0000000), "buddy");
  EXPECT_EQ(name_of(known, 0xf5012345), "slab") << "the low bits are the owner's";
  EXPECT_EQ(name_of(known, 0xffffffff), "none");
  EXPECT_EQ(name_of(known, 3), "none") << "a mapcount";
}

TEST(PageTypes, AreClearedBitsOfAHighBaseIn6_11) {
  FakeTypes types;
  types.enums["pagetype"] = {{"PG_buddy", 0x40000000}, {"PG_slab", 0x02000000}};
  const auto known = find_page_types(types, {}, page_with({"page_type"}));
  EXPECT_EQ(name_of(known, 0xbfffffff), "buddy");
  EXPECT_EQ(name_of(known, 0xfdffffff), "slab");
  EXPECT_EQ(name_of(known, 0xffffffff), "none");
  EXPECT_EQ(name_of(known, 0), "none");
}

TEST(PageTypes, AreClearedBitsThatVmcoreinfoPrintsBefore) {
  const auto printed =
      info("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n");
  const auto later = find_page_types(FakeTypes(), printed, page_with({"page_type", "memcg_data"}));
  EXPECT_EQ(name_of(later, 0xffffff7f), "buddy");
  EXPECT_EQ(name_of(later, 0xfffffeff), "offline");
  EXPECT_EQ(name_of(later, 0xfffffdff), "table");
  EXPECT_EQ(name_of(later, 0xfffffbff), "guard");
  EXPECT_EQ(name_of(later, 0), "none");
  const auto before = find_page_types(FakeTypes(), printed, page_with({"page_type", "mem_cgroup"}));
  EXPECT_EQ(name_of(before, 0xfffffdff), "kmemcg");
  EXPECT_EQ(name_of(before, 0xfffffbff), "table");
  EXPECT_EQ(name_of(before, 0xfffff7ff), "guard");
  const auto unsure = find_page_types(FakeTypes(), printed, page_with({"page_type"}));
  EXPECT_EQ(name_of(unsure, 0xfffffdff), "none") << "the bit means one thing or another";
}

TEST(PageTypes, GiveAPrintedBitPrecedenceOverOneThatIsAssumed) {  // 6.9: hugetlb took 0x800
  const auto printed =
      info("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-2049\n");
  const auto known = find_page_types(FakeTypes(), printed, page_with({"page_type", "mem_cgroup"}));
  EXPECT_EQ(name_of(known, 0xfffff7ff), "hugetlb");
}

TEST(PageTypes, AreTopBytesInVmcoreinfoToo) {
  const auto known = find_page_types(FakeTypes(), info("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n"),
                                     page_with({"page_type"}));
  EXPECT_EQ(name_of(known, 0xf0000000), "buddy");
  EXPECT_EQ(name_of(known, 0xffffffff), "none");
}

TEST(PageTypes, AreMapcountsBefore4_18) {
  const auto known = find_page_types(FakeTypes(), info("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-128\n"),
                                     page_with({"_mapcount"}));
  EXPECT_EQ(name_of(known, 0xffffff80), "buddy");
  EXPECT_EQ(name_of(known, 0xffffffff), "none");
}

}  // namespace
}  // namespace memsect
