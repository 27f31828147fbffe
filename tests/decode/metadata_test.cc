// page_ext, page tables, KASAN's shadow, device pagemaps, shared tail pages, memblock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t section_size = std::uint64_t{1} << 27;
constexpr std::uint64_t free_memory = 0x3000000;  // where no part of a FakeKernel lies

MemoryModel load(const FakeKernel& fake, bool as_kdump = false) {
  auto model = fake.load({.memmap = true, .nodes = true, .blocks = true, .other_metadata = true}, as_kdump);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

FakeKernel kernel_with_sections(const char* fixture) {
  FakeKernel fake(fixture);
  fake.add_section({.nr = 0});
  fake.add_section({.nr = 1});
  fake.add_node(0, 0, 0x10000);
  fake.add_zone(0, 2, "Normal", 0, 0x10000);
  return fake;
}

// --- page_ext

/// Points section 1 to a table at `table`, of entries of `size` bytes.
void set_page_ext(FakeKernel& fake, VirtAddr table, std::uint64_t size, std::uint64_t mark = 0) {
  const std::uint64_t entry = FakeKernel::roots + fake.layout("mem_section").size;
  fake.put(fake.symbol("page_ext_size"), size);
  fake.put(FakeKernel::at(entry), "mem_section", "page_ext", (table.raw() - size * 0x8000) | mark);
}

TEST(PageExt, IsFoundBehindTheFirstPageOfTheSection) {
  for (const std::uint64_t mark : {0, 1}) {  // PAGE_EXT_INVALID
    FakeKernel fake = kernel_with_sections("fake_4_14");
    set_page_ext(fake, FakeKernel::at(free_memory), 64, mark);
    const auto model = load(fake);
    EXPECT_EQ(model.sections[0].page_ext.error().code, Errc::not_applicable);
    const auto& table = model.sections[1].page_ext;
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->address, FakeKernel::at(free_memory));
    EXPECT_THAT(table->phys, ElementsAre(PhysRange{PhysAddr(free_memory), std::uint64_t{64} * 0x8000}));
  }
}

TEST(PageExt, IsAbsentWithAReasonWhereItCannotBePlaced) {
  FakeKernel fake = kernel_with_sections("fake_4_14");
  set_page_ext(fake, VirtAddr(0xffffc90000000000), 64);  // vmalloc memory that no table maps
  EXPECT_EQ(load(fake).sections[1].page_ext.error().code, Errc::not_mapped);
  set_page_ext(fake, FakeKernel::at(free_memory), 1 << 20);
  EXPECT_EQ(load(fake).sections[1].page_ext.error().code, Errc::corrupt);
}

TEST(PageExt, IsNotThereInKernelsWithoutIt) {
  EXPECT_EQ(load(kernel_with_sections("fake_6")).sections[0].page_ext.error().code, Errc::not_applicable);
}

// --- page tables: those that FakeKernel makes

struct Table {
  TableRun::Maps maps;
  unsigned depth;
  PhysRange phys;
  SectionNr first, last;
  bool operator==(const Table&) const = default;
};
// NOLINTNEXTLINE(readability-identifier-naming): the name is GoogleTest's
void PrintTo(const Table& table, std::ostream* out) {
  *out << (table.maps == TableRun::Maps::vmemmap ? "vmemmap " : "direct map ") << table.depth << " at "
       << table.phys.start.raw() << " + " << table.phys.size << " of " << table.first.raw() << " to "
       << table.last.raw();
}

std::vector<Table> tables_of(const MemoryModel& model) {
  std::vector<Table> tables;
  if (!model.page_tables) return tables;
  for (const TableRun& run : *model.page_tables)
    tables.push_back({run.maps, run.depth, run.phys, run.first, run.last});
  return tables;
}

constexpr std::uint64_t table_pages = 0x2000000;
constexpr std::uint64_t present = 0x63, large = 0x80;
constexpr auto vmemmap = TableRun::Maps::vmemmap;
constexpr auto direct_map = TableRun::Maps::direct_map;

