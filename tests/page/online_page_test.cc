#include "page/online_page.h"

#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;

/// A section whose third subsection alone exists.
Section section_with_a_hole(bool online) {
  Section section;
  section.nr = SectionNr(1);
  section.flags = {.present = true, .has_mem_map = true, .online = online};
  section.subsections = SubsectionMap{{1 << 2}, 64};
  return section;
}

TEST(OnlinePageRule, AsksTheSubsectionMapWhereTheKernelHasTheFunction) {  // 5.12+
  const auto kernel = FakeKernel("fake_6").open();
  ASSERT_TRUE(kernel) << kernel.error().message;
  const OnlinePageRule rule(*kernel);
  const MemoryModel model;
  const Section section = section_with_a_hole(true);
  EXPECT_FALSE(rule.is_online(model, section, Pfn(0x8000)));
  EXPECT_FALSE(rule.is_online(model, section, Pfn(0x83ff)));
  EXPECT_TRUE(rule.is_online(model, section, Pfn(0x8400)));
  EXPECT_TRUE(rule.is_online(model, section, Pfn(0x85ff)));
  EXPECT_FALSE(rule.is_online(model, section, Pfn(0x8600)));
  EXPECT_FALSE(rule.is_online(model, section_with_a_hole(false), Pfn(0x8400)));
}

TEST(OnlinePageRule, LooksAtTheSectionAloneWhereItWasAMacro) {
  const auto kernel = FakeKernel("fake_4_14").open();
  ASSERT_TRUE(kernel) << kernel.error().message;
  const OnlinePageRule rule(*kernel);
  EXPECT_TRUE(rule.is_online(MemoryModel(), section_with_a_hole(true), Pfn(0x8000)));
  EXPECT_FALSE(rule.is_online(MemoryModel(), section_with_a_hole(false), Pfn(0x8400)));
}

TEST(OnlinePageRule, SaysWhereItCannotTellForWantOfASubsectionMap) {
  const auto kernel = FakeKernel("fake_6").open();
  ASSERT_TRUE(kernel) << kernel.error().message;
  const OnlinePageRule rule(*kernel);
  Section section = section_with_a_hole(true);
  EXPECT_EQ(rule.unknown_for(section), nullptr);
  section.subsections = Error{Errc::not_applicable, "no map in this kernel", {}};
  EXPECT_EQ(rule.unknown_for(section), nullptr);
  section.subsections = Error{Errc::excluded, "filtered out", {}};
  ASSERT_NE(rule.unknown_for(section), nullptr);
  EXPECT_EQ(rule.unknown_for(section)->code, Errc::excluded);
  section.flags.online = false;
  EXPECT_EQ(rule.unknown_for(section), nullptr);
}

}  // namespace
}  // namespace memsect
