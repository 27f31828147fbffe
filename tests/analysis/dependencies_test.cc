#include "analysis/dependencies.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "analysis/words.h"
#include "support/model_text.h"

namespace memsect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

MemoryModel model_of(std::string_view text) {
  auto model = parse_model(text);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel{};
}

Dependencies found_in(std::string_view text, bool self = false) {
  return find_dependencies(model_of(text), {self});
}

const HeldObject* held_in(const Dependencies& found, std::uint64_t section, ObjectKind kind) {
  for (const Holder& holder : found.holders) {
    if (holder.section.raw() != section) continue;
    for (const HeldObject& object : holder.holds) {
      if (object.kind == kind) return &object;
    }
  }
  return nullptr;
}

TEST(Holders, HideWhatServesOnlyItsOwnSectionUnlessAsked) {
  const char* const text = "section 4 node=0 usage@self\nsection 5 node=0 usage@section:4 memmap@self\n";
  const Dependencies found = found_in(text);
  ASSERT_THAT(found.holders, SizeIs(1));
  // Two slab objects side by side count as one run: it serves section 5, too, so it is shown whole.
  EXPECT_THAT(found.holders[0].holds[0].of_sections, ElementsAre(SectionNr(4), SectionNr(5)));
  EXPECT_EQ(held_in(found, 5, ObjectKind::memmap), nullptr);
  const Dependencies all = found_in(text, true);
  EXPECT_THAT(all.holders, SizeIs(2));
  EXPECT_NE(held_in(all, 5, ObjectKind::memmap), nullptr);
}

TEST(Holders, DrawBackToBackUsagesTogetherOnlyIfAlike) {
  const Dependencies found = found_in(
      "geometry usage=64\n"
      "section 0 early node=0 usage@0x8000000\n"
      "section 2 early node=0 usage@0x8000040\n"
      "section 3 node=0 usage@0x8000080/slab\n"
      "section 4 node=0 usage@0x80000c0/slab^0xffffc90000000000\n"
      "section 5 node=0 usage@0x8000140/slab\n");
  ASSERT_THAT(found.holders, SizeIs(1));
  std::vector<std::uint64_t> sizes;
  for (const HeldObject& object : found.holders[0].holds) sizes.push_back(object.bytes);
  EXPECT_THAT(sizes, ElementsAre(128, 64, 64, 64));
  EXPECT_THAT(found.holders[0].holds[0].of_sections, ElementsAre(SectionNr(0), SectionNr(2)));
}

TEST(Holders, CountTheBytesOfAnObjectInEachSectionItTouches) {
  const Dependencies found = found_in("section 0-2\nnode 0 pgdat@0x7fff000+8K\n");
  const HeldObject* const below = held_in(found, 0, ObjectKind::pgdat);
  const HeldObject* const above = held_in(found, 1, ObjectKind::pgdat);
  ASSERT_NE(below, nullptr);
  ASSERT_NE(above, nullptr);
  EXPECT_EQ(below->bytes, 4096);
  EXPECT_EQ(above->bytes, 4096);
  EXPECT_EQ(above->phys, PhysAddr(0x8000000));
  EXPECT_EQ(*above->address, *below->address + 4096);
}

TEST(Holders, TakeAnEarlyUsageOfUnknownAllocationForBootMemory) {
  const auto permanent = [](std::string_view text) {
    const Dependencies found = found_in(text);
    const HeldObject* const usage = held_in(found, 1, ObjectKind::usage);
    return usage != nullptr && usage->permanent;
  };
  EXPECT_TRUE(permanent("section 0 early usage@section:1/unknown\nsection 1\n"));
  EXPECT_TRUE(
      permanent("section 0 usage@section:1/unknown\nsection 1\n"));  // before 5.3: nothing is marked early
  EXPECT_FALSE(permanent("section 0 usage@section:1/unknown\nsection 1 early\n"));
  EXPECT_FALSE(permanent("section 0 usage@section:1/slab\nsection 1\n"));
  EXPECT_TRUE(permanent("section 0 usage@section:1/boot\nsection 1 early\n"));  // removed and added again
}

TEST(Holders, PutTheHeaviestFirstAndTheLowerNumberOnATie) {
  const Dependencies found = found_in(
      "section 0 node=0 usage@section:3 memmap@section:5\nsection 1 node=0 usage@section:2\nsection 2-5\n");
  std::vector<SectionNr> order;
  for (const Holder& holder : found.holders) order.push_back(holder.section);
  EXPECT_THAT(order, ElementsAre(SectionNr(5), SectionNr(2), SectionNr(3)));
}

TEST(Holders, NameAPlaceBeyondPhysicalMemoryInsteadOfBelievingIt) {
  const Dependencies found = found_in("geometry physmem_bits=36\nsection 1 usage@0x1000000000+64\n");
  EXPECT_TRUE(found.incomplete);
  EXPECT_THAT(found.holders, IsEmpty());
  ASSERT_THAT(found.notes.all(), Not(IsEmpty()));
  EXPECT_THAT(found.notes.all()[0].text,
              testing::HasSubstr("the usage of section 1 could not be placed (corrupt)"));
}

