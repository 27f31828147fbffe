// Which pages make the kernel refuse, by its order of tests.
#include "page/page_scanner.h"

#include <gmock/gmock.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t lru = 1 << 5, head_flag = 1 << 6;
constexpr std::uint32_t untyped = 0xffffffff, buddy = 0xffffff7f, slab = 0xffffefff, offline = 0xfffffeff;
constexpr std::uint64_t first = 0x8000, count = 0x20;
constexpr std::uint64_t kernel_object = 0xffff888000001000;

/// Section 1 of a kernel of 6.x with the type bits of 6.10, its first 32 pages in use by nobody.
struct Pages : FakeKernel {
  explicit Pages(unsigned zone = 2) : FakeKernel("fake_6"), zone_(zone) {
    vmcoreinfo["NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"] = "-129";
    vmcoreinfo["NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)"] = "-4097";
    vmcoreinfo["NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)"] = "-257";
    add_section({.nr = 1});
    for (std::uint64_t i = 0; i < count; ++i) page(i, untyped);
  }
  VirtAddr at(std::uint64_t i) const { return struct_page(Pfn(first + i)); }
  void page(std::uint64_t i, std::uint32_t type, std::uint64_t flags = 0, std::uint64_t refcount = 0) {
    set_page(Pfn(first + i), 0, zone_, flags);
    put(at(i), "page", "page_type", type);
    put(at(i), "page", "_refcount", refcount);
  }
  void set(std::uint64_t i, const char* member, std::uint64_t value) { put(at(i), "page", member, value); }
  void compound(std::uint64_t i, unsigned order, std::uint32_t type, std::uint64_t flags = 0) {
    page(i, type, flags | head_flag, 1);
    for (std::uint64_t tail = 1; tail < 1U << order; ++tail) {
      page(i + tail, untyped);
      set(i + tail, "compound_head", at(i).raw() + 1);
    }
    put(at(i), "folio", "_flags_1", order);
  }

 private:
  unsigned zone_;
};

PageScan scan_of(const FakeKernel& fake, std::uint64_t pages = count, bool as_kdump = false) {
  auto kernel = fake.open(as_kdump);
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto model = load_model(*kernel, {});
  EXPECT_TRUE(model) << model.error().message;
  PageScanner scanner(*kernel, model->geometry);
  EXPECT_TRUE(scanner.usable()) << scanner.usable().error().message;
  return scanner.scan(*model, {Pfn(first), pages});
}

std::vector<std::string> runs_of(const PageScan& scan) {
  std::vector<std::string> runs;
  for (const UseRun& run : scan.runs) {
    runs.push_back(std::string(page_use_name(run.use)) + " " + std::to_string(run.pages.start.raw() - first) +
                   "+" + std::to_string(run.pages.size));
  }
  return runs;
}

TEST(PageScan, TakesPagesWithoutReferencesForFree) {
  Pages fake;
  fake.page(8, buddy);
  fake.set(8, "private", 3);
  fake.page(9, untyped, 0, 1);  // inside the free block: what it says is old
  const PageScan scan = scan_of(fake);
  EXPECT_EQ(scan.free, count);
  EXPECT_THAT(scan.runs, IsEmpty());
}

TEST(PageScan, NamesWhatCannotBeMoved) {
  Pages fake;
  fake.page(1, untyped, fake.reserved_flag(), 1);
  fake.page(2, untyped, fake.reserved_flag(), 1);
  fake.page(4, slab, 0, 1);
  fake.page(6, untyped, 0, 1);
  const PageScan scan = scan_of(fake);
  EXPECT_THAT(runs_of(scan), ElementsAre("reserved 1+2", "slab 4+1", "other 6+1"));
  EXPECT_EQ(scan.free, count - 4);
  EXPECT_THAT(scan.nodes, ElementsAre(NodeId{0}));
  EXPECT_THAT(scan.zones, ElementsAre(2U));
}

TEST(PageScan, TakesPagesOfUsersForMovable) {
  Pages fake;
  fake.page(1, untyped, lru, 1);
  fake.page(2, untyped, 0, 1);  // in a per-CPU batch, on its way to the list
  fake.set(2, "mapping", kernel_object + 1);
  fake.page(3, untyped, 0, 1);  // with movable operations of its own
  fake.set(3, "mapping", kernel_object + 2);
  const PageScan scan = scan_of(fake);
  EXPECT_THAT(scan.runs, IsEmpty());
  EXPECT_EQ(scan.movable, 3U);
}

