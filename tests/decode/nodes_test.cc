// pgdats and zones, and pageblocks counted as /proc/pagetypeinfo counts them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ModelParts parts{
    .usages = true, .section_nodes = true, .section_zones = true, .nodes = true, .zone_pageblocks = true};

MemoryModel load(const FakeKernel& fake, bool as_kdump = false) {
  auto model = fake.load(parts, as_kdump);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

/// Two nodes of two sections each; node 1's pgdat lies on node 0, as both do in these kernels.
FakeKernel two_nodes(const char* fixture) {
  FakeKernel fake(fixture);
  for (std::uint64_t nr = 0; nr < 4; ++nr) fake.add_section({.nr = nr, .node = nr < 2 ? 0U : 1U});
  for (const unsigned node : {0U, 1U}) {
    fake.add_node(node, node * 0x10000, 0x10000);
    fake.add_zone(node, 2, "Normal", node * 0x10000, 0x10000);
    fake.mark({FakeKernel::phys(fake.pgdat(node)), fake.layout("pglist_data").size}, 0, fake.reserved_flag());
  }
  fake.put(fake.symbol("node_states") + 8, 0b11);   // N_ONLINE
  fake.put(fake.symbol("node_states") + 24, 0b01);  // N_MEMORY
  return fake;
}

TEST(Zones, CountEveryPageblockThatTheySpanUpTo46) {
  for (const char* fixture : {"fake_4_3", "fake_4_14"}) {
    FakeKernel fake(fixture);
    for (std::uint64_t nr = 0; nr < 3; ++nr)
      fake.add_section({.nr = nr, .flags = 3, .node = nr == 1 ? 1U : 0U});
    fake.add_node(0, 0, 0x18000);
    fake.add_zone(0, 2, "Normal", 0, 0x18000);
    fake.add_node(1, 0x8000, 0x8000);
    fake.add_zone(1, 2, "Normal", 0x8000, 0x8000);
    const auto model = load(fake);
    ASSERT_EQ(model.nodes.size(), 2U);
    const auto counted = [&model](std::size_t node) {
      const auto& counts = model.nodes[node].zones[2].pageblocks;
      return counts ? (*counts)[0] : ~std::uint64_t{0};
    };
    EXPECT_EQ(counted(0), fixture == std::string("fake_4_3") ? 3 * 64U : 2 * 64U) << fixture;
    EXPECT_EQ(counted(1), 64U) << fixture;
  }
}

class NodesOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(AllLayouts, NodesOf, ::testing::Values("fake_4_14", "fake_6", "fake_7"));

TEST_P(NodesOf, HaveTheirPgdatsAndZones) {
  const FakeKernel fake = two_nodes(GetParam());
  const auto model = load(fake);
  ASSERT_EQ(model.nodes.size(), 2U);
  EXPECT_FALSE(model.incomplete);
  const Node& node = model.nodes[1];
  EXPECT_EQ(node.id, NodeId{1});
  EXPECT_EQ(node.pgdat, fake.pgdat(1));
  EXPECT_EQ(node.start_pfn, Pfn(0x10000));
  EXPECT_EQ(node.spanned_pages, 0x10000U);
  ASSERT_TRUE(node.placement) << node.placement.error().message;
  EXPECT_EQ(node.placement->first_phys(), FakeKernel::phys(fake.pgdat(1)));
  EXPECT_EQ(node.placement->bytes, fake.layout("pglist_data").size);
  EXPECT_EQ(node.placement->allocation, Allocation::boot);
  ASSERT_TRUE(node.on_node && node.online && node.has_memory);
  EXPECT_EQ(*node.on_node, NodeId{0});
  EXPECT_TRUE(*node.online);
  EXPECT_FALSE(*node.has_memory);
  ASSERT_GE(node.zones.size(), 4U);
  EXPECT_EQ(node.zones[2].name, "Normal");
  EXPECT_EQ(node.zones[2].start_pfn, Pfn(0x10000));
  EXPECT_EQ(node.zones[2].managed_pages, 0x10000U);
  EXPECT_EQ(node.zones[1].name, "DMA32");  // no name was written: the enumerators know it
  ASSERT_TRUE(model.sections[3].zones);
  EXPECT_THAT(model.sections[3].zones->nodes, ElementsAre(NodeId{1}));
  EXPECT_THAT(model.sections[3].zones->zones, ElementsAre("Normal"));
}

TEST_P(NodesOf, SayWhoseTheyAre) {
  FakeKernel fake = two_nodes(GetParam());
  const std::uint64_t zone_size = fake.layout("zone").size;
  fake.put(fake.pgdat(1), "pglist_data", "node_id", 1);
  fake.put(fake.pgdat(1) + 2 * zone_size, "zone", "zone_pgdat", fake.pgdat(0).raw());  // which is wrong
  const auto model = load(fake);
  ASSERT_EQ(model.nodes.size(), 2U);
  const Node& node = model.nodes[1];
  ASSERT_TRUE(node.stated_id) << node.stated_id.error().message;
  EXPECT_EQ(*node.stated_id, NodeId{1});
  ASSERT_TRUE(node.zones[2].pgdat) << node.zones[2].pgdat.error().message;
  EXPECT_EQ(*node.zones[2].pgdat, fake.pgdat(0));
  EXPECT_FALSE(node.zones[2].isolated);  // these have no nr_isolate_pageblock
}

TEST(Nodes, WithALostPgdatKeepTheirPlace) {
  FakeKernel fake = two_nodes("fake_6");
  fake.lose(fake.pgdat(0), fake.layout("pglist_data").size);
  const auto model = load(fake, true);
  ASSERT_EQ(model.nodes.size(), 2U);
  EXPECT_FALSE(model.nodes[0].numbers);
  EXPECT_FALSE(model.nodes[0].zones.at(0).numbers);
  EXPECT_FALSE(model.nodes[0].zones.at(0).pageblocks);
  EXPECT_TRUE(model.nodes[0].placement) << "who holds it cannot go, readable or not";
  EXPECT_TRUE(model.nodes[1].numbers);
  EXPECT_TRUE(model.incomplete);
  std::vector<std::string> texts;
  for (const Note& note : model.notes.all()) texts.push_back(note.text);
  EXPECT_THAT(texts, Contains(HasSubstr("node 0: its pgdat")));
  EXPECT_EQ(model.sections.size(), 4U);
}

TEST(Nodes, AreAbsentWhereNodeDataIsLost) {
  FakeKernel fake = two_nodes("fake_6");
  fake.vmcoreinfo["SYMBOL(node_data)"] = "ffffc90000000000";
  const auto model = load(fake);
  EXPECT_TRUE(model.nodes.empty());
  EXPECT_TRUE(model.incomplete);
}

TEST(Nodes, OfAnAbsurdNumberAreRefused) {
  FakeKernel fake = two_nodes("fake_6");
  for (const char* length : {"65537", "1099511627776", "18446744073709551615"}) {
    fake.vmcoreinfo["LENGTH(node_data)"] = length;
    const auto model = load(fake);
    EXPECT_TRUE(model.nodes.empty()) << length;
    EXPECT_TRUE(model.incomplete) << length;
  }
}

std::vector<std::uint64_t> pageblocks(const MemoryModel& model, unsigned node, unsigned zone) {
  const auto& counts = model.nodes[node].zones[zone].pageblocks;
  if (!counts) ADD_FAILURE() << counts.error().message;
  return counts ? *counts : std::vector<std::uint64_t>();
}

TEST(ZonePageblocks, CountEachBlockByTheTypeOfItsFirstPage) {
  FakeKernel fake = two_nodes("fake_6");
  fake.add_section({.nr = 1, .usemap = {0x1111111111111111, 0x2}});
  fake.set_page(Pfn(0x8000), 1, 2);        // another node's
  fake.set_page(Pfn(0x8000 + 512), 0, 1);  // another zone's
  const auto model = load(fake);
  // node 0: 64 blocks of section 0, 62 of section 1: 14 are movable and 1 is reclaimable
  EXPECT_THAT(pageblocks(model, 0, 2), ElementsAre(64 + 47, 14, 1, 0, 0));
  EXPECT_THAT(pageblocks(model, 1, 2), ElementsAre(128, 0, 0, 0, 0));
  EXPECT_THAT(pageblocks(model, 0, 1), ElementsAre(0, 0, 0, 0, 0));  // a zone without pages
}

TEST(ZonePageblocks, AreCountedFromAZoneStartThatNeedNotBeAligned) {
  FakeKernel fake = two_nodes("fake_6");
  // From pfn 1 in steps of 512 pages: 1, 513, ..., whose struct pages are the ones that count.
  fake.add_zone(0, 2, "Normal", 1, 0x10000 - 1);
  for (std::uint64_t pfn = 0; pfn < 0x10000; pfn += 512) {
    fake.set_page(Pfn(pfn), 0, 3);
    fake.set_page(Pfn(pfn + 1), 0, pfn < 1024 ? 1 : 2);
  }
  const auto model = load(fake);
  EXPECT_THAT(pageblocks(model, 0, 2), ElementsAre(126, 0, 0, 0, 0));
}

TEST(ZonePageblocks, LeaveOutWhatIsNotOnline) {
  FakeKernel fake = two_nodes("fake_6");
  fake.add_section({.nr = 1, .flags = 3});                         // not online
  fake.add_section({.nr = 0, .subsections = 0x00000000ffffffff});  // half of it does not exist
  const auto model = load(fake);
  EXPECT_THAT(pageblocks(model, 0, 2), ElementsAre(32, 0, 0, 0, 0));
}

TEST(ZonePageblocks, AreAbsentWhereAPageIsLost) {
  FakeKernel fake = two_nodes("fake_6");
  fake.lose(fake.struct_page(Pfn(0x8000 + 512)), 64);
  const auto model = load(fake, true);
  const auto& counts = model.nodes[0].zones[2].pageblocks;
  ASSERT_FALSE(counts);
  EXPECT_EQ(counts.error().code, Errc::excluded);
  EXPECT_TRUE(model.nodes[1].zones[2].pageblocks);
  // the section's zones are read at the same pages
  EXPECT_FALSE(model.sections[1].zones);
}

TEST(ZonePageblocks, OfAnAbsurdZoneAreCountedAllTheSame) {
  FakeKernel fake = two_nodes("fake_6");
  fake.put(fake.zone(1, 2), "zone", "zone_start_pfn", ~0ULL - 5);
  fake.put(fake.zone(0, 2), "zone", "spanned_pages", ~0ULL);
  const auto model = load(fake);
  EXPECT_THAT(pageblocks(model, 1, 2), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_EQ(model.nodes[0].zones[2].spanned_pages, ~0ULL);
}

}  // namespace
}  // namespace memsect
