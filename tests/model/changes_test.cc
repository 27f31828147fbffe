#include "model/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memsect {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* not_asked_for = "not asked for";

Section section(std::uint64_t nr, bool online, std::uint64_t usage) {
  Section section;
  section.nr = SectionNr(nr);
  section.coded_mem_map = 0xffffea0000000000;
  section.flags.present = section.flags.has_mem_map = true;
  section.flags.online = online;
  section.usage = Placement{VirtAddr(usage), 56, {}, Allocation::slab};
  section.memmap = Memmap{};
  section.pageblocks = std::vector<Pageblock>{};
  section.node = NodeId{0};
  return section;
}

MemoryBlock block(std::uint64_t id, const char* state) {
  MemoryBlock block;
  block.id = id;
  block.address = VirtAddr(0x1000 * id);
  block.state = state;
  block.zone = std::string("Movable");
  return block;
}

/// Two sections, their blocks, and a node with a zone.
MemoryModel machine() {
  MemoryModel model;
  model.sections = {section(1, true, 0x100), section(2, false, 0x200)};
  model.blocks = std::vector<MemoryBlock>{block(1, "online"), block(2, "offline")};
  Node node;
  node.zones.resize(1);
  node.zones[0].present_pages = 32768;
  node.zones[0].span_sequence = 4;
  node.zones[0].pageblocks = std::vector<std::uint64_t>{1, 2};
  model.nodes = {node};
  return model;
}

TEST(MemoryChanges, AreNoneInAMachineThatStandsStill) {
  EXPECT_TRUE(find_memory_changes(machine(), machine()).empty());
  MemoryModel busy = machine();
  busy.nodes[0].zones[0].managed_pages = 7;
  busy.nodes[0].zones[0].pageblocks = std::vector<std::uint64_t>{0, 3};
  busy.sections[0].pageblocks = std::vector<Pageblock>(3);
  EXPECT_TRUE(find_memory_changes(machine(), busy).empty());
}

TEST(MemoryChanges, AreNotSeenInWhatOneModelDoesNotHave) {
  MemoryModel bare = machine();
  bare.nodes.clear();
  bare.blocks = Error{Errc::not_applicable, not_asked_for, {}};
  bare.sections[0].usage = Error{Errc::not_applicable, not_asked_for, {}};
  EXPECT_TRUE(find_memory_changes(machine(), bare).empty());
  EXPECT_TRUE(find_memory_changes(bare, machine()).empty());
}

TEST(MemoryChanges, TellMemoryThatCameOrWentFromMemoryThatWasOnlined) {
  MemoryModel after = machine();
  after.sections[1].flags.online = true;
  after.sections.push_back(section(3, false, 0x300));
  const MemoryChanges changes = find_memory_changes(machine(), after);
  EXPECT_THAT(changes.onlined, ElementsAre(SectionNr(2)));
  EXPECT_THAT(changes.plugged, ElementsAre(SectionNr(3)));
  EXPECT_THAT(find_memory_changes(after, machine()).plugged, ElementsAre(SectionNr(3)));
}

TEST(MemoryChanges, SeeASectionThatWasAddedAnewByItsUsage) {
  MemoryModel after = machine();
  after.sections[1].usage->address = VirtAddr(0x900);
  EXPECT_THAT(find_memory_changes(machine(), after).plugged, ElementsAre(SectionNr(2)));
}

TEST(MemoryChanges, SeeBlocksByStateZoneAndAddress) {
  MemoryModel after = machine();
  (*after.blocks)[0].state = "going_offline";
  (*after.blocks)[1].address = VirtAddr(1);
  EXPECT_THAT(find_memory_changes(machine(), after).blocks, ElementsAre(1, 2));
  after = machine();
  (*after.blocks)[1].zone = std::string("Normal");
  EXPECT_THAT(find_memory_changes(machine(), after).blocks, ElementsAre(2));
}

TEST(MemoryChanges, SeeAZoneThatWentThereAndBackByTheCounterOfItsLock) {
  MemoryModel after = machine();
  after.nodes[0].zones[0].span_sequence = 6;
  EXPECT_THAT(find_memory_changes(machine(), after).nodes, ElementsAre(NodeId{0}));
  MemoryModel changing = machine();
  changing.nodes[0].zones[0].span_sequence = 5;
  EXPECT_THAT(find_memory_changes(changing, changing).nodes, ElementsAre(NodeId{0}));
}

TEST(MarkInFlux, TakesAwayWhatTheChangeTouchesAndNoMore) {
  MemoryModel model = machine();
  model.sections.push_back(section(3, false, 0x300));
  model.sections[1].memmap = Error{Errc::not_applicable, not_asked_for, {}};
  MemoryChanges changes;
  changes.onlined = {SectionNr(1)};
  changes.plugged = {SectionNr(2)};
  changes.blocks = {2};
  changes.nodes = {NodeId{0}};
  mark_in_flux(model, changes);
  EXPECT_TRUE(model.sections[0].usage && model.sections[0].memmap) << "onlining does not move these";
  EXPECT_EQ(model.sections[0].pageblocks.error().code, Errc::in_flux);
  EXPECT_EQ(model.sections[1].usage.error().code, Errc::in_flux);
  EXPECT_EQ(model.sections[1].memmap.error().message, not_asked_for);
  EXPECT_TRUE(model.sections[2].usage && model.sections[2].pageblocks && model.sections[2].node);
  EXPECT_TRUE((*model.blocks)[0].zone);
  EXPECT_EQ((*model.blocks)[1].zone.error().code, Errc::in_flux);
  EXPECT_EQ(model.nodes[0].zones[0].numbers.error().code, Errc::in_flux);
  EXPECT_EQ(model.nodes[0].zones[0].pageblocks.error().code, Errc::in_flux);
  ASSERT_EQ(model.notes.all().size(), 1U);
  EXPECT_THAT(model.notes.all()[0].text, HasSubstr("(sections 1-2)"));
}

TEST(MarkInFlux, IsSilentWhereNothingChanged) {
  MemoryModel model = machine();
  mark_in_flux(model, {});
  EXPECT_THAT(model.notes.all(), IsEmpty());
  EXPECT_FALSE(has_gaps(model));
}

TEST(HasGaps, KnowsWhatCouldNotBeReadFromWhatWasNotAskedFor) {
  MemoryModel model = machine();
  EXPECT_FALSE(has_gaps(model));
  model.sections[1].memmap = Error{Errc::not_mapped, "", {}};
  EXPECT_TRUE(has_gaps(model));
  model = machine();
  model.nodes[0].zones[0].pageblocks = Error{Errc::not_in_dump, "", {}};
  EXPECT_TRUE(has_gaps(model));
  model = machine();
  model.blocks = Error{Errc::no_symbol, "", {}};
  EXPECT_TRUE(has_gaps(model));
  model = machine();
  model.incomplete = true;
  EXPECT_TRUE(has_gaps(model));
}

}  // namespace
}  // namespace memsect
