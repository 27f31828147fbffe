#include "analysis/kernel_messages.h"

#include <gmock/gmock.h>

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

std::vector<std::string> lines_of(std::string_view text) {
  return replay_kernel_messages(model_of(text)).lines;
}

TEST(KernelMessages, AreSilentWhenUsageAndPgdatShareASection) {
  EXPECT_THAT(lines_of("section 0-1 early node=0 usage@section:1\nnode 0 pgdat@section:1\n"), IsEmpty());
}

TEST(KernelMessages, PrintOneLineForAPairHoweverManySectionsHaveIt) {
  EXPECT_THAT(
      lines_of("section 0-7 early node=0 usage@section:2\nnode 0 pgdat@section:3\n"),
      ElementsAre("Section 2 and 3 (node 0) have a circular dependency on usemap and pgdat allocations"));
}

TEST(KernelMessages, AreNotInKernelsWithoutHotRemove) {
  MemoryModel model =
      model_of("kernel 6.1.0\nsection 0-7 early node=0 usage@section:2\nnode 0 pgdat@section:3\n");
  model.hot_plug = HotPlug::add_only;
  EXPECT_THAT(replay_kernel_messages(model).lines, IsEmpty());
  EXPECT_EQ(kernel_still_checks(model), false);
}

TEST(KernelMessages, LeaveOutHotAddedSections) {
  EXPECT_THAT(lines_of("section 0 early node=0 usage@section:0\n"
                       "section 8 node=0 usage@section:0\n"
                       "section 9 node=1 usage@section:0\n"
                       "node 0 pgdat@section:0\nnode 1 pgdat@section:9\n"),
              IsEmpty());
}

TEST(KernelMessages, ForgetThePairWhenItsUsageIsInSectionZero) {
  const char* const layout = "section 0-2 early node=0 usage@section:0\nnode 0 pgdat@section:2\n";
  EXPECT_THAT(
      lines_of(std::string("kernel 6.1.0\n") + layout),
      ElementsAre("Section 0 and 2 (node 0) have a circular dependency on usemap and pgdat allocations",
                  "node 0 must be removed before remove section 0",
                  "node 0 must be removed before remove section 0"));
}

TEST(KernelMessages, ReadNodesThatAreStillThereBeforeFourNineteen) {
  // Two runs of node 0 around one of node 1; the usage of section 3 lies in a section of the first run.
  const char* const layout =
      "section 0-1 early node=0 usage@section:1\n"
      "section 2 early node=1 usage@section:2\n"
      "section 3 early node=0 usage@section:1\n"
      "node 0 pgdat@section:3\nnode 1 pgdat@section:1\n";
  const char* const first =
      "Section 1 and 3 (node 0) have a circular dependency on usemap and pgdat allocations";
  const char* const second =
      "Section 2 and 1 (node 1) have a circular dependency on usemap and pgdat allocations";
  EXPECT_THAT(lines_of(std::string("kernel 4.18.20\n") + layout), ElementsAre(first, second, first));
  EXPECT_THAT(lines_of(std::string("kernel 4.19.0\n") + layout),
              ElementsAre(first, second, "node 0 must be removed before remove section 1"));
}

TEST(KernelMessages, CutTheNodeOutOfTheMemmapWordAsTheReleaseDid) {
  // Without KASLR the word of an initialised section is 0xffffea000000000f (0x...7 before SECTION_IS_EARLY).
  // Cut to 32 bits and shifted that is 0 up to 5.2, 1 up to 5.14, 0 from then on.
  const auto node_one = [](std::string_view release) {
    return lines_of("kernel " + std::string(release) +
                    "\ngeometry vmemmap=0xffffea0000000000\n"
                    "section 0 early node=0 usage@section:0\nsection 1 early node=1 usage@section:0\n"
                    "node 0 pgdat@section:0\nnode 1 pgdat@section:1\n");
  };
  const char* const circle =
      "Section 0 and 1 (node 1) have a circular dependency on usemap and pgdat allocations";
  const char* const order = "node 1 must be removed before remove section 0";
  EXPECT_THAT(node_one("5.2.21"), ElementsAre(order));
  EXPECT_THAT(node_one("5.10.223"), ElementsAre(circle));
  EXPECT_THAT(node_one("5.14.0"), ElementsAre(circle));
  EXPECT_THAT(node_one("5.15.0"), ElementsAre(order));
  EXPECT_THAT(node_one("6.12.0"), ElementsAre(order));
}

TEST(KernelMessages, TakeTheNodeOfASectionThatIsNotThereForZero) {
  EXPECT_THAT(
      lines_of("section 1 early node=0 usage@section:5\nnode 0 pgdat@section:1\n"),
      ElementsAre("Section 5 and 1 (node 0) have a circular dependency on usemap and pgdat allocations"));
  EXPECT_THAT(lines_of("section 1 early node=1 usage@section:5\nnode 1 pgdat@section:1\n"),
              ElementsAre("node 1 must be removed before remove section 5"));
}

TEST(KernelMessages, KnowBootSectionsByTheirUsagesBeforeFiveThree) {
  EXPECT_THAT(lines_of("kernel 4.14.0\n"
                       "section 0-1 node=0 usage@section:0/boot\n"
                       "section 8 node=1 usage@section:0/slab\n"
                       "node 0 pgdat@section:1\nnode 1 pgdat@section:8\n"),
              SizeIs(2));  // one for each boot section, for U is 0
}

TEST(KernelMessages, NameTheSectionsThatCouldNotBeJudged) {
  const KernelMessages messages =
      replay_kernel_messages(model_of("section 0 early node=0 usage@section:0\n"
                                      "section 1 early node=0 usage=!excluded\n"
                                      "section 2 early node=!excluded usage@section:0\n"
                                      "section 3 early node=1 usage@section:0\n"
                                      "section 4 early node=2 usage@section:0\n"
                                      "node 0 pgdat@section:0\nnode 1 pgdat=!excluded\n"));
  EXPECT_THAT(messages.lines, IsEmpty());
  EXPECT_THAT(messages.skipped, ElementsAre(SectionNr(1), SectionNr(2), SectionNr(3), SectionNr(4)));
}

TEST(KernelMessages, StillComeUpToSevenPointNought) {
  const auto still_checks = [](std::string_view release) {
    MemoryModel model;
    model.release = release;
    return kernel_still_checks(model);
  };
  EXPECT_EQ(still_checks("2.6.26"), false);
  EXPECT_EQ(still_checks("2.6.27"), true);
  EXPECT_EQ(still_checks("5.10.0-32-cloud-amd64"), true);
  EXPECT_EQ(still_checks("7.0.13"), true);
  EXPECT_EQ(still_checks("7.1-rc1"), false);
  EXPECT_EQ(still_checks("7.3.4+deb13-cloud-amd64"), false);
  EXPECT_EQ(still_checks(""), std::nullopt);
  EXPECT_EQ(still_checks("v6"), std::nullopt);
}

}  // namespace
}  // namespace memsect
