// From mem_section to the present sections, on made-up kernels.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::uint64_t> numbers(const MemoryModel& model) {
  std::vector<std::uint64_t> found;
  for (const Section& section : model.sections) found.push_back(section.nr.raw());
  return found;
}

std::vector<std::string> notes(const MemoryModel& model) {
  std::vector<std::string> texts;
  for (const Note& note : model.notes.all()) texts.push_back(note.text);
  return texts;
}

MemoryModel load(const FakeKernel& fake, bool as_kdump = false) {
  auto model = fake.load({}, as_kdump);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

class SectionsOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(AllLayouts, SectionsOf, ::testing::Values("fake_4_14", "fake_6", "fake_7"));

TEST_P(SectionsOf, AreFoundThroughTheirRoots) {
  FakeKernel fake(GetParam());
  const std::uint64_t per_root = 4096 / fake.layout("mem_section").size;
  for (const std::uint64_t nr : {std::uint64_t{0}, std::uint64_t{1}, per_root - 1, per_root + 2}) {
    fake.add_section({.nr = nr, .flags = 7});
  }
  const auto model = load(fake);
  EXPECT_THAT(numbers(model), ElementsAre(0, 1, per_root - 1, per_root + 2));
  EXPECT_EQ(model.geometry.kind, MemoryModelKind::sparsemem_vmemmap);
  EXPECT_EQ(model.geometry.sections_per_root, per_root);
  EXPECT_EQ(model.roots.size(), 2U);
  EXPECT_EQ(model.roots[1].index, 1U);
  EXPECT_EQ(model.vmemmap, FakeKernel::vmemmap);
  EXPECT_FALSE(model.incomplete);
  const Section& second = model.sections[1];
  EXPECT_TRUE(second.flags.online);
  EXPECT_FALSE(second.flags.early);
  EXPECT_EQ(second.mem_section, FakeKernel::at(FakeKernel::roots) + fake.layout("mem_section").size);
  EXPECT_EQ(second.section_mem_map, FakeKernel::vmemmap.raw() | 7);
  EXPECT_EQ(second.mem_map, fake.struct_page(Pfn(0x8000)));
  ASSERT_TRUE(model.root_table) << model.root_table.error().message;
  EXPECT_EQ(model.root_table->bytes, model.geometry.nr_section_roots * 8);
}

TEST(Sections, WithoutTheOnlineBitAreTakenForOnline) {  // before 4.13
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 0, .flags = 3});
  fake.add_section({.nr = 1, .flags = 1});  // present, no memmap
  const auto model = load(fake);
  EXPECT_TRUE(model.sections[0].flags.online);
  EXPECT_FALSE(model.sections[1].flags.online);
  EXPECT_THAT(notes(model), Contains(HasSubstr("before 4.13")));
}

TEST(Sections, OfAnArrayOfRootsHaveTheSymbolItselfForATable) {  // EXTREME up to 4.14
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 5});
  EXPECT_EQ(load(fake).root_table_address, fake.symbol("mem_section"));
  fake.vmcoreinfo.erase("SYMBOL(mem_section)");  // the symbol table alone
  EXPECT_EQ(load(fake).root_table_address, fake.symbol("mem_section"));
  EXPECT_THAT(numbers(load(fake)), ElementsAre(5));
}

TEST(Sections, AreFoundWhetherVmcoreinfoHasThePointersValueOrItsAddress) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 5});
  EXPECT_EQ(load(fake).root_table_address, FakeKernel::at(FakeKernel::root_table));
  // 4.14.y and 4.15-rc printed where the pointer is, not what it says
  fake.vmcoreinfo["SYMBOL(mem_section)"] = fmt::format("{:x}", fake.symbol("mem_section").raw());
  EXPECT_EQ(load(fake).root_table_address, FakeKernel::at(FakeKernel::root_table));
  fake.vmcoreinfo.erase("SYMBOL(mem_section)");
  EXPECT_EQ(load(fake).root_table_address, FakeKernel::at(FakeKernel::root_table));
  EXPECT_THAT(numbers(load(fake)), ElementsAre(5));
}

