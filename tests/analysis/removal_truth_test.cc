// One rule, several answers: what removal_order, never and plan_offlining say of one model. The pages are made up after
// the model: whatever an object takes is unmovable, all else can move, so that metadata alone decides for the plan too.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "analysis/dependencies.h"
#include "analysis/object_kinds.h"
#include "analysis/offlining.h"
#include "support/model_text.h"

namespace memsect {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(MEMSECT_TESTDATA) / "model")) {
    if (entry.path().extension() == ".mem") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// What has to be true of a machine for the rules of offlining to apply to all sections.
MemoryModel running(MemoryModel model) {
  model.hot_plug = HotPlug::full;
  model.incomplete = false;
  for (Section& section : model.sections) {
    section.flags.online = true;
    if (!section.pageblocks) section.pageblocks = std::vector<Pageblock>();
  }
  if (!model.blocks) model.blocks = std::vector<MemoryBlock>();
  return model;
}

PageScan scan_of(const MemoryModel& model, const OfflineUnit& unit) {
  const std::uint64_t page = model.geometry.page_size();
  std::map<std::uint64_t, PageUse> uses;
  const auto look_at = [&](const PlacedObject& object, std::span<const PhysRange> stretches) {
    for (const PhysRange& place : stretches) {
      if (place.start >= unit.tested.end() || place.end() <= unit.tested.start) continue;
      const std::uint64_t pfn = std::max(place.start, unit.tested.start).raw() / page;
      uses[pfn] = object.allocation == Allocation::boot ? PageUse::reserved : PageUse::other;
    }
  };
  visit_objects(model, {look_at, {}});
  PageScan scan;
  scan.pages = unit.tested.size / page;
  for (const auto& [pfn, use] : uses) scan.runs.push_back({{Pfn(pfn), 1}, use, 0});
  return scan;
}

class RemovalTruth : public testing::TestWithParam<std::string> {};

TEST_P(RemovalTruth, IsTheSameInEveryAnswer) {
  std::ifstream file(fs::path(MEMSECT_TESTDATA) / "model" / (GetParam() + ".mem"));
  std::ostringstream text;
  text << file.rdbuf();
  auto parsed = parse_model(text.str());
  ASSERT_TRUE(parsed) << parsed.error().message;
  const MemoryModel model = running(std::move(*parsed));
  const Dependencies found = find_dependencies(model, {});
  const std::set<SectionNr> order(found.removal_order.begin(), found.removal_order.end());
  if (found.order_unknown) {
    EXPECT_TRUE(order.empty());
    return;
  }
  std::set<SectionNr> never;
  for (const NeverRemovable& one : found.never) never.insert(one.section);

  OfflineRules rules;
  rules.resources = std::vector<Resource>{{PhysAddr(0), PhysAddr(~std::uint64_t{0}), "System RAM", true, 0}};
  const OfflineJudge judge(model, rules, {});
  std::vector<OfflineJudgement> judgements;
  for (const Section& section : model.sections) {
    const OfflineUnit unit = unit_of_section(model, section);
    judgements.push_back(judge.judge(unit, scan_of(model, unit)));
    const OfflineJudgement& last = judgements.back();
    EXPECT_NE(order.count(section.nr), never.count(section.nr)) << section.nr.raw();
    for (const Reason& reason : last.reasons) {
      if (reason.severity != ReasonSeverity::permanent) continue;
      EXPECT_EQ(never.count(section.nr), 1U) << section.nr.raw() << ": " << reason.text;
    }
  }
  std::set<SectionNr> planned;
  for (const std::size_t i : plan_offlining(judgements))
    planned.insert(judgements[i].unit.sections.front()->nr);
  EXPECT_EQ(planned, order);
}

INSTANTIATE_TEST_SUITE_P(OfModels, RemovalTruth, testing::ValuesIn(model_names()), [](const auto& param) {
  std::string name = param.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

Dependencies found_in(const std::string& text) {
  const auto model = parse_model(text);
  EXPECT_TRUE(model) << model.error().message;
  return find_dependencies(*model, {});
}

TEST(RemovalRule, KeepsWhatServesASectionThatStays) {
  // Section 0 stays for its pgdat; 1 holds a page table for it, 2 its memory block; 3 serves 1.
  const Dependencies found = found_in(
      "geometry section=128M usage=56\nsection 0-4 online node=0\nnode 0 pgdat@section:0\n"
      "memory_block 0 @section:2\nmemory_block 1 @section:3\ntable direct_map:1 0 @section:1+4K\n");
  EXPECT_THAT(found.removal_order, testing::ElementsAre(SectionNr(4)));
  ASSERT_THAT(found.never, testing::SizeIs(4));
  EXPECT_EQ(found.never[1].because, "holds page tables that map section 0, which can never go");
  EXPECT_EQ(found.never[2].because, "holds the memory_block of section 0, which can never go");
}

TEST(RemovalRule, KeepsWhatServesItself) {
  const Dependencies found = found_in(
      "geometry section=128M usage=56\nsection 0 online node=0 memmap@self\nsection 1 online node=0\n");
  EXPECT_THAT(found.removal_order, testing::ElementsAre(SectionNr(1)));
  ASSERT_THAT(found.never, testing::SizeIs(1));
  EXPECT_EQ(found.never[0].because,
            "holds the memmap of section 0, freed only when this memory itself has gone");
}

TEST(RemovalRule, TakesMemoryBlocksAsAWhole) {
  const Dependencies found = found_in(
      "geometry section=128M usage=56 per_block=2\nsection 0-3 online node=0\n"
      "section 8 online node=0 memmap@section:2\nnode 0 pgdat@section:0\n");
  EXPECT_THAT(found.removal_order, testing::ElementsAre(SectionNr(8), SectionNr(3), SectionNr(2)));
  ASSERT_THAT(found.never, testing::SizeIs(2));
  EXPECT_EQ(found.never[1].because, "goes only with the rest of its memory block, which can never go");
}

}  // namespace
}  // namespace memsect