TEST(PageTables, AreThoseOfTheVmemmapAndOfTheDirectMap) {
  const auto model = load(kernel_with_sections("fake_6"));
  EXPECT_THAT(
      tables_of(model),
      ElementsAre(Table{vmemmap, 1, {PhysAddr(table_pages + 0x1000), 0x1000}, SectionNr(0), SectionNr(1)},
                  Table{vmemmap, 2, {PhysAddr(table_pages + 0x2000), 0x1000}, SectionNr(0), SectionNr(1)},
                  Table{direct_map, 1, {PhysAddr(table_pages), 0x1000}, SectionNr(0), SectionNr(1)}));
  ASSERT_TRUE(model.page_tables);
  EXPECT_TRUE((*model.page_tables)[0].permanent);  // a table of PUDs, with four levels
  EXPECT_FALSE((*model.page_tables)[1].permanent);
  EXPECT_EQ((*model.page_tables)[0].address, FakeKernel::at(table_pages + 0x1000));
}

TEST(PageTables, BesideEachOtherAreOneRun) {
  FakeKernel fake = kernel_with_sections("fake_6");
  // The direct map's first GiB by a table of PMDs; sections 0 and 1 have two tables of PTEs each, three in a row.
  const PhysAddr pmds(free_memory);
  fake.memory.write_u64(PhysAddr(table_pages), pmds.raw() | present);
  for (std::uint64_t i = 0; i < 512; ++i) fake.memory.write_u64(pmds + i * 8, (i << 21) | present | large);
  const std::uint64_t ptes = free_memory + 0x10000;
  fake.memory.write_u64(pmds + 5 * 8, (ptes + 0x2000) | present);  // downwards, as memblock gives them
  fake.memory.write_u64(pmds + 6 * 8, (ptes + 0x1000) | present);
  fake.memory.write_u64(pmds + 70 * 8, ptes | present);
  fake.memory.write_u64(pmds + 71 * 8, (ptes + 0x8000) | present);
  auto tables = tables_of(load(fake));
  ASSERT_EQ(tables.size(), 6U);
  EXPECT_EQ(tables[3], (Table{direct_map, 2, {pmds, 0x1000}, SectionNr(0), SectionNr(1)}));
  EXPECT_EQ(tables[4], (Table{direct_map, 3, {PhysAddr(ptes), 0x3000}, SectionNr(0), SectionNr(1)}));
  EXPECT_EQ(tables[5], (Table{direct_map, 3, {PhysAddr(ptes + 0x8000), 0x1000}, SectionNr(1), SectionNr(1)}));
}

TEST(PageTables, ThatCannotBeReadAreSaidToBeMissing) {
  FakeKernel fake = kernel_with_sections("fake_6");
  fake.memory.write_u64(PhysAddr(table_pages), (free_memory + 0x5000) | present);  // no memory there
  // memsect itself goes through the direct map: VMCOREINFO's word is enough for the sections' table no longer.
  auto model = fake.load({.other_metadata = true});
  EXPECT_FALSE(model);
  fake = kernel_with_sections("fake_6");
  fake.memory.write_u64(PhysAddr(table_pages + 0x2000),
                        (std::uint64_t{1} << 50) | present);  // a table beyond memory
  model = fake.load({.other_metadata = true});
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->incomplete);
  EXPECT_EQ(tables_of(*model).size(), 3U);
}

// --- KASAN

TEST(KasanShadow, IsMappedBehindItsOffset) {
  FakeKernel fake = kernel_with_sections("fake_7");
  // 0xffffed1000000000 is the shadow of the direct map: one GiB for the first eight.
  const PhysAddr top = FakeKernel::phys(fake.symbol("init_top_pgt"));
  const VirtAddr shadow(0xffffed1000000000);
  const PhysAddr puds(free_memory);
  fake.memory.add({puds, 4096});
  fake.memory.write_u64(top + (shadow.raw() >> 39 & 511) * 8, puds.raw() | present);
  fake.memory.write_u64(puds + (shadow.raw() >> 30 & 511) * 8, 0x80000000 | present | large);
  const auto model = load(fake);
  const auto& of_1 = model.sections[1].kasan_shadow;
  ASSERT_TRUE(of_1) << of_1.error().message;
  EXPECT_EQ(of_1->address, shadow + section_size / 8);
  EXPECT_THAT(of_1->phys, ElementsAre(PhysRange{PhysAddr(0x80000000 + section_size / 8), section_size / 8}));
}

