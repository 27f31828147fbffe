// Memory blocks: the xarray, states before and after 6.19, zones, altmaps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::Contains;
using ::testing::HasSubstr;

MemoryModel load(const FakeKernel& fake, bool as_kdump = false) {
  auto model = fake.load({.memmap = true, .section_nodes = true, .nodes = true, .blocks = true}, as_kdump);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

/// Section 1 online in a block, section 2 hot-added and offline in another.
FakeKernel two_blocks(const char* fixture, std::uint64_t online, std::uint64_t offline) {
  FakeKernel fake(fixture);
  fake.add_section({.nr = 1});
  fake.add_section({.nr = 2, .flags = 3});
  fake.add_node(0, 0x8000, 0x8000);
  fake.add_zone(0, 2, "Normal", 0x8000, 0x8000);
  fake.add_block({.id = 1, .state = online, .zone = fake.zone(0, 2)});
  fake.add_block({.id = 2, .state = offline, .node = 3});
  return fake;
}

TEST(Blocks, NameTheirStatesByTheMacrosBefore619) {
  const auto model = load(two_blocks("fake_6", 1, 4));
  ASSERT_TRUE(model.blocks) << model.blocks.error().message;
  ASSERT_EQ(model.blocks->size(), 2U);
  EXPECT_EQ((*model.blocks)[0].state, "online");
  EXPECT_EQ((*model.blocks)[1].state, "offline");
  EXPECT_EQ((*model.blocks)[1].id, 2U);
  EXPECT_EQ((*model.blocks)[1].start_section, SectionNr(2));
  EXPECT_EQ(model.geometry.sections_per_block, 1U);
}

TEST(Blocks, NameTheirStatesByTheEnumeratorsSince619) {
  const auto model = load(two_blocks("fake_7", 0, 2));
  ASSERT_TRUE(model.blocks) << model.blocks.error().message;
  EXPECT_EQ((*model.blocks)[0].state, "online");
  EXPECT_EQ((*model.blocks)[1].state, "offline");
  const auto odd = load(two_blocks("fake_7", 1, 77));
  EXPECT_EQ((*odd.blocks)[0].state, "going_offline");
  EXPECT_EQ((*odd.blocks)[1].state, "unknown (77)");
}

TEST(Blocks, HaveTheZoneThatSpansThemOrNone) {
  FakeKernel fake = two_blocks("fake_6", 1, 4);
  auto model = load(fake);
  ASSERT_TRUE((*model.blocks)[0].zone);
  EXPECT_EQ(*(*model.blocks)[0].zone, "Normal");
  ASSERT_TRUE((*model.blocks)[1].zone);
  EXPECT_EQ(*(*model.blocks)[1].zone, "");  // NULL: several zones, or offline

  fake.add_block({.id = 1, .zone = fake.zone(0, 2) + 8});
  model = load(fake);
  ASSERT_FALSE((*model.blocks)[0].zone);
  EXPECT_EQ((*model.blocks)[0].zone.error().code, Errc::corrupt);
}

TEST(Blocks, GiveSectionsThatAreNotOnlineTheirNode) {
  const auto model = load(two_blocks("fake_6", 1, 4));
  ASSERT_TRUE(model.sections[1].node);
  EXPECT_EQ(*model.sections[1].node, NodeId{3});
}

TEST(Blocks, SayHowManyPagesTheirOwnMemmapTakes) {
  for (const char* fixture : {"fake_6", "fake_7"}) {
    FakeKernel fake = two_blocks(fixture, 0, 0);
    fake.add_block({.id = 2, .altmap_pages = 512});
    const auto model = load(fake);
    ASSERT_TRUE((*model.blocks)[0].altmap_pages) << fixture;
    EXPECT_EQ(*(*model.blocks)[0].altmap_pages, 0U);
    ASSERT_TRUE((*model.blocks)[1].altmap_pages)
        << fixture << (*model.blocks)[1].altmap_pages.error().message;
    EXPECT_EQ(*(*model.blocks)[1].altmap_pages, 512U);
  }
}

TEST(Blocks, ThatAreLostAreSaidToBeMissing) {
  FakeKernel fake = two_blocks("fake_6", 1, 4);
  fake.lose(FakeKernel::at(FakeKernel::blocks + 0x1000), 0x1000);
  const auto model = load(fake, true);
  ASSERT_TRUE(model.blocks);
  ASSERT_EQ(model.blocks->size(), 1U);
  EXPECT_EQ((*model.blocks)[0].id, 2U);
  EXPECT_TRUE(model.incomplete);
  std::vector<std::string> texts;
  for (const Note& note : model.notes.all()) texts.push_back(note.text);
  EXPECT_THAT(texts, Contains(HasSubstr("memory blocks 1 cannot be read")));
}

TEST(Blocks, AreAbsentWithAReasonWhereTheKernelHasNoXarray) {  // before 5.8
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 1});
  const auto model = load(fake);
  ASSERT_FALSE(model.blocks);
  EXPECT_EQ(model.blocks.error().code, Errc::no_symbol);
}

TEST(Blocks, FindTheirSizeByTheirNumbersWhereTheVariableIsLost) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 8});
  fake.put(fake.symbol("sections_per_block"), 0xffffffff, 4);  // more than any kernel has
  fake.add_block({.id = 4});
  fake.put(FakeKernel::at(FakeKernel::blocks + 0x4000), "memory_block", "start_section_nr", 8);
  const auto model = load(fake);
  EXPECT_EQ(model.geometry.sections_per_block, 2U);
  EXPECT_NE(model.block_of(SectionNr(9)), nullptr);
  EXPECT_EQ(model.block_of(SectionNr(10)), nullptr);
}

}  // namespace
}  // namespace memsect