TEST(PageScan, StepsOverCompoundPagesAsAWhole) {
  Pages fake;
  fake.compound(0, 2, slab);
  fake.compound(4, 2, untyped, lru);
  fake.compound(8, 3, untyped);  // of a driver
  const PageScan scan = scan_of(fake);
  EXPECT_THAT(runs_of(scan), ElementsAre("slab 0+4", "other 8+8"));
  EXPECT_EQ(scan.movable, 4U);
}

TEST(PageScan, BeginsInsideACompoundPage) {
  Pages fake;
  fake.compound(0, 3, untyped, lru);
  auto kernel = fake.open();
  auto model = load_model(*kernel, {});
  PageScanner scanner(*kernel, model->geometry);
  const PageScan scan = scanner.scan(*model, {Pfn(first + 5), 5});
  EXPECT_EQ(scan.movable, 3U);
  EXPECT_EQ(scan.free, 2U);
}

TEST(PageScan, LetsZoneMovableGoButForReservedPages) {
  Pages fake(3);
  fake.page(1, untyped, fake.reserved_flag(), 1);
  fake.page(2, slab, 0, 1);
  fake.page(3, untyped, 0, 1);
  const PageScan scan = scan_of(fake);
  EXPECT_THAT(runs_of(scan), ElementsAre("reserved 1+1"));
  EXPECT_EQ(scan.movable, 2U);
}

TEST(PageScan, LeavesOfflinePagesToTheirDriver) {
  Pages fake;
  fake.page(1, offline, 0, 0);
  fake.page(2, offline, 0, 1);
  EXPECT_THAT(runs_of(scan_of(fake)), ElementsAre("offline 1+1", "offline_in_use 2+1"));
}

TEST(PageScan, SeesReferencesThatMappingsDoNotExplain) {
  Pages fake;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    fake.page(i, 0, lru, i == 1 ? 1 : i == 2 ? 3 : 1025);  // mapped once
    fake.set(i, "mapping", kernel_object + 1);
  }
  const PageScan scan = scan_of(fake);
  EXPECT_EQ(scan.movable, 3U);
  EXPECT_THAT(scan.pinned.first, ElementsAre(Pfn(first + 2), Pfn(first + 3)));
  EXPECT_THAT(scan.foll_pin.first, ElementsAre(Pfn(first + 3)));
}

TEST(PageScan,
     GrantsAReferenceToWhoeverTookAPageOffItsList) {  // offlining does, while it tries to move the page
  Pages fake;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    fake.page(i, 0, 0, i == 1 ? 2 : i == 2 ? 3 : 1026);  // mapped once, on no LRU list
    fake.set(i, "mapping", kernel_object + 1);
  }
  const PageScan scan = scan_of(fake);
  EXPECT_THAT(scan.pinned.first, ElementsAre(Pfn(first + 2), Pfn(first + 3)));
  EXPECT_THAT(scan.foll_pin.first, ElementsAre(Pfn(first + 3)));
}

TEST(PageScan, HintsAtPinsOfCompoundPagesByTheirOwnCount) {
  Pages fake;
  for (const std::uint64_t i : {0, 4, 8}) {
    fake.compound(i, 2, untyped, lru);
    fake.set(i, "mapping", kernel_object + 1);
    fake.put(fake.at(i), "folio", "_pincount", i == 8 ? 3 : 0);
  }
  const PageScan scan = scan_of(fake);
  EXPECT_EQ(scan.movable, 12U);
  EXPECT_EQ(scan.pinned.pages, 4U);
  EXPECT_EQ(scan.foll_pin.pages, 4U);
  EXPECT_THAT(scan.foll_pin.first, ElementsAre(Pfn(first + 8)));
}

TEST(PageScan, HintsAtReferencesOfCompoundPagesThatNothingExplains) {  // a part was given to a pipe
  Pages fake;
  for (const std::uint64_t i : {0, 4, 8}) {
    fake.compound(i, 2, untyped, lru);
    fake.set(i, "mapping", kernel_object + (i == 8 ? 0 : 1));  // the last one in the page cache: 4 references
    fake.put(fake.at(i), "folio", "_large_mapcount", 0);       // mapped once
  }
  fake.set(0, "_refcount", 1);
  fake.set(4, "_refcount", 2);
  fake.set(8, "_refcount", 5);
  const PageScan scan = scan_of(fake);
  EXPECT_EQ(scan.pinned.pages, 4U);
  EXPECT_THAT(scan.pinned.first, ElementsAre(Pfn(first + 4)));
  EXPECT_EQ(scan.foll_pin.pages, 0U);
}

