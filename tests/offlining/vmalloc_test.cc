// Pages behind the addresses of vmalloc(), by page tables made by hand.
#include "offlining/vmalloc.h"

#include <gmock/gmock.h>

#include <vector>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr VirtAddr vmalloc_start{0xffffc90000000000};  // of a kernel without KASLR
constexpr std::uint64_t present = 1, large = 1 << 7;
constexpr std::uint64_t pud = 0x2080000, pmd = 0x2081000, pte = 0x2082000;

struct Tables : FakeKernel {
  Tables() : FakeKernel("fake_6") {
    add_section({.nr = 1});
    entry(phys(symbol("init_top_pgt")).raw(), vmalloc_start.raw() >> 39 & 511, pud);
    entry(pud, 0, pmd);
    entry(pmd, 0, pte);
  }
  void entry(std::uint64_t table, std::uint64_t index, std::uint64_t value) {
    memory.write_u64(PhysAddr(table + index * 8), value | present);
  }
};

VmallocPages pages_of(const FakeKernel& fake, std::uint64_t machine = 32768) {
  const auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  const auto found = load_vmalloc(*kernel, machine);
  EXPECT_TRUE(found) << found.error().message;
  return *found;
}

TEST(Vmalloc, FindsWhatTheTablesOfItsAddressesMap) {
  Tables fake;
  fake.entry(pte, 0, 0x8003000);
  fake.entry(pte, 1, 0x8001000);
  fake.entry(pte, 7, 0x8002000);
  fake.entry(pmd, 5, 0x10000000 | large);
  const VmallocPages found = pages_of(fake);
  EXPECT_THAT(found.pages.ranges(),
              ElementsAre(PhysRange{PhysAddr(0x8001000), 0x3000}, PhysRange{PhysAddr(0x10000000), 2 << 20}));
  EXPECT_TRUE(found.complete);
}

TEST(Vmalloc, FindsTheMemoryOfModulesToo) {
  Tables fake;
  const VirtAddr modules(0xffffffffc0000000);  // the image takes 1 GiB
  const std::uint64_t top = FakeKernel::phys(fake.symbol("init_top_pgt")).raw();
  fake.entry(top, 511, pud);
  fake.entry(pud, modules.raw() >> 30 & 511, pmd);
  fake.entry(pte, 3, 0x8005000);
  EXPECT_TRUE(pages_of(fake).pages.contains(PhysAddr(0x8005000)));
}

TEST(Vmalloc, GoesOnBehindATableThatCannotBeRead) {
  Tables fake;
  fake.entry(pud, 1, 0x7fff0000);  // no memory there
  fake.entry(pud, 2, pmd);
  fake.entry(pte, 0, 0x8001000);
  const VmallocPages found = pages_of(fake);
  EXPECT_TRUE(found.pages.contains(PhysAddr(0x8001000)));
  EXPECT_FALSE(found.complete);
}

TEST(Vmalloc, EndsWhereTablesMapFarMoreThanThereIs) {
  Tables fake;
  for (std::uint64_t i = 0; i < 512; ++i) fake.entry(pte, i, pte);
  for (std::uint64_t i = 0; i < 512; ++i) fake.entry(pmd, i, pte);
  for (std::uint64_t i = 0; i < 512; ++i) fake.entry(pud, i, pmd);
  const VmallocPages found = pages_of(fake);
  EXPECT_FALSE(found.complete);
  EXPECT_THAT(found.pages.ranges(), ElementsAre(PhysRange{PhysAddr(pte), 4096}));
}

TEST(Vmalloc, EndsWhereTablesLeadToOneEmptyTableAgainAndAgain) {
  Tables fake;
  const std::uint64_t empty = 0x2083000;
  fake.memory.add({PhysAddr(empty), 4096});
  for (std::uint64_t i = 0; i < 512; ++i) fake.entry(pmd, i, empty);
  for (std::uint64_t i = 0; i < 512; ++i) fake.entry(pud, i, pmd);
  const VmallocPages found = pages_of(fake, std::uint64_t{1} << 32);
  EXPECT_FALSE(found.complete);
  EXPECT_THAT(found.pages.ranges(), IsEmpty());
}

TEST(Vmalloc, GoesOverTheModulesThoughAllBeforeIsLost) {
  Tables fake;
  const VirtAddr modules(0xffffffffc0000000);
  const std::uint64_t top = FakeKernel::phys(fake.symbol("init_top_pgt")).raw(), upper = 0x2084000;
  fake.entry(top, vmalloc_start.raw() >> 39 & 511, 0x7fff0000);  // no memory there: 512 times 1 GiB
  fake.entry(top, 511, upper);
  fake.entry(upper, modules.raw() >> 30 & 511, pmd);
  fake.entry(pte, 3, 0x8005000);
  const VmallocPages found = pages_of(fake);
  EXPECT_TRUE(found.pages.contains(PhysAddr(0x8005000)));
  EXPECT_FALSE(found.complete);
}

TEST(Vmalloc, HasNothingWhereNothingIsMapped) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  const VmallocPages found = pages_of(fake);
  EXPECT_THAT(found.pages.ranges(), IsEmpty());
  EXPECT_TRUE(found.complete);
}

}  // namespace
}  // namespace memsect
