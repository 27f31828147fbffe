#include "page/page_decoder.h"

#include <gmock/gmock.h>

#include "page/address_facts.h"
#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t lru = 1 << 5, head_flag = 1 << 6;
constexpr std::uint32_t untyped = 0xffffffff, buddy = 0xffffff7f, slab = 0xffffefff;

/// The layout of 6.x, with the bits of 6.10, section 1, and pages as a test sets them.
struct Fake6 : FakeKernel {
  Fake6() : FakeKernel("fake_6") {
    vmcoreinfo["NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"] = "-129";
    vmcoreinfo["NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)"] = "-4097";
    add_section({.nr = 1});
  }
  void page(std::uint64_t pfn, std::uint32_t type, std::uint64_t flags = 0, std::uint64_t refcount = 0) {
    set_page(Pfn(pfn), 0, 2, flags);
    put(struct_page(Pfn(pfn)), "page", "page_type", type);
    put(struct_page(Pfn(pfn)), "page", "_refcount", refcount);
  }
  void tail(std::uint64_t pfn, std::uint64_t head) {
    page(pfn, untyped);
    put(struct_page(Pfn(pfn)), "page", "compound_head", struct_page(Pfn(head)).raw() + 1);
  }
};

PageDetails details_of(const FakeKernel& fake, std::uint64_t pfn) {
  auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto model = load_model(*kernel, {});
  EXPECT_TRUE(model) << model.error().message;
  auto page = PageDecoder(*kernel, model->geometry).page(*model, Pfn(pfn));
  EXPECT_TRUE(page) << page.error().message;
  return page ? std::move(*page) : PageDetails();
}

TEST(PageDecoder, TellsFlagsAndCounts) {
  Fake6 fake;
  fake.page(0x8003, 2, lru | fake.reserved_flag() | 1, 5);
  const PageDetails page = details_of(fake, 0x8003);
  EXPECT_EQ(page.address, fake.struct_page(Pfn(0x8003)));
  EXPECT_THAT(page.flag_names, ElementsAre("locked", "lru", "reserved"));
  EXPECT_EQ(page.zone, 2U);
  EXPECT_EQ(page.refcount, 5);
  ASSERT_TRUE(page.mapcount);
  EXPECT_EQ(*page.mapcount, 3);
  EXPECT_EQ(page.type, "reserved");
  EXPECT_EQ(page.compound, Compound::none);
  EXPECT_EQ(page.order.error().code, Errc::not_applicable);
  EXPECT_EQ(page.slab_cache.error().code, Errc::not_applicable);
}

TEST(PageDecoder, TellsUsersPagesByTheirMapping) {
  Fake6 fake;
  const std::uint64_t object = 0xffff888000001000;
  const std::uint64_t mappings[] = {object, object + 1, object + 2, object + 3, 0, 0x1001};
  const char* const types[] = {"file", "anon", "movable_ops", "ksm", "none", "none"};
  for (std::uint64_t i = 0; i < 6; ++i) {
    fake.page(0x8010 + i, untyped, lru, 1);
    fake.put(fake.struct_page(Pfn(0x8010 + i)), "page", "mapping", mappings[i]);
  }
  for (std::uint64_t i = 0; i < 6; ++i) EXPECT_EQ(details_of(fake, 0x8010 + i).type, types[i]) << i;
}

TEST(PageDecoder, FindsTheFreeBlockAPageIsIn) {
  Fake6 fake;
  for (std::uint64_t pfn = 0x8000; pfn < 0x8020; ++pfn) fake.page(pfn, untyped);
  fake.page(0x8010, buddy);
  fake.put(fake.struct_page(Pfn(0x8010)), "page", "private", 3);
  const PageDetails first = details_of(fake, 0x8010);
  EXPECT_EQ(first.type, "buddy");
  EXPECT_EQ(first.order.value_or(99), 3U);
  EXPECT_FALSE(first.head);
  EXPECT_EQ(first.mapcount.error().code, Errc::not_applicable);
  const PageDetails inside = details_of(fake, 0x8017);
  EXPECT_EQ(inside.type, "buddy");
  EXPECT_EQ(inside.order.value_or(99), 3U);
  EXPECT_EQ(inside.head, Pfn(0x8010));
  EXPECT_EQ(details_of(fake, 0x8018).type, "none") << "the block ends before it";
  EXPECT_EQ(details_of(fake, 0x800f).type, "none") << "the block begins behind it";
}

