// Every check on its three models, testdata/model/check/NAME/{holds,violated,undecided}.mem; what it says of them is in
// findings.expect beside them. With MEMSECT_UPDATE_EXPECT in the environment that file is written instead of compared.
#include "analysis/check.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "analysis/judgement.h"
#include "support/model_text.h"

namespace memsect {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(std::string_view check) { return fs::path(MEMSECT_TESTDATA) / "model" / "check" / check; }

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

MemoryModel model_of(std::string_view text) {
  auto model = parse_model(text);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel{};
}

std::string result_text(const CheckResult& result) {
  std::string text = fmt::format("{}, {} found\n", verdict_name(result.verdict), result.found);
  for (const std::string& finding : result.findings) text += "  " + finding + "\n";
  if (!result.why.empty()) text += "  why: " + result.why + "\n";
  return text;
}

std::vector<std::string> check_names() {
  std::vector<std::string> names;
  for (const Check* check : checks()) names.emplace_back(check->name);
  return names;
}

class Checks : public testing::TestWithParam<std::string> {
 protected:
  CheckResult run_on(std::string_view model) const {
    const fs::path path = folder_of(GetParam()) / (std::string(model) + ".mem");
    EXPECT_TRUE(fs::exists(path)) << path << " is missing";
    return find_check(GetParam())->run(model_of(read_text(path)));
  }
};

TEST_P(Checks, HoldsWhereTheModelIsSound) {
  const CheckResult result = run_on("holds");
  EXPECT_EQ(result.verdict, Verdict::holds) << result_text(result);
  EXPECT_EQ(result.why, "") << "nothing was judged";
}

TEST_P(Checks, FindsWhatViolatesTheRule) {
  const CheckResult result = run_on("violated");
  EXPECT_EQ(result.verdict, Verdict::violated);
  EXPECT_GT(result.found, 0U);
  EXPECT_FALSE(result.findings.empty());
}

TEST_P(Checks, IsUndecidedAndSaysWhyWherePartsAreMissing) {
  const CheckResult result = run_on("undecided");
  EXPECT_EQ(result.verdict, Verdict::undecided) << result_text(result);
  EXPECT_NE(result.why, "");
}

TEST_P(Checks, SaysTheExpectedWords) {
  std::string text;
  for (const char* model : {"holds", "violated", "undecided"}) {
    text += fmt::format("{}.mem: {}", model, result_text(run_on(model)));
  }
  const fs::path expected = folder_of(GetParam()) / "findings.expect";
  if (std::getenv("MEMSECT_UPDATE_EXPECT") != nullptr) {
    std::ofstream(expected) << text;
  } else {
    EXPECT_EQ(text, read_text(expected));
  }
}

TEST_P(Checks, ReadsItsModelsAgainWhenTheyWerePrinted) {
  for (const char* model : {"holds", "violated", "undecided"}) {
    const MemoryModel read = model_of(read_text(folder_of(GetParam()) / (std::string(model) + ".mem")));
    const std::string printed = print_model(read);
    const MemoryModel again = model_of(printed);
    EXPECT_EQ(print_model(again), printed);
    const Check* const check = find_check(GetParam());
    EXPECT_EQ(result_text(check->run(again)), result_text(check->run(read))) << printed;
  }
}

INSTANTIATE_TEST_SUITE_P(Testdata, Checks, testing::ValuesIn(check_names()),
                         [](const auto& test) { return test.param; });

TEST(CheckList, HasEveryNameOnceAndAFolderForEach) {
  std::set<std::string> names;
  for (const Check* check : checks())
    EXPECT_TRUE(names.insert(std::string(check->name)).second) << check->name;
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(folder_of(""))) folders.insert(entry.path().filename());
  EXPECT_EQ(folders, names);
  EXPECT_EQ(find_check("usage_shared"), &usage_shared_check);
  EXPECT_EQ(find_check("no_such"), nullptr);
}

TEST(CheckList, SaysNothingAgainstAModelOfWhichNothingIsKnown) {
  const MemoryModel empty;
  for (const Check* check : checks()) EXPECT_NE(check->run(empty).verdict, Verdict::violated) << check->name;
}

TEST(CheckResults, AreViolatedThoughPartsAreMissing) {
  const MemoryModel model = model_of(
      "section 0 online early usage@0x1000\nsection 1 online early usage@0x1000\n"
      "section 2 online early usage=!excluded\n");
  const CheckResult result = usage_shared_check.run(model);
  EXPECT_EQ(result.verdict, Verdict::violated);
  EXPECT_EQ(result.why, "not readable: the usage of section 2 (excluded: so says the text)");
}