TEST(KasanShadow, IsNobodysWhereItIsThePageOfZeros) {
  FakeKernel fake = kernel_with_sections("fake_7");
  const PhysAddr top = FakeKernel::phys(fake.symbol("init_top_pgt"));
  const VirtAddr shadow(0xffffed1000000000);
  const PhysAddr puds(free_memory), pmds(free_memory + 0x1000), ptes(free_memory + 0x2000);
  fake.memory.add({puds, 3 * 4096});
  fake.memory.write_u64(top + (shadow.raw() >> 39 & 511) * 8, puds.raw() | present);
  fake.memory.write_u64(puds + (shadow.raw() >> 30 & 511) * 8, pmds.raw() | present);
  for (std::uint64_t i = 0; i < 512; ++i) {
    fake.memory.write_u64(pmds + i * 8, ptes.raw() | present);
    fake.memory.write_u64(ptes + i * 8,
                          FakeKernel::phys(fake.symbol("kasan_early_shadow_page")).raw() | present);
  }
  EXPECT_EQ(load(fake).sections[0].kasan_shadow.error().code, Errc::not_applicable);
  fake.memory.write_u64(ptes + 3 * 8, 0x7000 | present);
  const auto model = load(fake);
  ASSERT_TRUE(model.sections[0].kasan_shadow);
  EXPECT_EQ(model.sections[0].kasan_shadow->phys.size(), 8U);  // the table is there for each 2 MiB of shadow
  EXPECT_EQ(model.sections[0].kasan_shadow->phys.front(), (PhysRange{PhysAddr(0x7000), 0x1000}));
}

TEST(KasanShadow, IsNotLookedForInOtherKernels) {
  EXPECT_EQ(load(kernel_with_sections("fake_6")).sections[0].kasan_shadow.error().code, Errc::not_applicable);
}

// --- ZONE_DEVICE

/// One node of the tree, whose slots 2 and 3 lead to the same dev_pagemap.
VirtAddr add_device_map(FakeKernel& fake) {
  const VirtAddr node = FakeKernel::at(free_memory), map = FakeKernel::at(free_memory + 0x1000);
  fake.memory.add({FakeKernel::phys(node), 0x2000});
  fake.put(fake.symbol("pgmap_array"), "xarray", "xa_head", node.raw() + 2);
  const std::uint64_t slots = fake.layout("xa_node").find("slots")->offset;
  fake.put(node + slots + 2 * 8, map.raw());
  fake.put(node + slots + 3 * 8, map.raw());
  fake.put(map, "dev_pagemap", "type", 3);
  fake.put(map, "dev_pagemap", "nr_range", 1);
  const std::uint64_t range = fake.layout("dev_pagemap").find("range")->offset;
  fake.put(map + range, 5 * section_size);
  fake.put(map + range + 8, 7 * section_size - 1);
  return map;
}

TEST(DeviceMaps, SayWhichMemoryIsADevices) {
  FakeKernel fake = kernel_with_sections("fake_6");
  const VirtAddr map = add_device_map(fake);
  const auto model = load(fake);
  ASSERT_TRUE(model.device_maps) << model.device_maps.error().message;
  ASSERT_EQ(model.device_maps->size(), 1U);
  const DeviceMap& one = model.device_maps->front();
  EXPECT_EQ(one.placement.address, map);
  EXPECT_EQ(one.type, "fs_dax");
  EXPECT_THAT(one.ranges, ElementsAre(PhysRange{PhysAddr(5 * section_size), 2 * section_size}));
  EXPECT_FALSE(one.altmap);
}

TEST(DeviceMaps, HaveAnAltmapWhereTheFlagSaysSo) {
  FakeKernel fake = kernel_with_sections("fake_6");
  const VirtAddr map = add_device_map(fake);
  fake.put(map, "dev_pagemap", "flags", 1);
  fake.put(map, "vmem_altmap", "base_pfn", 0x28000);
  fake.put(map, "vmem_altmap", "free", 1000);
  fake.put(map, "vmem_altmap", "alloc", 512);
  const auto model = load(fake);
  ASSERT_TRUE(model.device_maps && model.device_maps->front().altmap);
  EXPECT_EQ(model.device_maps->front().altmap->base, Pfn(0x28000));
  EXPECT_EQ(model.device_maps->front().altmap->free_pages, 1000U);
  EXPECT_EQ(model.device_maps->front().altmap->allocated_pages, 512U);
}

