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

TEST(HotPlug, IsToldByTheFunctionsThatAKernelHas) {
  const auto hot_plug_of = [](const char* fixture) {
    FakeKernel fake(fixture);
    fake.add_section({.nr = 0});
    return fake.load({})->hot_plug;
  };
  EXPECT_EQ(hot_plug_of("fake_lmbs"), HotPlug::add_only);
  EXPECT_EQ(hot_plug_of("fake_owner_new"), HotPlug::full);
  EXPECT_EQ(hot_plug_of("fake_6"),
            HotPlug::full);  // where the list of functions is short, nothing is concluded
}

TEST(Blocks, GiveSectionsThatAreNotOnlineTheirNode) {
  const auto model = load(two_blocks("fake_6", 1, 4));
  ASSERT_TRUE(model.sections[1].node);
  EXPECT_EQ(*model.sections[1].node, NodeId{3});
}

TEST(Blocks, OfNoNodeGiveTheirSectionsNone) {
  FakeKernel fake = two_blocks("fake_6", 1, 4);
  fake.add_section({.nr = 3, .flags = 3});
  fake.add_block({.id = 3, .state = 4, .node = -1});
  const auto model = load(fake);
  EXPECT_EQ((*model.blocks)[2].node.error().code, Errc::not_applicable);
  EXPECT_EQ(model.sections[2].node.error().code, Errc::not_applicable);
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

TEST(Blocks, ThatAreLostAreDerivedFromTheirSectionsAndMarked) {
  FakeKernel fake = two_blocks("fake_6", 1, 4);
  fake.lose(FakeKernel::at(FakeKernel::blocks + 0x1000), 0x1000);
  const auto model = load(fake, true);
  ASSERT_TRUE(model.blocks);
  ASSERT_EQ(model.blocks->size(), 2U);
  const MemoryBlock& lost = (*model.blocks)[0];
  EXPECT_EQ(lost.id, 1U);
  EXPECT_TRUE(lost.derived);
  EXPECT_EQ(lost.state, "online");
  EXPECT_EQ(lost.placement.error().code, Errc::excluded);
  EXPECT_EQ(lost.zone.error().code, Errc::excluded);
  EXPECT_EQ(lost.altmap_pages.error().code, Errc::excluded);
  EXPECT_FALSE((*model.blocks)[1].derived);
  EXPECT_TRUE(model.incomplete);
  ASSERT_TRUE(model.blocks_short);
  EXPECT_EQ(model.blocks_short->code, Errc::excluded);
  std::vector<std::string> texts;
  for (const Note& note : model.notes.all()) texts.push_back(note.text);
  EXPECT_THAT(texts, Contains(HasSubstr("memory blocks 1 cannot be read")));
}

/// Sections 2 and 3 are not online, and no boot memory: a device's has struct pages that say so.
TEST(Blocks, AreDerivedForOfflineMemoryAndNotForADevices) {
  FakeKernel fake("fake_6");
  const auto device = fake.types().find_enumerator("zone_type", "ZONE_DEVICE");
  ASSERT_TRUE(device);
  fake.add_section({.nr = 1});
  fake.add_section({.nr = 2, .flags = 3});
  fake.add_section({.nr = 3, .flags = 3});
  fake.add_node(0, 0x8000, 0x8000);
  for (const unsigned nr : {1U, 2U}) fake.add_block({.id = nr, .state = nr == 1 ? 1U : 4U});
  fake.set_page(Pfn(0x1ffff), 0, static_cast<unsigned>(*device));
  fake.set_page(Pfn(0x17fff), 0, 0);
  fake.lose(FakeKernel::at(FakeKernel::blocks + 0x2000), 0x1000);
  const auto model = load(fake, true);
  ASSERT_TRUE(model.blocks);
  ASSERT_EQ(model.blocks->size(), 2U);
  EXPECT_TRUE((*model.blocks)[1].derived);
  EXPECT_EQ((*model.blocks)[1].id, 2U);
  EXPECT_EQ((*model.blocks)[1].state, "offline");
  EXPECT_EQ(model.block_of(SectionNr(3)), nullptr);
}

/// The device list of a kernel before 5.8, with the blocks of some sections.
class DeviceList {
 public:
  explicit DeviceList(FakeKernel& fake) : fake_(fake) {
    fake.memory.add({FakeKernel::phys(bus_), 0x1000});
    fake.put(fake.symbol("memory_subsys"), "bus_type", "p", bus_.raw());
    link(head(), head());
  }
  void add(std::uint64_t start_section, std::uint64_t state = 1) {
    const VirtAddr device = FakeKernel::at(FakeKernel::blocks + 0x10000 * ++count_);
    const VirtAddr block = device + 0x1000;
    fake_.memory.add({FakeKernel::phys(device), 0x2000});
    fake_.put(block, "memory_block", "start_section_nr", start_section);
    fake_.put(block, "memory_block", "state", state);
    fake_.put(block, "memory_block", "nid", 0);
    fake_.put(device, "device_private", "device", (block + offset("memory_block", "dev")).raw());
    link(last_, node(device));
    link(node(device), head());
    last_ = node(device);
  }
  void link(VirtAddr from, VirtAddr to) { fake_.put(from, to.raw()); }
  VirtAddr head() const {
    return bus_ + offset("subsys_private", "klist_devices") + offset("klist", "k_list");
  }
  VirtAddr last() const { return last_; }

 private:
  std::uint64_t offset(const char* type, const char* member) const {
    return fake_.layout(type).find(member)->offset;
  }
  VirtAddr node(VirtAddr device) const {
    return device + offset("device_private", "knode_bus") + offset("klist_node", "n_node");
  }

  FakeKernel& fake_;
  const VirtAddr bus_ = FakeKernel::at(FakeKernel::blocks);
  std::uint64_t count_ = 0;
  VirtAddr last_ = head();
};

TEST(Blocks, ComeFromTheDeviceListBefore58) {
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 1});
  fake.put(fake.symbol("sections_per_block"), 2, 4);
  DeviceList list(fake);
  for (const std::uint64_t section : {4, 0, 2}) list.add(section);
  const auto model = load(fake);
  ASSERT_TRUE(model.blocks) << model.blocks.error().message;
  ASSERT_EQ(model.blocks->size(), 3U);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*model.blocks)[i].id, i);
    EXPECT_EQ((*model.blocks)[i].start_section, SectionNr(2 * i));
    EXPECT_EQ((*model.blocks)[i].state, "online");
  }
  EXPECT_FALSE(model.incomplete);
}

