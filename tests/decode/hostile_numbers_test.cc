// What VMCOREINFO says is believed only as far as a kernel could have said it: a clear error, no crash, no
// long run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::HasSubstr;

struct Absurd {
  const char* key;
  const char* value;
  const char* message;  ///< part of it
};

class AbsurdNumber : public ::testing::TestWithParam<Absurd> {};
INSTANTIATE_TEST_SUITE_P(
    All, AbsurdNumber,
    ::testing::Values(Absurd{"PAGESIZE", "3", "the page size is 3"},
                      Absurd{"PAGESIZE", "0", "the page size is 0"},
                      Absurd{"PAGESIZE", "1099511627776", "the page size"},
                      Absurd{"NUMBER(SECTION_SIZE_BITS)", "0", "SECTION_SIZE_BITS is 0"},
                      Absurd{"NUMBER(SECTION_SIZE_BITS)", "63", "SECTION_SIZE_BITS is 63"},
                      Absurd{"NUMBER(SECTION_SIZE_BITS)", "-1", "SECTION_SIZE_BITS"},
                      Absurd{"NUMBER(SECTION_SIZE_BITS)", "12", "SECTION_SIZE_BITS is 12"},
                      Absurd{"NUMBER(MAX_PHYSMEM_BITS)", "99", "MAX_PHYSMEM_BITS is 99"},
                      Absurd{"NUMBER(MAX_PHYSMEM_BITS)", "27", "MAX_PHYSMEM_BITS is 27"},
                      Absurd{"NUMBER(MAX_PHYSMEM_BITS)", "-46", "MAX_PHYSMEM_BITS"},
                      Absurd{"LENGTH(mem_section)", "0", "section roots is 0"},
                      Absurd{"LENGTH(mem_section)", "1099511627776", "section roots is 1099511627776"},
                      Absurd{"LENGTH(mem_section)", "18446744073709551615", "section roots"}));

TEST_P(AbsurdNumber, IsAnErrorThatNamesIt) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.vmcoreinfo[GetParam().key] = GetParam().value;
  const auto model = fake.load({.usages = true,
                                .memmap = true,
                                .section_nodes = true,
                                .nodes = true,
                                .blocks = true,
                                .other_metadata = true});
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr(GetParam().message));
}

TEST(AbsurdNumber, OfRootsWithoutMaxPhysmemBitsIsAnErrorToo) {
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 1});
  for (const char* length : {"0", "8388609", "1099511627776"}) {
    fake.vmcoreinfo["LENGTH(mem_section)"] = length;
    const auto model = fake.load({});
    ASSERT_FALSE(model) << length;
    EXPECT_THAT(model.error().message, HasSubstr("LENGTH(mem_section)"));
  }
  fake.vmcoreinfo.erase("LENGTH(mem_section)");
  const auto model = fake.load({});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::unsupported);
}

TEST(AbsurdNumber, OfBytesOfMemSectionGivesWayToTheType) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.vmcoreinfo["SIZE(mem_section)"] = "17";
  const auto model = fake.load({});
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->geometry.mem_section_size, 16U);
}

TEST(AbsurdNumber, OfSectionsThatMakesAllOfThemStaticTakesNoMemory) {
  // 2^23 roots of one section each: the table would be 128 MiB, of which the dump has a few pages
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.vmcoreinfo["NUMBER(MAX_PHYSMEM_BITS)"] = "50";
  fake.vmcoreinfo["LENGTH(mem_section)"] = "8388608";
  const auto model = fake.load({});
  ASSERT_TRUE(model) << model.error().message;  // a root reads like the table it claims
  EXPECT_EQ(model->geometry.kind, MemoryModelKind::sparsemem_static);
  EXPECT_LT(model->sections.size(), 64U);  // what little is there, and it is said that the rest is not
  EXPECT_TRUE(model->incomplete);
}

TEST(AbsurdNumber, OfPageblocksIsNotAllocated) {
  // sections of 16 GiB in blocks of two pages: each usage would be 1 MiB, and 2^21 pageblocks follow from it
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0, .flags = 7});
  fake.vmcoreinfo["NUMBER(SECTION_SIZE_BITS)"] = "34";
  fake.vmcoreinfo["NUMBER(MAX_PHYSMEM_BITS)"] = "46";
  fake.vmcoreinfo["LENGTH(zone.free_area)"] = "2";
  const auto model = fake.load({.usages = true});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::corrupt) << model.error().message;
}

}  // namespace
}  // namespace memsect
