#include "compare/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace memsect {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Report answer(std::string_view command, Value data) {
  Report report;
  report.command = command;
  report.data = std::move(data);
  return report;
}

Value section(std::uint64_t number, const char* state, std::uint64_t usage) {
  return Object{{"section", number},
                {"state", state},
                {"node", 0},
                {"mem_map", Hex{usage * 3}},
                {"usage", Object{{"address", Hex{usage + 7}}, {"phys", Hex{usage}}}},
                {"pageblocks", Object{{"migratetypes", Object{{"Unmovable", 1}, {"Movable", 0}}}}}};
}

Value holder(std::uint64_t section, const char* kind, std::uint64_t bytes) {
  return Object{{"section", section}, {"holds", List{Object{{"kind", kind}, {"bytes", bytes}}}}};
}

Value deps(List holders, List never = {}) {
  return Object{{"holders", std::move(holders)}, {"never", std::move(never)}};
}

Value verdict(std::uint64_t block, const char* verdict, List codes) {
  List reasons;
  for (Value& code : codes) reasons.emplace_back(Object{{"code", std::move(code)}, {"text", "because"}});
  return Object{{"block", block}, {"verdict", verdict}, {"reasons", std::move(reasons)}};
}

Result<Comparison> compare(const Report& before, const Report& after) {
  const Report* const a = &before;
  const Report* const b = &after;
  return compare_answers({&a, 1}, {&b, 1});
}

/// "section 3 moved usage", one for each change.
std::vector<std::string> changes(const Result<Comparison>& comparison) {
  std::vector<std::string> texts;
  if (!comparison) return {comparison.error().message};
  for (const Change& change : comparison->changes) {
    texts.push_back(std::string(change.subject) + " " + std::to_string(change.number) + " " +
                    std::string(change_kind_name(change.kind)) +
                    (change.what.empty() ? "" : " " + change.what));
  }
  return texts;
}

TEST(Compare, AnAnswerIsLikeItself) {
  const Report sections = answer("sections", List{section(1, "PMO", 0x100), section(2, "PM", 0x200)});
  const auto comparison = compare(sections, sections);
  EXPECT_THAT(changes(comparison), IsEmpty());
  EXPECT_FALSE(comparison->differs());
  EXPECT_THAT(comparison->compared, ElementsAre("sections"));
}

TEST(Compare, SectionsComeGoChangeAndMove) {
  const Report before =
      answer("sections", List{section(1, "PMO", 0x100), section(2, "PMO", 0x200), section(3, "PMO", 0x300)});
  const Report after =
      answer("sections", List{section(2, "PM", 0x200), section(3, "PMO", 0x900), section(4, "PMO", 0x400)});
  const auto comparison = compare(before, after);
  EXPECT_THAT(changes(comparison), ElementsAre("section 1 went", "section 2 changed state",
                                               "section 3 moved usage", "section 4 came"));
  EXPECT_TRUE(comparison->differs());
}

TEST(Compare, VirtualAddressesAreNotCompared) {
  Value moved = section(1, "PMO", 0x100);
  const Report before = answer("sections", List{section(1, "PMO", 0x100)});
  Object row = std::get<Object>(moved.variant());
  row[3].second = Hex{0xffff0000};
  EXPECT_THAT(changes(compare(before, answer("sections", List{row}))), IsEmpty());
}

TEST(Compare, WhatCouldNotBeReadIsNoDifference) {
  const Report before = answer("blocks", List{Object{{"block", 7}, {"state", "online"}}});
  const Report after =
      answer("blocks", List{Object{{"block", 7}, {"state", Error{Errc::excluded, "filtered out", {}}}}});
  const auto comparison = compare(before, after);
  EXPECT_THAT(changes(comparison), ElementsAre("block 7 unknown state"));
  EXPECT_FALSE(comparison->differs());
}

TEST(Compare, WhereAQuestionHasNoAnswerItHasNone) {
  const Report before =
      answer("blocks", List{Object{{"block", 7}, {"zone", Error{Errc::not_applicable, "offline", {}}}}});
  const Report after = answer("blocks", List{Object{{"block", 7}, {"zone", "Movable"}}});
  EXPECT_THAT(changes(compare(before, after)), ElementsAre("block 7 changed zone"));
}

TEST(Compare, HoldersGrowAndShrink) {
  const Report before =
      answer("deps", deps({holder(5, "usage", 100), holder(2, "memmap", 4096), holder(9, "pgdat", 64)}));
  const Report after = answer("deps", deps({holder(2, "memmap", 8192), holder(5, "usage", 50)},
                                           {Object{{"section", 5}, {"because", "of it"}}}));
  EXPECT_THAT(changes(compare(before, after)),
              ElementsAre("section 2 grew holds memmap", "section 5 shrank holds usage",
                          "section 5 came never removable", "section 9 went holds pgdat"));
}

TEST(Compare, ReasonsAppearAndGo) {
  const Report before = answer("removable", List{verdict(3, "blocked", {"unmovable_slab", "pinned"})});
  const Report after = answer("removable", List{verdict(3, "blocked", {"pinned", "holds_usage"})});
  EXPECT_THAT(changes(compare(before, after)),
              ElementsAre("block 3 went reason unmovable_slab", "block 3 came reason holds_usage"));
}

TEST(Compare, RefusesWhatIsNoAnswer) {
  const Report good = answer("sections", List{section(1, "PMO", 1)});
  for (const Value& bad : {Value(Object{}), Value(List{5}), Value(List{Object{{"section", "x"}}}),
                           Value(List{section(2, "", 1), section(1, "", 1)}),
                           Value(List{section(2, "", 1), section(2, "", 1)})}) {
    const auto comparison = compare(good, answer("sections", bad));
    ASSERT_FALSE(comparison);
    EXPECT_EQ(comparison.error().code, Errc::bad_format);
  }
  const auto holders =
      compare(answer("deps", deps({})), answer("deps", deps({holder(1, "x", 1), holder(1, "x", 1)})));
  ASSERT_FALSE(holders);
  EXPECT_EQ(holders.error().code, Errc::bad_format);
}

TEST(Compare, BlocksAndSectionsAreNotJudgedAlike) {
  const Report blocks = answer("removable", List{Object{{"block", 1}, {"verdict", "blocked"}}});
  const Report sections = answer("removable", List{Object{{"section", 1}, {"verdict", "blocked"}}});
  EXPECT_EQ(compare(blocks, sections).error().code, Errc::usage);
}

TEST(DiffReport, SaysThatKernelsDiffer) {
  const Comparison none;
  const ComparedSide before{"a", {{"release", "6.1"}, {"build_id", "11"}}};
  const Report same = make_diff_report(none, before, before);
  EXPECT_THAT(same.paragraphs, ElementsAre("Nothing differs."));
  const Report other = make_diff_report(none, before, {"b", {{"release", "6.1"}, {"build_id", "22"}}});
  ASSERT_EQ(other.paragraphs.size(), 2U);
  EXPECT_THAT(other.paragraphs[1], HasSubstr("a (6.1, build ID 11) and b (6.1, build ID 22)"));
}

}  // namespace
}  // namespace memsect