TEST(Holders, SayNothingOfPartsThatWereNotAskedFor) {
  const Dependencies found = found_in("section 1-3\n");
  EXPECT_FALSE(found.incomplete);
  EXPECT_THAT(found.notes.all(), IsEmpty());
  EXPECT_THAT(found.removal_order, ElementsAre(SectionNr(3), SectionNr(2), SectionNr(1)));
}

TEST(RemovalOrder, IsNotGivenWhereSomethingThatKeepsASectionCouldBeAnywhere) {
  for (const char* text : {"section 1 usage=!excluded\nsection 2\n", "section 1-2\nnode 0 pgdat=!excluded\n",
                           "section 1 memmap=!excluded\nsection 2\n"}) {
    const Dependencies found = found_in(text);
    ASSERT_TRUE(found.order_unknown) << text;
    EXPECT_EQ(found.order_unknown->code, Errc::excluded) << text;
    EXPECT_THAT(found.removal_order, IsEmpty()) << text;
  }
  MemoryModel model = *parse_model("section 1-2\n");
  model.miss_keepers({Errc::truncated, "a page table", {}});
  EXPECT_TRUE(find_dependencies(model, {}).order_unknown);
}

TEST(RemovalOrder, IsNotGivenWhereAMemoryBlockCouldBeAnywhere) {
  const Dependencies found = found_in("section 1-2\nmemory_block 1 =!excluded\n");
  EXPECT_TRUE(found.incomplete);
  EXPECT_TRUE(found.order_unknown);
  EXPECT_THAT(found.removal_order, IsEmpty());
}

TEST(Holders, MentionMetadataOutsideOfAllPresentSections) {
  const Dependencies found = found_in("section 1 usage@section:7\n");
  ASSERT_THAT(found.holders, SizeIs(1));
  EXPECT_EQ(found.holders[0].node, std::nullopt);
  ASSERT_THAT(found.notes.all(), SizeIs(1));
  EXPECT_THAT(found.notes.all()[0].text,
              testing::HasSubstr("section 7, which the kernel does not list as present"));
  EXPECT_THAT(found.removal_order, ElementsAre(SectionNr(1)));
}

TEST(Edges, LeaveOutWhatASectionNeedsOfItself) {
  const Dependencies found = found_in("section 1 usage@self memmap@section:2\nsection 2\n");
  ASSERT_THAT(found.edges, SizeIs(1));
  EXPECT_EQ(vertex_name(found.edges[0].from), "section 1");
  EXPECT_EQ(vertex_name(found.edges[0].to), "section 2");
  EXPECT_EQ(edge_kinds_text(found.edges[0].kinds), "memmap");
}

TEST(Cycles, NeedTwoSections) {
  EXPECT_THAT(found_in("section 1 early node=0 usage@self memmap@self\nnode 0 pgdat@section:1\n").cycles,
              IsEmpty());
}

TEST(Cycles, TellTheSameSetOnlyOnce) {
  const Dependencies found =
      found_in("section 1 usage@section:2 memmap@section:2\nsection 2 usage@section:1\n");
  ASSERT_THAT(found.cycles, SizeIs(1));
  EXPECT_TRUE(found.cycles[0].classic);
  EXPECT_EQ(edge_kinds_text(found.cycles[0].kinds), "usage");
  EXPECT_EQ(found.cycles[0].example, "section 1 needs section 2 (usage); section 2 needs section 1 (usage)");
}

TEST(Cycles, ListTheLargerSetBesideTheClassicOneInsideIt) {
  const Dependencies found = found_in(
      "section 1 usage@section:2\nsection 2 usage@section:1 memmap@section:3\nsection 3 memmap@section:1\n");
  ASSERT_THAT(found.cycles, SizeIs(2));
  EXPECT_TRUE(found.cycles[0].classic);
  EXPECT_THAT(found.cycles[0].sections, ElementsAre(SectionNr(1), SectionNr(2)));
  EXPECT_FALSE(found.cycles[1].classic);
  EXPECT_THAT(found.cycles[1].sections, ElementsAre(SectionNr(1), SectionNr(2), SectionNr(3)));
}

TEST(Cycles, SayThatAMemberStaysAnywayOnlyIfItHoldsAPermanentObject) {
  EXPECT_FALSE(found_in("section 0 early\nsection 1 usage@section:2\nsection 2 usage@section:1\n")
                   .cycles[0]
                   .permanent_anyway);
  EXPECT_TRUE(
      found_in("section 1 early usage@section:2\nsection 2 usage@section:1\n").cycles[0].permanent_anyway);
}

