#include <gtest/gtest.h>

#include "decode/load_model.h"
#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;

constexpr unsigned normal = 2, device = 4;
constexpr std::uint64_t present = 1, has_map = 2, online = 4, early = 8, taint = 16;
constexpr ModelParts parts{.usages = true, .nodes = true, .blocks = true, .subsection_kinds = true};

/// The struct page that is asked for a subsection: its last.
void set_unit(FakeKernel& fake, std::uint64_t section, std::uint64_t unit, unsigned zone) {
  fake.set_page(Pfn(section * 32768 + unit * 512 + 511), 0, zone);
}

/// "B" boot RAM, "H" hot-added, "D" device, "." not populated, "?" unknown; runs as letter and length.
std::string kinds(const MemoryModel& model, std::uint64_t nr) {
  const Section* section = model.find_section(SectionNr(nr));
  if (section == nullptr || !section->subsection_kinds) return "absent";
  std::string letters;
  for (const SubsectionKind kind : section->subsection_kinds->of_unit)
    letters += ".BHD?"[static_cast<int>(kind)];
  std::string text;
  for (std::size_t i = 0, j = 0; i < letters.size(); i = j) {
    while (j < letters.size() && letters[j] == letters[i]) ++j;
    text += letters[i] + std::to_string(j - i);
  }
  return text;
}

MemoryModel must_load(const FakeKernel& fake) {
  auto model = fake.load(parts);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

class SubsectionKindsOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(LayoutsWithAMap, SubsectionKindsOf, ::testing::Values("fake_6", "fake_7"));

TEST_P(SubsectionKindsOf, FollowTheFlagsWhereNoDeviceSharesTheSection) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 0, .flags = present | has_map | online | early, .subsections = 0xff});
  fake.add_section({.nr = 1, .flags = present | has_map | online});
  const MemoryModel model = must_load(fake);
  EXPECT_EQ(kinds(model, 0), "B8.56");
  EXPECT_EQ(kinds(model, 1), "H64");
}

TEST_P(SubsectionKindsOf, AreToldByTheZoneWhereADeviceSharesIt) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 0, .flags = present | has_map | online | early | taint, .subsections = ~0xf0ULL});
  for (std::uint64_t unit = 0; unit < 64; ++unit) set_unit(fake, 0, unit, unit < 20 ? normal : device);
  EXPECT_EQ(kinds(must_load(fake), 0), "B4.4B12D44");
}

TEST_P(SubsectionKindsOf, SayOfAnUnreadPageThatItIsUnknown) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 0, .flags = present | has_map | online | early | taint, .subsections = 7});
  set_unit(fake, 0, 0, normal);
  set_unit(fake, 0, 2, device);
  // the memmap page of unit 1's last struct page
  const VirtAddr last = fake.struct_page(Pfn(1023));
  fake.set_page(Pfn(1023), 0, device);
  fake.lose(VirtAddr(last.raw() & ~std::uint64_t{4095}), 4096);
  auto model = fake.load(parts, true);
  ASSERT_TRUE(model) << model.error().message;
  const std::string text = kinds(*model, 0);
  EXPECT_EQ(text[2], '?') << text;
  ASSERT_TRUE(model->sections[0].subsection_kinds->why_unknown);
  EXPECT_EQ(model->sections[0].subsection_kinds->why_unknown->code, Errc::excluded);
}

TEST_P(SubsectionKindsOf, TakeWhatIsInAMemoryBlockForRamThoughItsPagesAreStale) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 1, .flags = present | has_map});
  fake.add_section({.nr = 2, .flags = present | has_map});
  for (std::uint64_t unit = 0; unit < 64; ++unit) {
    set_unit(fake, 1, unit, device);
    set_unit(fake, 2, unit, device);
  }
  fake.add_block({.id = 1, .state = 4});
  const MemoryModel model = must_load(fake);
  EXPECT_EQ(kinds(model, 1), "H64");
  EXPECT_EQ(kinds(model, 2), "D64");
}

TEST(SubsectionKinds, OfOfflinedBootMemoryStayBoot) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0, .flags = present | has_map | early});
  EXPECT_EQ(kinds(must_load(fake), 0), "B64");
}

TEST(SubsectionKinds, AreNoDevicesOutsideOfTheSpansOfTheirZones) {
  FakeKernel fake("fake_6");
  for (const std::uint64_t nr : {1, 2}) {
    fake.add_section({.nr = nr, .flags = present | has_map | online | early | taint});
    for (std::uint64_t unit = 0; unit < 64; ++unit) set_unit(fake, nr, unit, device);
  }
  fake.add_node(0, 0, 3 * 32768);
  EXPECT_EQ(kinds(must_load(fake), 1), "B64") << "the zone is empty";
  fake.add_zone(0, device, "Device", 2 * 32768 + 32, 5);
  const MemoryModel model = must_load(fake);
  EXPECT_EQ(kinds(model, 1), "B64");
  EXPECT_EQ(kinds(model, 2), "D64");
}

TEST(SubsectionKinds, AreNotApplicableWithoutAMap) {
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 0});
  const MemoryModel model = must_load(fake);
  ASSERT_FALSE(model.sections.at(0).subsection_kinds);
  EXPECT_EQ(model.sections[0].subsection_kinds.error().code, Errc::not_applicable);
}

TEST(SubsectionKinds, ShareTheReasonOfAMapThatCannotBeRead) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  fake.lose(FakeKernel::at(FakeKernel::usages), 4096);
  auto model = fake.load(parts, true);
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_FALSE(model->sections.at(0).subsection_kinds);
  EXPECT_EQ(model->sections[0].subsection_kinds.error().code, Errc::excluded);
}

}  // namespace
}  // namespace memsect