TEST(PageDecoder, TakesNoPageInUseForAFreeOne) {
  Fake6 fake;
  fake.page(0x8010, buddy);
  fake.put(fake.struct_page(Pfn(0x8010)), "page", "private", 3);
  fake.page(0x8011, untyped, 0, 1);
  EXPECT_EQ(details_of(fake, 0x8011).type, "none");
}

TEST(PageDecoder, DoesNotBelieveAWildOrder) {
  Fake6 fake;
  fake.page(0x8010, buddy);
  fake.put(fake.struct_page(Pfn(0x8010)), "page", "private", 1000);
  const PageDetails page = details_of(fake, 0x8010);
  EXPECT_EQ(page.order.error().code, Errc::corrupt);
}

TEST(PageDecoder, NamesTheCacheOfASlabByItsHead) {
  Fake6 fake;
  const VirtAddr cache = fake.symbol("scratch") + 0x4000;
  fake.page(0x8020, slab, head_flag, 1);
  fake.tail(0x8021, 0x8020);
  fake.put(fake.struct_page(Pfn(0x8020)), "slab", "slab_cache", cache.raw());
  fake.put(cache, "kmem_cache", "name", (cache + 64).raw());
  fake.put_text(cache + 64, "kmalloc-64");
  // order 1, in the lowest byte of the second page's flags; it is no flag
  fake.put(fake.struct_page(Pfn(0x8020)), "folio", "_flags_1", 1);
  for (const std::uint64_t pfn : {0x8020, 0x8021}) {
    const PageDetails page = details_of(fake, pfn);
    EXPECT_EQ(page.type, "slab") << pfn;
    EXPECT_EQ(page.slab_cache.value_or("?"), "kmalloc-64");
    EXPECT_EQ(page.order.value_or(99), 1U);
    EXPECT_EQ(page.mapcount.error().code, Errc::not_applicable);
  }
  EXPECT_EQ(details_of(fake, 0x8020).compound, Compound::head);
  const PageDetails tail = details_of(fake, 0x8021);
  EXPECT_EQ(tail.compound, Compound::tail);
  EXPECT_EQ(tail.head, Pfn(0x8020));
  EXPECT_THAT(tail.flag_names, IsEmpty());
}

TEST(PageDecoder, SaysWhyACacheHasNoName) {
  Fake6 fake;
  fake.page(0x8020, slab, 0, 1);
  fake.put(fake.struct_page(Pfn(0x8020)), "slab", "slab_cache", 0xdead000000000000);
  const PageDetails page = details_of(fake, 0x8020);
  EXPECT_EQ(page.type, "slab");
  ASSERT_FALSE(page.slab_cache);
  EXPECT_NE(page.slab_cache.error().code, Errc::not_applicable);
}

TEST(PageDecoder, SeesThroughAFakeHead) {  // HugeTLB's vmemmap optimisation, 5.15 to 7.0
  Fake6 fake;
  const std::uint64_t per_page = 4096 / fake.layout("page").size;
  const std::uint64_t pfn = 0x8000 + 0x200 * 3;
  // the struct page that begins a page of the memmap, whatever the size of one
  std::uint64_t fake_head = pfn;
  while (fake.struct_page(Pfn(fake_head)).raw() % 4096 != 0 && fake_head < pfn + 4 * per_page + 4096)
    ++fake_head;
  ASSERT_EQ(fake.struct_page(Pfn(fake_head)).raw() % 4096, 0U);
  fake.page(0x8000, untyped, head_flag, 1);
  fake.page(fake_head, untyped, head_flag, 1);
  fake.tail(fake_head + 1, 0x8000);
  const PageDetails page = details_of(fake, fake_head);
  EXPECT_EQ(page.compound, Compound::tail);
  EXPECT_EQ(page.head, Pfn(0x8000));
}