/// Every pair in the order, and nothing in it that something later needs.
void expect_dependents_first(const Dependencies& found) {
  std::map<std::uint64_t, std::size_t> position;
  for (std::size_t i = 0; i < found.removal_order.size(); ++i) position[found.removal_order[i].raw()] = i;
  for (const Edge& edge : found.edges) {
    if (edge.from.kind != Vertex::Kind::section || edge.to.kind != Vertex::Kind::section) continue;
    const auto to = position.find(edge.to.number);
    if (to == position.end()) continue;
    const auto from = position.find(edge.from.number);
    ASSERT_NE(from, position.end()) << edge.to.number << " goes, but " << edge.from.number
                                    << " needs it and stays";
    EXPECT_LT(from->second, to->second);
  }
}

TEST(RemovalOrder, TakesDependentsFirstOnRandomGraphs) {
  std::uint32_t random = 12345;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
  };
  std::size_t circles = 0, movable = 0;
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int nr = 0; nr < 12; ++nr) {
      text +=
          fmt::format("section {}{} node={} usage@section:{} memmap@section:{}\n", nr, nr < 2 ? " early" : "",
                      next(2), next(12), std::max<std::uint32_t>(next(12), 1) - 1);
    }
    text += "node 0 pgdat@section:0\nnode 1 pgdat@section:1\n";
    SCOPED_TRACE(text);
    const Dependencies found = found_in(text);
    EXPECT_EQ(found.removal_order.size() + found.never.size(), 12);
    expect_dependents_first(found);
    for (const NeverRemovable& never : found.never) EXPECT_FALSE(never.because.empty());
    for (const Cycle& cycle : found.cycles) EXPECT_THAT(cycle.example, testing::HasSubstr("; "));
    circles += found.cycles.size();
    movable += found.removal_order.size();
  }
  EXPECT_GT(circles, 20);
  EXPECT_GT(movable, 200);
}

TEST(Scale, SixteenTebibytesOfSectionsAreNothingSpecial) {
  // 131,072 sections of 128 MiB on two nodes, laid out as at boot.
  const Dependencies found = found_in(
      "kernel 6.12.0\ngeometry usage=88 per_root=256\n"
      "root_table @section:65535\n"
      "section 0-65535 online early node=0 usage@section:65535 memmap@section:64000\n"
      "section 65536-131071 online early node=1 usage@section:131071 memmap@section:129000\n"
      "node 0 pgdat@section:65534\nnode 1 pgdat@section:131071\n");
  EXPECT_FALSE(found.incomplete);
  EXPECT_THAT(found.holders, SizeIs(2 * 1024 + 3));
  EXPECT_EQ(found.removal_order.size() + found.never.size(), 131072);
  EXPECT_THAT(
      found.kernel_messages,
      ElementsAre(
          "Section 65535 and 65534 (node 0) have a circular dependency on usemap and pgdat allocations"));
}

TEST(Scale, AChainThroughAllSectionsDoesNotEndTheStack) {
  constexpr std::uint64_t sections = 131072;
  MemoryModel model = model_of("section 0-131071 node=0 usage@self\n");
  for (std::uint64_t i = 0; i + 1 < sections; ++i) {
    model.sections[i].usage->phys[0].start = model.geometry.section_range(SectionNr(i + 1)).start;
  }
  const Dependencies chain = find_dependencies(model, {});
  EXPECT_THAT(chain.cycles, IsEmpty());
  ASSERT_THAT(chain.removal_order, SizeIs(sections));
  EXPECT_EQ(chain.removal_order.front(), SectionNr(0));
  EXPECT_EQ(chain.removal_order.back(), SectionNr(sections - 1));

  model.sections.back().usage->phys[0].start = PhysAddr(0);
  const Dependencies ring = find_dependencies(model, {});
  ASSERT_THAT(ring.cycles, SizeIs(1));
  EXPECT_THAT(ring.cycles[0].sections, SizeIs(sections));
  EXPECT_THAT(ring.removal_order, IsEmpty());
  EXPECT_THAT(ring.never, SizeIs(sections));
}

TEST(Words, DrawRunsTogetherInEitherDirection) {
  const std::vector<SectionNr> order{SectionNr(9), SectionNr(8), SectionNr(7),
                                     SectionNr(2), SectionNr(3), SectionNr(5)};
  EXPECT_EQ(order_text(order), "9-7, 2-3, 5");
  EXPECT_EQ(sections_text(std::vector<SectionNr>{SectionNr(4)}), "section 4");
  EXPECT_EQ(nodes_text(std::vector<NodeId>{NodeId{0}, NodeId{1}}), "nodes 0-1");
  EXPECT_EQ(order_text({}), "");
}

TEST(Words, CountWhatIsTooLongToList) {
  std::vector<SectionNr> even;
  for (std::uint64_t i = 0; i < 100; i += 2) even.emplace_back(i);
  EXPECT_EQ(sections_text(even, 3), "sections 0, 2, 4, ... (50 in all)");
}

}  // namespace
}  // namespace memsect