TEST(PageScan, CountsPagesUnderWriteback) {
  constexpr std::uint64_t writeback = 1 << 1;
  Pages fake;
  fake.page(1, untyped, lru | writeback, 2);
  fake.set(1, "mapping", kernel_object + 1);
  fake.compound(4, 2, untyped, lru | writeback);
  fake.set(4, "mapping", kernel_object);
  fake.page(9, untyped, writeback, 0);  // free: what it says is old
  const PageScan scan = scan_of(fake);
  EXPECT_EQ(scan.writeback.pages, 5U);
  EXPECT_THAT(scan.writeback.first, ElementsAre(Pfn(first + 1), Pfn(first + 4)));
  EXPECT_THAT(scan.writeback.by_device,
              ElementsAre(::testing::Pair("an unknown device", 4U), ::testing::Pair("swap", 1U)));
}

TEST(PageScan, NamesTheDeviceThatPagesAreWrittenTo) {
  constexpr std::uint64_t writeback = 1 << 1;
  Pages fake;
  const VirtAddr mapping = fake.symbol("an_address_space"), block = fake.symbol("a_super_block"),
                 inode = fake.symbol("an_inode"), type = fake.symbol("a_file_system_type");
  fake.put(mapping, "address_space", "host", inode.raw());
  fake.put(inode, "inode", "i_sb", block.raw());
  fake.put(inode, "inode", "i_rdev", (254 << 20) + 1);
  fake.put(block, "super_block", "s_type", type.raw());
  fake.put_text(block + fake.layout("super_block").find("s_id")->offset, "vda");
  fake.put(type, "file_system_type", "name", fake.symbol("scratch").raw());
  fake.put_text(fake.symbol("scratch"), "ext4");
  fake.page(1, untyped, lru | writeback, 3);
  fake.set(1, "mapping", mapping.raw());
  EXPECT_THAT(scan_of(fake).writeback.by_device, ElementsAre(::testing::Pair("vda (ext4)", 1U)));
  // A block device that is written to by itself.
  fake.put_text(block + fake.layout("super_block").find("s_id")->offset, "bdev");
  EXPECT_THAT(scan_of(fake).writeback.by_device, ElementsAre(::testing::Pair("block device 254:1", 1U)));
}

TEST(PageScan, CountsDamagedStructPagesAndGoesOn) {
  Pages fake;
  fake.page(0, buddy);
  fake.set(0, "private", 1000);  // order
  fake.page(1, untyped, 0, 1);
  fake.set(1, "compound_head", 0xffff123412341235);  // not mapped
  fake.page(2, untyped, 0, 1);
  fake.set(2, "compound_head", fake.at(3).raw() + 1);  // behind it
  fake.compound(4, 1, slab);
  fake.put(fake.at(4), "folio", "_flags_1", 0xff);  // order
  fake.page(6, untyped, fake.reserved_flag(), 1);
  const PageScan scan = scan_of(fake);
  EXPECT_EQ(scan.corrupt, 5U);
  EXPECT_EQ(runs_of(scan).back(), "reserved 6+1");
}

TEST(PageScan, CountsWhatItCannotRead) {
  Pages fake;
  fake.page(1, untyped, fake.reserved_flag(), 1);
  const std::uint64_t per_page = 4096 / fake.layout("page").size;
  // The second page of the memmap was filtered out.
  fake.set_page(Pfn(first + 2 * per_page), 0, 2, fake.reserved_flag());
  fake.lose(fake.at(0) + 4096, 4096, Errc::excluded);
  const PageScan scan = scan_of(fake, 3 * per_page, true);
  EXPECT_GE(scan.not_read, per_page - 1);
  EXPECT_LE(scan.not_read, per_page + 1);
  ASSERT_TRUE(scan.why_not_read);
  EXPECT_EQ(scan.why_not_read->code, Errc::excluded);
  EXPECT_EQ(runs_of(scan).front(), "reserved 1+1");
}

