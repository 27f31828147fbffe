#include "page/page_reader.h"

#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;

/// A kernel with one section, and a reader of its struct pages.
struct Pages {
  Kernel kernel;
  MemoryModel model;
  PageReader reader;
};

Pages open_pages(const FakeKernel& fake) {
  auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto model = load_model(*kernel, {});
  EXPECT_TRUE(model) << model.error().message;
  PageReader reader(*kernel, model->geometry);
  return {std::move(*kernel), std::move(*model), std::move(reader)};
}

bool slab(const Pages& pages, std::uint64_t pfn) {
  const auto page = pages.reader.page(pages.model, Pfn(pfn));
  EXPECT_TRUE(page) << page.error().message;
  return page && page->slab;
}

class PageReaderOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(AllLayouts, PageReaderOf, ::testing::Values("fake_4_14", "fake_6", "fake_7"));

TEST_P(PageReaderOf, TellsNodeZoneAndReserved) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 1});
  fake.set_page(Pfn(0x8005), 3, 1, fake.reserved_flag());
  fake.set_page(Pfn(0x8006), 15, 3, ~std::uint64_t{0} >> 32 & ~fake.reserved_flag());
  const auto pages = open_pages(fake);
  const auto first = pages.reader.page(pages.model, Pfn(0x8005));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->node, NodeId{3});
  EXPECT_EQ(first->zone, 1U);
  EXPECT_TRUE(first->reserved);
  const auto second = pages.reader.page(pages.model, Pfn(0x8006));
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->node, NodeId{15});
  EXPECT_EQ(second->zone, 3U);
  EXPECT_FALSE(second->reserved);
  EXPECT_EQ(pages.reader.zone_name(1), "DMA32");
  EXPECT_EQ(pages.reader.zone_name(7), "zone7");
  EXPECT_EQ(pages.reader.max_nodes(), 16U);
}

TEST_P(PageReaderOf, KnowsNoPageOutsideOfPresentSections) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 1});
  const auto pages = open_pages(fake);
  for (const std::uint64_t pfn : {std::uint64_t{0x7fff}, std::uint64_t{0x10000}, ~std::uint64_t{0}}) {
    const auto page = pages.reader.page(pages.model, Pfn(pfn));
    ASSERT_FALSE(page) << pfn;
    EXPECT_EQ(page.error().code, Errc::not_in_dump);
  }
  EXPECT_EQ(pages.reader.allocation_at(pages.model, PhysAddr(0), Allocation::buddy), Allocation::unknown);
}

TEST_P(PageReaderOf, FollowsTailPagesToASlabsHead) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 1});
  for (std::uint64_t pfn = 0x8010; pfn < 0x8014; ++pfn) fake.set_page(Pfn(pfn), 0, 2);
  const VirtAddr head = fake.struct_page(Pfn(0x8010));
  if (std::string_view(GetParam()) == "fake_4_14") {
    fake.set_page(Pfn(0x8010), 0, 2, 1 << 8);             // PG_slab
  } else if (std::string_view(GetParam()) == "fake_6") {  // 6.10: the whole word, told by VMCOREINFO
    fake.vmcoreinfo["NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)"] = "-4097";
    fake.put(head, "page", "page_type", 0xffffefff);
  } else {  // 6.12+: PGTY_slab in the top byte
    fake.put(head, "page", "page_type", 0xf5000007);
  }
  const char* const link = fake.layout("page").has("compound_info") ? "compound_info" : "compound_head";
  fake.put(fake.struct_page(Pfn(0x8012)), "page", link, head.raw() + 1);
  const auto pages = open_pages(fake);
  EXPECT_TRUE(slab(pages, 0x8010));
  EXPECT_FALSE(slab(pages, 0x8011));
  EXPECT_TRUE(slab(pages, 0x8012));
  EXPECT_FALSE(slab(pages, 0x8013));
  EXPECT_EQ(pages.reader.allocation_at(pages.model, PhysAddr(0x8012000), Allocation::buddy),
            Allocation::slab);
  EXPECT_EQ(pages.reader.allocation_at(pages.model, PhysAddr(0x8013000), Allocation::buddy),
            Allocation::buddy);
}

TEST(PageReader, TakesCompoundInfoForAMaskWhereItIsOne) {  // 7.1+ with HVO
  FakeKernel fake("fake_7");
  fake.add_section({.nr = 1});
  // sizeof(struct page) must be a power of two for a mask; here it is not, so the head is where the mask
  // leads
  const VirtAddr tail = fake.struct_page(Pfn(0x8105));
  const std::uint64_t mask = ~std::uint64_t{0x1ff};
  const VirtAddr head(tail.raw() & mask);
  fake.memory.add({FakeKernel::phys(head), 1024});
  fake.put(head, "page", "page_type", 0xf5000000);
  fake.set_page(Pfn(0x8105), 0, 2);
  fake.put(tail, "page", "compound_info", mask | 1);
  const auto pages = open_pages(fake);
  EXPECT_NE(head, tail);
  EXPECT_TRUE(slab(pages, 0x8105));
}

TEST(PageReader, IsNotLedAstrayByAWildHead) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.put(fake.struct_page(Pfn(0x8000)), "page", "compound_head", 0xdead000000000001);
  const auto pages = open_pages(fake);
  EXPECT_FALSE(slab(pages, 0x8000));
}

TEST(PageReader, FindsTheNodeBelowTheSectionWithoutVmemmap) {
  FakeKernel fake("fake_6");
  fake.vmcoreinfo.erase("SYMBOL(vmemmap)");
  fake.add_section({.nr = 1});
  fake.set_page(Pfn(0x8005), 3, 1, 0xabcdULL << 45);  // the section number stands above
  const auto pages = open_pages(fake);
  EXPECT_EQ(pages.model.geometry.kind, MemoryModelKind::sparsemem_extreme);
  const auto page = pages.reader.page(pages.model, Pfn(0x8005));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->node, NodeId{3});
  EXPECT_EQ(page->zone, 1U);
}

TEST_P(PageReaderOf, SaysWhyItCannotTellWhoGaveAPage) {
  FakeKernel fake(GetParam());
  fake.add_section({.nr = 1});
  fake.set_page(Pfn(0x8005), 0, 1, fake.reserved_flag());
  fake.lose(fake.struct_page(Pfn(0x8005)), 64);
  auto kernel = fake.open(true);
  ASSERT_TRUE(kernel) << kernel.error().message;
  const auto model = load_model(*kernel, {});
  ASSERT_TRUE(model) << model.error().message;
  const PageReader reader(*kernel, model->geometry);
  const Allocation lost = reader.allocation_at(*model, PhysAddr(0x8005000), Allocation::buddy);
  EXPECT_EQ(lost.kind, Allocation::not_read);
  EXPECT_EQ(lost.why_not_read, Errc::excluded);
}

}  // namespace
}  // namespace memsect