TEST(PageDecoder, ReadsTheTypesOf7_3) {
  FakeKernel fake("fake_7");
  fake.add_section({.nr = 1});
  fake.set_page(Pfn(0x8004), 0, 2);
  fake.put(fake.struct_page(Pfn(0x8004)), "page", "page_type", 0xf0000000);
  fake.put(fake.struct_page(Pfn(0x8004)), "page", "private", 2);
  const PageDetails page = details_of(fake, 0x8004);
  EXPECT_EQ(page.type, "buddy");
  EXPECT_EQ(page.order.value_or(99), 2U);
}

struct Place {
  Kernel kernel;
  MemoryModel model;
};

Place open_place(const FakeKernel& fake) {
  auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto model = load_model(*kernel, {.usages = true, .nodes = true, .blocks = true});
  EXPECT_TRUE(model) << model.error().message;
  return {std::move(*kernel), std::move(*model)};
}

TEST(AddressFacts, AgreeByPhysicalAndVirtualAddress) {
  Fake6 fake;
  fake.page(0x8203, untyped, 0, 1);
  const Place place = open_place(fake);
  const AddressFacts by_phys = facts_at(place.kernel, place.model, PhysAddr(0x8203123));
  ASSERT_TRUE(by_phys.virt);
  EXPECT_EQ(*by_phys.virt, FakeKernel::direct_map + 0x8203123);
  const AddressFacts by_virt = facts_at(place.kernel, place.model, *by_phys.virt);
  for (const AddressFacts* facts : {&by_phys, &by_virt}) {
    EXPECT_EQ(facts->phys.value_or(PhysAddr()), PhysAddr(0x8203123));
    EXPECT_EQ(facts->pfn.value_or(Pfn()), Pfn(0x8203));
    ASSERT_NE(facts->section, nullptr);
    EXPECT_EQ(facts->section->nr, SectionNr(1));
    EXPECT_EQ(facts->subsection.value_or(99), 1U);
    EXPECT_EQ(facts->pageblock.value_or(99), 1U);
    EXPECT_EQ(facts->zone.value_or("?"), "Normal");
    EXPECT_FALSE(facts->stale);
    EXPECT_TRUE(facts->page);
  }
}

TEST(AddressFacts, OfAnOfflinePageAreStaleAndItsBlockNamesTheNode) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1, .flags = 3});
  fake.add_block({.id = 1, .state = 4, .node = 3});
  const Place place = open_place(fake);
  const AddressFacts facts = facts_at(place.kernel, place.model, PhysAddr(0x8000000));
  EXPECT_TRUE(facts.stale);
  EXPECT_EQ(facts.node.value_or(NodeId{-1}), NodeId{3});
  EXPECT_EQ(facts.zone.error().code, Errc::not_applicable);
}

TEST(AddressFacts, AreNotApplicableWhereNothingIs) {
  Fake6 fake;
  const Place place = open_place(fake);
  for (const AddressFacts& facts : {facts_at(place.kernel, place.model, PhysAddr(0x20000000)),
                                    facts_at(place.kernel, place.model, VirtAddr(0x1000))}) {
    EXPECT_EQ(facts.section, nullptr);
    EXPECT_FALSE(facts.no_section.message.empty());
    EXPECT_EQ(facts.page.error().code, Errc::not_applicable);
    EXPECT_EQ(facts.node.error().code, Errc::not_applicable);
  }
}

}  // namespace
}  // namespace memsect
