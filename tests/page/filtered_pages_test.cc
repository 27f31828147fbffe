// Kernel pages that the dump's filter took: told by their struct pages.
#include "page/filtered_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::HasSubstr;

/// Section 0 has the kernel's data, in reserved memory; section 1 is there for the usages.
FakeKernel fake_kernel() {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  fake.add_section({.nr = 1});
  fake.mark({PhysAddr(FakeKernel::usages), 0x1000}, 0, fake.reserved_flag());
  return fake;
}

MemoryModel load(const FakeKernel& fake, bool as_kdump) {
  auto model = fake.load({.usages = true}, as_kdump);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

TEST(FilteredPages, AreNoneInASoundDump) {
  const MemoryModel model = load(fake_kernel(), true);
  EXPECT_EQ(model.filtered, FilteredPages());
}

TEST(FilteredPages, AreTheKernelsOwnThatWereAskedForAndLeftOut) {
  FakeKernel fake = fake_kernel();
  fake.lose(FakeKernel::at(FakeKernel::usages), 0x1000);
  const MemoryModel model = load(fake, true);
  EXPECT_EQ(model.filtered.reserved, 1U);
  EXPECT_EQ(model.filtered.pages(), 1U);
  ASSERT_FALSE(model.notes.all().empty());
  EXPECT_THAT(model.notes.all().back().text, HasSubstr("1 of reserved memory"));
  EXPECT_THAT(model.notes.all().back().text, HasSubstr("makedumpfile"));
  EXPECT_THAT(model.notes.all().back().hint, HasSubstr("dump again"));
}

TEST(FilteredPages, AreNotThoseThatNoFilterTook) {
  FakeKernel fake = fake_kernel();
  fake.lose(FakeKernel::at(FakeKernel::usages), 0x1000);
  EXPECT_EQ(load(fake, false).filtered.pages(), 0U) << "an ELF core does not say why pages are missing";
}

TEST(FilteredPages, AreNotTheKernelsWhereTheirStructPageSaysNothing) {
  FakeKernel fake = fake_kernel();
  fake.lose(FakeKernel::at(FakeKernel::usages), 0x1000);
  fake.mark({PhysAddr(FakeKernel::usages), 0x1000}, 0, 0);
  EXPECT_EQ(load(fake, true).filtered.pages(), 0U);
}

TEST(FilteredPages, AreUndecidedWithoutTheirStructPages) {
  FakeKernel fake = fake_kernel();
  fake.lose(FakeKernel::at(FakeKernel::usages), 0x1000);
  fake.lose(fake.struct_page(Pfn(FakeKernel::usages >> 12)), 64);
  const MemoryModel model = load(fake, true);
  EXPECT_EQ(model.filtered.pages(), 0U);
  EXPECT_GE(model.filtered.not_told, 1U);
}

}  // namespace
}  // namespace memsect