TEST(PageScan, KnowsTheTypesAndMasksOf7_3) {
  FakeKernel fake("fake_7");
  fake.add_section({.nr = 1});
  const auto page = [&fake](std::uint64_t i, std::uint32_t type, std::uint64_t refcount) {
    fake.set_page(Pfn(first + i), 0, 2, 0);
    fake.put(fake.struct_page(Pfn(first + i)), "page", "page_type", type);
    fake.put(fake.struct_page(Pfn(first + i)), "page", "_refcount", refcount);
  };
  for (std::uint64_t i = 0; i < count; ++i) page(i, untyped, 0);
  page(1, 0xf5000000, 0);  // slabs have no references any more
  page(2, 0xf2000000, 1);
  page(4, 0xf0000000, 0);
  fake.put(fake.struct_page(Pfn(first + 4)), "page", "private", 2);
  const PageScan scan = scan_of(fake);
  EXPECT_THAT(runs_of(scan), ElementsAre("slab_unreferenced 1+1", "page_table 2+1"));
  EXPECT_EQ(scan.free, count - 2);
}

/// Section 1 of a kernel before 4.4, as RHEL 7's is: tail pages bear PG_tail and name their first page.
struct OldPages : FakeKernel {
  OldPages() : FakeKernel("fake_4_3") {
    vmcoreinfo["NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"] = "-128";
    add_section({.nr = 1, .flags = 3});
    for (std::uint64_t i = 0; i < count; ++i) page(i);
  }
  std::uint64_t flag(const std::string& name) const {
    return std::uint64_t{1} << *types().find_enumerator("pageflags", name);
  }
  VirtAddr at(std::uint64_t i) const { return struct_page(Pfn(first + i)); }
  void page(std::uint64_t i, std::uint64_t flags = 0, std::uint64_t references = 0,
            std::uint32_t mapcount = ~0U) {
    set_page(Pfn(first + i), 0, 2, flags);
    put(at(i), "page", "_count", references);
    put(at(i), "page", "_mapcount", mapcount);
  }
  void compound(std::uint64_t i, unsigned order, std::uint64_t flags, std::uint64_t destructor = 0) {
    page(i, flags | flag("PG_head"), 1);
    for (std::uint64_t tail = 1; tail < 1U << order; ++tail) {
      page(i + tail, flag("PG_tail"));
      put(at(i + tail), "page", "first_page", at(i).raw());
    }
    const std::uint64_t list = layout("page").find("lru")->offset;
    put(at(i + 1) + list, destructor);
    put(at(i + 1) + list + 8, order);
  }
};

TEST(PageScan, StepsOverCompoundPagesOfKernelsBefore4_4) {
  OldPages fake;
  fake.compound(0, 2, fake.flag("PG_slab"));
  fake.compound(4, 2, fake.flag("PG_lru"));
  fake.compound(8, 3, 0);                                        // of a driver
  fake.compound(16, 3, 0, fake.symbol("free_huge_page").raw());  // hugetlb is on no list
  fake.page(24, 0, 0, 0xffffff80);                               // free, order 2
  fake.put(fake.at(24), "page", "private", 2);
  fake.page(25, 0, 1);
  fake.page(28, 0, 1);
  const PageScan scan = scan_of(fake);
  EXPECT_THAT(runs_of(scan), ElementsAre("slab 0+4", "other 8+8", "other 28+1"));
  EXPECT_EQ(scan.movable, 12U);
  EXPECT_EQ(scan.free, count - 25);
  EXPECT_EQ(scan.corrupt, 0U);
}

TEST(PageScan, FindsTheHeadOfATailBefore4_4) {
  OldPages fake;
  fake.compound(0, 3, fake.flag("PG_slab"));
  auto kernel = fake.open();
  auto model = load_model(*kernel, {});
  PageScanner scanner(*kernel, model->geometry);
  EXPECT_THAT(runs_of(scanner.scan(*model, {Pfn(first + 5), 5})), ElementsAre("slab 5+3"));
}

TEST(PageScan, LooksAtOnlineSectionsAlone) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1, .flags = 3});  // never onlined: its struct pages say nothing
  fake.set_page(Pfn(first), 0, 2, fake.reserved_flag());
  const PageScan scan = scan_of(fake);
  EXPECT_EQ(scan.pages, 0U);
  EXPECT_THAT(scan.runs, IsEmpty());
}

}  // namespace
}  // namespace memsect