TEST(DeviceMaps, ThatMakeNoSenseAreSaidToBeMissing) {
  FakeKernel fake = kernel_with_sections("fake_6");
  const VirtAddr map = add_device_map(fake);
  fake.put(map, "dev_pagemap", "nr_range", 0x7fffffff);
  const auto model = load(fake);
  ASSERT_TRUE(model.device_maps);
  EXPECT_THAT(*model.device_maps, IsEmpty());
  EXPECT_TRUE(model.incomplete);
}

// --- shared tail pages

TEST(VmemmapTails, AreTheZonesSince71) {
  FakeKernel fake = kernel_with_sections("fake_7");
  const VirtAddr tails = fake.zone(0, 2) + fake.layout("zone").find("vmemmap_tails")->offset;
  fake.set_page(Pfn(0x1234), 0, 2);
  fake.put(tails + 2 * 8, fake.struct_page(Pfn(0x1234)).raw());
  auto model = load(fake);
  const auto& of_zone = model.nodes[0].zones[2].vmemmap_tails;
  ASSERT_TRUE(of_zone) << of_zone.error().message;
  ASSERT_EQ(of_zone->size(), 1U);
  EXPECT_EQ(of_zone->front().phys, PhysAddr(0x1234000));
  EXPECT_EQ(of_zone->front().allocation, Allocation::buddy);

  fake.put(tails + 3 * 8, fake.struct_page(Pfn(0x1234)).raw() + 8);
  model = load(fake);
  ASSERT_FALSE(model.nodes[0].zones[2].vmemmap_tails);
  EXPECT_EQ(model.nodes[0].zones[2].vmemmap_tails.error().code, Errc::corrupt);
  EXPECT_EQ(load(kernel_with_sections("fake_6")).nodes[0].zones[2].vmemmap_tails.error().code,
            Errc::not_applicable);
}

// --- memblock

TEST(BootReserved, IsWhatMemblockKeptOnMachinesThatKeepIt) {
  FakeKernel fake = kernel_with_sections("fake_6");
  const VirtAddr reserved = fake.symbol("memblock") + fake.layout("memblock").find("reserved")->offset;
  const VirtAddr regions = FakeKernel::at(free_memory);
  const std::uint64_t size = fake.layout("memblock_region").size;
  fake.memory.add({FakeKernel::phys(regions), 0x1000});
  fake.put(reserved, "memblock_type", "cnt", 2);
  fake.put(reserved, "memblock_type", "regions", regions.raw());
  fake.put(regions, "memblock_region", "base", 0x1000);
  fake.put(regions, "memblock_region", "size", 0x3000);
  fake.put(regions, "memblock_region", "flags", 16);
  fake.put(regions, "memblock_region", "nid", 1);
  fake.put(regions + size, "memblock_region", "base", 0x8000);
  fake.put(regions + size, "memblock_region", "size", 0x1000);
  fake.put(regions + size, "memblock_region", "nid", 16);  // MAX_NUMNODES
  auto model = load(fake);
  ASSERT_TRUE(model.boot_reserved) << model.boot_reserved.error().message;
  ASSERT_EQ(model.boot_reserved->size(), 2U);
  EXPECT_EQ(model.boot_reserved->front().range, (PhysRange{PhysAddr(0x1000), 0x3000}));
  EXPECT_THAT(model.boot_reserved->front().flags, ElementsAre("noinit"));
  EXPECT_EQ(model.boot_reserved->front().node, NodeId{1});
  EXPECT_FALSE(model.boot_reserved->back().node);

  fake.put(reserved, "memblock_type", "cnt", ~std::uint64_t{0});
  EXPECT_EQ(load(fake).boot_reserved.error().code, Errc::corrupt);
  EXPECT_EQ(load(kernel_with_sections("fake_7")).boot_reserved.error().code,
            Errc::not_applicable);  // no such list
}

}  // namespace
}  // namespace memsect