TEST(Sections, OfStaticSparsememLieInOneTable) {
  FakeKernel fake("fake_6");
  // as many roots as sections: each root is one section, and the symbol is the table of them all
  fake.vmcoreinfo["NUMBER(MAX_PHYSMEM_BITS)"] = "37";
  fake.vmcoreinfo["LENGTH(mem_section)"] = "1024";
  fake.vmcoreinfo.erase("SYMBOL(vmemmap)");
  const VirtAddr table = FakeKernel::at(FakeKernel::root_table + 8);  // entries straddle pages
  fake.vmcoreinfo["SYMBOL(mem_section)"] = fmt::format("{:x}", table.raw());
  fake.memory.add({FakeKernel::phys(table), 1024 * 16});
  for (const std::uint64_t nr : {0, 1, 255, 256, 511, 512, 1023}) {
    fake.put(table + nr * 16, "mem_section", "section_mem_map", FakeKernel::vmemmap.raw() | 7);
  }
  auto model = load(fake);
  EXPECT_EQ(model.geometry.kind, MemoryModelKind::sparsemem_static);
  EXPECT_EQ(model.geometry.sections_per_root, 1U);
  EXPECT_THAT(numbers(model), ElementsAre(0, 1, 255, 256, 511, 512, 1023));
  EXPECT_TRUE(model.roots.empty());

  fake.lose(FakeKernel::at(FakeKernel::root_table + 0x1000), 0x1000);
  model = load(fake, true);
  EXPECT_THAT(numbers(model), ElementsAre(0, 1, 512, 1023));  // 255 and 511 lie on the lost page in part
  EXPECT_TRUE(model.incomplete);
}

TEST(Sections, LieInRootsThatStraddlePages) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  // the second root begins in the middle of a page
  const VirtAddr root = FakeKernel::at(FakeKernel::roots + 0x8000 + 0x840);
  fake.memory.add({FakeKernel::phys(root), 4096});
  fake.put(FakeKernel::at(FakeKernel::root_table) + 8, root.raw());
  fake.put(root, "mem_section", "section_mem_map", FakeKernel::vmemmap.raw() | 7);
  fake.put(root + 255 * 16, "mem_section", "section_mem_map", FakeKernel::vmemmap.raw() | 7);
  fake.put(fake.symbol("__highest_present_section_nr"), 511);
  EXPECT_THAT(numbers(load(fake)), ElementsAre(0, 256, 511));
  EXPECT_EQ(load(fake).roots[1].placement.phys.front().start, FakeKernel::phys(root));
  EXPECT_EQ(load(fake).roots[1].placement.bytes, 4096U);
}

TEST(Sections, OfALostRootAreMissingAndSaidToBe) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  fake.add_section({.nr = 256});
  fake.add_section({.nr = 512});
  fake.lose(FakeKernel::at(FakeKernel::roots + 0x1000), 4096);
  for (const bool as_kdump : {false, true}) {
    const auto model = load(fake, as_kdump);
    EXPECT_THAT(numbers(model), ElementsAre(0, 512));
    EXPECT_TRUE(model.incomplete);
    EXPECT_THAT(notes(model), Contains(HasSubstr("section roots 1 cannot be read")));
  }
}

TEST(Sections, OfALostPageOfTheRootTableAreMissingAndSaidToBe) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  fake.add_section({.nr = 513 * 256});
  fake.lose(FakeKernel::at(FakeKernel::root_table + 0x1000), 4096);
  const auto model = load(fake);
  EXPECT_THAT(numbers(model), ElementsAre(0));
  EXPECT_TRUE(model.incomplete);
  EXPECT_THAT(notes(model), Contains(HasSubstr("root table")));
}

TEST(Sections, AreAnErrorWhereTheRootTableIsLost) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  fake.lose(FakeKernel::at(FakeKernel::root_table), 0x4000);
  const auto model = fake.load({}, true);
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr("section roots cannot be read"));
  EXPECT_THAT(model.error().hint, HasSubstr("cut off"));
}

TEST(Sections, ThatDecodeToAnotherVmemmapAreRemarkedUpon) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  fake.add_section({.nr = 1});
  fake.put(FakeKernel::at(FakeKernel::roots) + 16, "mem_section", "section_mem_map",
           FakeKernel::vmemmap.raw() + 0x200007);
  const auto model = load(fake);
  EXPECT_EQ(model.vmemmap, FakeKernel::vmemmap);
  EXPECT_THAT(notes(model), Contains(HasSubstr("section 1 decodes to another vmemmap base")));
}

}  // namespace
}  // namespace memsect