TEST(CheckResults, LeaveUsemapsAloneThatNobodyHasWritten) {
  // Up to 5.2 that of a hot-added section held whatever had been in its slab object, until the section came online.
  const std::string text =
      "geometry {} pageblock_order=9 pageblock_bits=4\nmigratetypes Unmovable Movable Reclaimable\n"
      "section 0 online types=1x64\nsection 8 types=6x20,7x44\n";
  const auto verdict = [&text](const char* word) {
    return pageblock_types_check.run(model_of(fmt::format(fmt::runtime(text), word))).verdict;
  };
  EXPECT_EQ(verdict("zeroed_usemaps=0"), Verdict::holds);
  EXPECT_EQ(verdict("zeroed_usemaps=1"), Verdict::violated);
  const MemoryModel online = model_of(
      "geometry zeroed_usemaps=0 pageblock_order=9 pageblock_bits=4\n"
      "migratetypes Unmovable Movable Reclaimable\nsection 0 online types=6x64\n");
  EXPECT_EQ(pageblock_types_check.run(online).verdict, Verdict::violated);
}

TEST(CheckResults, ShowADozenOfOneKindAndCountTheRest) {
  const MemoryModel model = model_of("section 0-99 no_map\n");
  const CheckResult result = section_parts_check.run(model);
  EXPECT_EQ(result.found, 100U);
  ASSERT_EQ(result.findings.size(), 13U);
  EXPECT_EQ(result.findings.back(), "and 88 more sections without a memmap");
}

TEST(CheckResults, TakeNothingForMissingThatMayLieInAnUnreadRoot) {
  const MemoryModel model =
      model_of("geometry per_block=2\nsection 0 online early usage@section:9\nblock 7 online\nincomplete\n");
  for (const Check* check : {&usage_memory_check, &block_sections_check, &block_state_check}) {
    EXPECT_EQ(check->run(model).verdict, Verdict::undecided) << check->name;
  }
}

TEST(CheckResults, HoldAndSayWhyWhereTheRuleHasNothingToApplyTo) {
  const MemoryModel classic =
      model_of("geometry kind=classic\nsection 0 online early\nsection 1 coded=0x1000\n");
  for (const Check* check : {&vmemmap_base_check, &subsection_map_check}) {
    const CheckResult result = check->run(classic);
    EXPECT_EQ(result.verdict, Verdict::holds) << check->name;
    EXPECT_EQ(result.why.substr(0, 15), "not applicable:") << check->name;
  }
}

TEST(IsolatedPageblocks, AreNotJudgedWhileTheyMove) {
  MemoryModel model = model_of(
      "migratetypes Unmovable Isolate\nnode 0 pgdat@section:1\nzone 0 Normal counts=4,1 isolated=0\n");
  EXPECT_EQ(isolated_pageblocks_check.run(model).verdict, Verdict::violated);
  model.live = true;
  EXPECT_EQ(isolated_pageblocks_check.run(model).verdict, Verdict::holds);
}

TEST(PresentPages, AreNotFewerThanThoseOfHotAddedSections) {
  const MemoryModel model = model_of(
      "geometry subsection_map=1\nsection 0 online early subsect=0xff\n"
      "section 2 online subsect=0xffffffffffffffff\nnode 0 pgdat@section:0 span=1+98303 present=32767\n");
  EXPECT_EQ(present_pages_check.run(model).verdict, Verdict::violated);
}

TEST(PfnRanges, OverlapWhereTheyShareAPage) {
  const PfnRange one{Pfn(10), 5};
  EXPECT_TRUE(overlap(one, {Pfn(14), 1}));
  EXPECT_TRUE(overlap(one, {Pfn(0), 100}));
  EXPECT_FALSE(overlap(one, {Pfn(15), 1}));
  EXPECT_FALSE(overlap(one, {Pfn(5), 5}));
  EXPECT_FALSE(overlap(one, {Pfn(12), 0}));
  EXPECT_TRUE(overlap({Pfn(~std::uint64_t{0}), 1}, {Pfn(~std::uint64_t{0} - 1), 2}));
}

TEST(BlockSections, OfANumberThatNoMachineHasAreNone) {
  const MemoryModel model = model_of("geometry per_block=2\nsection 0-3 online early\n");
  MemoryBlock block;
  block.id = 1;
  EXPECT_EQ(sections_of(model, block).size(), 2U);
  block.id = std::uint64_t{1} << 63;
  EXPECT_TRUE(sections_of(model, block).empty());
}

}  // namespace
}  // namespace memsect