TEST(Blocks, TellWhichSectionsAreOnlineBefore413) {
  FakeKernel fake("fake_4_3");
  for (const std::uint64_t nr : {0, 1, 2}) fake.add_section({.nr = nr, .flags = 3});
  fake.put(fake.symbol("sections_per_block"), 1, 4);
  DeviceList list(fake);
  list.add(0);
  list.add(1, 4);  // offline; section 2 is a device's, without a block
  const auto model = fake.load({});
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(model->sections.size(), 3U);
  EXPECT_TRUE(model->sections[0].flags.online);
  EXPECT_FALSE(model->sections[1].flags.online);
  EXPECT_FALSE(model->sections[2].flags.online);
  EXPECT_FALSE(model->marks_online);
}

TEST(Blocks, OfADeviceListThatLoopsAreThoseBeforeTheLoop) {
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 1});
  DeviceList list(fake);
  list.add(1);
  list.link(list.last(), list.last());
  const auto model = load(fake);
  ASSERT_TRUE(model.blocks) << model.blocks.error().message;
  EXPECT_EQ(model.blocks->size(), 1U);
  EXPECT_TRUE(model.incomplete);
}

TEST(Blocks, OfADeviceListThatIsCutOffAreThoseBeforeTheCut) {
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 1});
  DeviceList list(fake);
  list.add(1);
  list.link(list.last(), FakeKernel::at(0x3ff00000));  // no memory there
  const auto model = load(fake);
  ASSERT_TRUE(model.blocks) << model.blocks.error().message;
  EXPECT_EQ(model.blocks->size(), 1U);
  EXPECT_TRUE(model.incomplete);
}

TEST(Blocks, AreAbsentWithAReasonWhereTheKernelKeepsNoListOfThem) {
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 1});
  fake.put(fake.symbol("memory_subsys"), "bus_type", "p", 0);
  const auto model = load(fake);
  ASSERT_FALSE(model.blocks);
  EXPECT_EQ(model.blocks.error().code, Errc::corrupt);
  EXPECT_THAT(model.blocks.error().message, HasSubstr("memory_subsys"));
}

TEST(Blocks, NameTheGroupThatFirmwareAddsAndRemovesAsOne) {
  FakeKernel fake = two_blocks("fake_6", 1, 4);
  const VirtAddr group = FakeKernel::at(FakeKernel::blocks + 0x80000);
  fake.memory.add({FakeKernel::phys(group), 0x1000});
  fake.put(group, "memory_group", "nid", 3);
  fake.put(group, "memory_group", "is_dynamic", 1);
  fake.put(group, "memory_group", "d", 0x8000);
  fake.put(group, "memory_group", "present_movable_pages", 0x10000);
  fake.put(FakeKernel::at(FakeKernel::blocks + 0x2000), "memory_block", "group", group.raw());
  auto model = load(fake);
  EXPECT_EQ((*model.blocks)[0].group_details.error().code, Errc::not_applicable);
  const MemoryBlock& block = (*model.blocks)[1];
  ASSERT_TRUE(block.group_details) << block.group_details.error().message;
  EXPECT_EQ(*block.group_details->node, NodeId{3});
  EXPECT_TRUE(block.group_details->is_dynamic);
  EXPECT_EQ(block.group_details->pages, 0x8000U);
  EXPECT_EQ(block.group_details->present_movable_pages, 0x10000U);

  fake.lose(group, 0x1000);
  model = load(fake, true);
  EXPECT_EQ((*model.blocks)[1].group_details.error().code, Errc::excluded);
}

TEST(Blocks, SayWhoGaveTheirMemory) {
  FakeKernel fake = two_blocks("fake_6", 1, 4);
  fake.add_section({.nr = 0});
  fake.mark({PhysAddr(FakeKernel::blocks + 0x1000), 0x1000}, 0, fake.reserved_flag());
  const auto model = load(fake);
  ASSERT_TRUE((*model.blocks)[0].placement);
  EXPECT_EQ((*model.blocks)[0].placement->allocation, Allocation::boot);
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
