// arm64 translation: numbers read from real VMCOREINFO notes, and page tables made by hand.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/hand_made_tables.h"

namespace memsect {
namespace {

using test::failure;
using test::HandMadeTables;
using test::look;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t gib = std::uint64_t{1} << 30;
constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr PhysAddr root(0x41000000);
constexpr std::uint64_t table = 3;
constexpr std::uint64_t page = 3;
constexpr std::uint64_t block = 1;
constexpr VirtAddr vmalloc(0xffffc00000000000);

/// One way to build a kernel and run it.
struct Machine {
  std::string name;
  std::uint64_t page_size;
  unsigned va_bits;
  unsigned t1sz;
  std::vector<test::Level> levels;
};

std::string keys_of(const Machine& machine, const std::string& phys_offset = "0x40000000") {
  return fmt::format(
      "PAGESIZE={}\nSYMBOL(swapper_pg_dir)=ffffffff81491000\nSYMBOL(_stext)=ffffffff80010000\n"
      "NUMBER(VA_BITS)={}\nNUMBER(kimage_voffset)=0xffffffff40491000\nNUMBER(PHYS_OFFSET)={}\n"
      "NUMBER(TCR_EL1_T1SZ)={:#x}\n",
      machine.page_size, machine.va_bits, phys_offset, machine.t1sz);
}

Result<ArchMemory> open(const HandMadeTables& tables, const Machine& machine) {
  return test::open_arch(arm64, tables.memory, keys_of(machine), ByteOrder::little);
}

HandMadeTables make_tables(const Machine& machine) {
  return {machine.levels, root, [](PhysAddr at, std::size_t) { return at.raw() | table; }};
}

const Machine common{"Pages4K48", 4096, 48, 16, {{39, 9}, {30, 9}, {21, 9}, {12, 9}}};
const Machine lpa2{"Pages4K52", 4096, 52, 12, {{48, 4}, {39, 9}, {30, 9}, {21, 9}, {12, 9}}};
const Machine lpa2_on_old{"Pages4K52On48", 4096, 52, 16, {{39, 9}, {30, 9}, {21, 9}, {12, 9}}};
const Machine large{"Pages64K52", 65536, 52, 12, {{42, 10}, {29, 13}, {16, 13}}};

class Arm64Tree : public testing::TestWithParam<Machine> {};

TEST_P(Arm64Tree, HasAsManyLevelsAsThePagesAndTheAddressesNeed) {
  const Machine& machine = GetParam();
  HandMadeTables tables = make_tables(machine);
  const unsigned page_shift = machine.levels.back().shift;
  const VirtAddr at = VirtAddr(~std::uint64_t{0} << 35) + (std::uint64_t{5} << page_shift);
  tables.set(at, page_shift, (std::uint64_t{9} << page_shift) | page);
  const auto arch = open(tables, machine);
  EXPECT_EQ(look(arch, at + 0x123).phys, PhysAddr((std::uint64_t{9} << page_shift) + 0x123));
  EXPECT_EQ(look(arch, at + 0x123).size, machine.page_size - 0x123);
  EXPECT_FALSE(look(arch, at + machine.page_size).phys);
}
INSTANTIATE_TEST_SUITE_P(
    All, Arm64Tree,
    testing::Values(Machine{"Pages4K39", 4096, 39, 25, {{30, 9}, {21, 9}, {12, 9}}}, common, lpa2,
                    lpa2_on_old, Machine{"Pages16K36", 16384, 36, 28, {{25, 11}, {14, 11}}},
                    Machine{"Pages16K47", 16384, 47, 17, {{36, 11}, {25, 11}, {14, 11}}},
                    Machine{"Pages16K48", 16384, 48, 16, {{47, 1}, {36, 11}, {25, 11}, {14, 11}}},
                    Machine{"Pages16K52", 16384, 52, 12, {{47, 5}, {36, 11}, {25, 11}, {14, 11}}},
                    Machine{"Pages16K52On47", 16384, 52, 17, {{36, 11}, {25, 11}, {14, 11}}},
                    Machine{"Pages64K42", 65536, 42, 22, {{29, 13}, {16, 13}}},
                    Machine{"Pages64K48", 65536, 48, 16, {{42, 6}, {29, 13}, {16, 13}}}, large,
                    // Built for 52, run with 48: the tables are those of 52.
                    Machine{"Pages64K52On48", 65536, 52, 16, {{42, 10}, {29, 13}, {16, 13}}}),
    [](const auto& machine) { return machine.param.name; });

TEST(Arm64, TheDirectMapNeedsNoTables) {
  const HandMadeTables nothing = make_tables(common);
  const auto arch = open(nothing, common);
  EXPECT_EQ(look(arch, VirtAddr(0xffff000012345678)).phys, PhysAddr(0x52345678));
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, VirtAddr(0xfffeffffc0000000));  // where physical 0 would be
}

TEST(Arm64, ANegativePhysOffsetIsAddedAsItStands) {  // a kernel for 52 bits on a processor with 48
  const HandMadeTables nothing = make_tables(lpa2_on_old);
  const auto arch =
      test::open_arch(arm64, nothing.memory, keys_of(lpa2_on_old, "0xfff0e3a500000000"), ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xffff1c5b7fdeb900)).phys, PhysAddr(0x7fdeb900));
}

TEST(Arm64, TheDirectMapReachesToWhereTheLeastItIsSureOfEnds) {
  HandMadeTables tables = make_tables(lpa2);
  tables.set(VirtAddr(0xffff800000000000), 12, 0x55000 | page);
  const auto arch = open(tables, lpa2);
  EXPECT_EQ(look(arch, VirtAddr(0xffff7ffffffff000)).size, 4096U);
  EXPECT_EQ(look(arch, VirtAddr(0xffff800000000000)).phys, PhysAddr(0x55000));
}

TEST(Arm64, WithKasanTheDirectMapEndsBeforeTheShadow) {
  HandMadeTables tables = make_tables(large);
  tables.set(VirtAddr(0xfffd800000000000), 16, 0x550000 | page);
  const auto arch = test::open_arch(arm64, tables.memory,
                                    keys_of(large) + "SYMBOL(kasan_early_shadow_page)=ffffffff81800000\n",
                                    ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xfffd7ffffffff000)).phys, PhysAddr(0xd80003ffff000));
  EXPECT_EQ(look(arch, VirtAddr(0xfffd800000000000)).phys, PhysAddr(0x550000));
  EXPECT_THAT(arch->kasan_shadow_offsets, ElementsAre(0xdfff800000000000, 0xdfffa00000000000));
}

TEST(Arm64, Before54TheDirectMapIsTheUpperHalf) {
  const HandMadeTables nothing = make_tables(common);
  const auto arch =
      test::open_arch(arm64, nothing.memory,
                      "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffff000009491000\n"
                      "SYMBOL(_stext)=ffff000008081000\nNUMBER(VA_BITS)=48\n"
                      "NUMBER(kimage_voffset)=0xfffeffffc8491000\nNUMBER(PHYS_OFFSET)=0x40000000\n",
                      ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xffff800000000123)).phys, PhysAddr(0x40000123));
  EXPECT_FALSE(look(arch, VirtAddr(0xffff000012345000)).phys);
}

TEST(Arm64, IgnoresTheTagInTheTopByte) {
  const HandMadeTables nothing = make_tables(common);
  const auto arch = open(nothing, common);
  const Mapping mapping = look(arch, VirtAddr(0xf4ff000012345678));
  EXPECT_EQ(mapping.phys, PhysAddr(0x52345678));
  EXPECT_EQ(mapping.start, VirtAddr(0xf4ff000012345678));
}

TEST(Arm64, UserAddressesAreAHoleUpToTheKernels) {
  const HandMadeTables nothing = make_tables(common);
  const Mapping mapping = look(open(nothing, common), VirtAddr(0x1000));
  EXPECT_FALSE(mapping.phys);
  EXPECT_EQ(mapping.start + mapping.size, VirtAddr(0xffff000000000000));
}

TEST(Arm64, BlocksEndAtTheirSize) {
  HandMadeTables tables = make_tables(common);
  tables.set(vmalloc, 21, 6 * mib | block);
  tables.set(vmalloc + 4 * gib, 30, 2 * gib | block);
  const auto arch = open(tables, common);
  EXPECT_EQ(look(arch, vmalloc + 5).phys, PhysAddr(6 * mib + 5));
  EXPECT_EQ(look(arch, vmalloc + 5).size, 2 * mib - 5);
  EXPECT_EQ(look(arch, vmalloc + 4 * gib + mib).phys, PhysAddr(2 * gib + mib));
}

TEST(Arm64, LeavesThatBelongTogetherCountAsOne) {  // the contiguous bit
  constexpr std::uint64_t contiguous = std::uint64_t{1} << 52;
  HandMadeTables tables = make_tables(common);
  tables.set(vmalloc, 21, 6 * mib | block);
  tables.set(vmalloc + 32 * mib, 21, 64 * mib | block | contiguous);
  tables.set(vmalloc + gib, 12, 8 * mib | page | contiguous);
  const auto arch = open(tables, common);
  ASSERT_TRUE(arch);
  const auto leaf = [&](VirtAddr at) { return arch->translator->leaf_size_at(at).value(); };
  EXPECT_EQ(leaf(vmalloc + 5), 2 * mib);
  EXPECT_EQ(leaf(vmalloc + 32 * mib), 32 * mib);
  EXPECT_EQ(leaf(vmalloc + gib), 0x10000U);
  EXPECT_EQ(leaf(vmalloc + 2 * mib), 0U);
}

TEST(Arm64, Bits8And9BelongToTheAddressWithLpa2Only) {
  const std::uint64_t raw = (std::uint64_t{1} << 49) | 0x300 | 0x7000 | page;
  HandMadeTables with = make_tables(lpa2);
  with.set(vmalloc, 12, raw);
  EXPECT_EQ(look(open(with, lpa2), vmalloc).phys, PhysAddr((std::uint64_t{0xe} << 48) | 0x7000));
  HandMadeTables without = make_tables(common);
  without.set(vmalloc, 12, raw);
  EXPECT_EQ(look(open(without, common), vmalloc).phys, PhysAddr(0x7000));
}

TEST(Arm64, LargePagesKeepTheUpperAddressBitsInTheLowerOnes) {
  HandMadeTables tables = make_tables(large);
  tables.set(vmalloc, 16, 0x7a0000 | 0xb000 | page);
  EXPECT_EQ(look(open(tables, large), vmalloc).phys, PhysAddr((std::uint64_t{0xb} << 48) | 0x7a0000));
}

TEST(Arm64, BlocksWhereThereAreNoneAreCorrupt) {
  HandMadeTables tables = make_tables(common);
  tables.set(vmalloc, 39, block);
  tables.set(vmalloc + (std::uint64_t{1} << 40), 12, block);
  tables.set(vmalloc + (std::uint64_t{1} << 41), 21, 0x7000 | block);
  const auto arch = open(tables, common);
  EXPECT_THAT(failure(arch, vmalloc).message, HasSubstr("reserved type"));
  EXPECT_EQ(failure(arch, vmalloc + (std::uint64_t{1} << 40)).code, Errc::corrupt);
  EXPECT_THAT(failure(arch, vmalloc + (std::uint64_t{1} << 41)).message, HasSubstr("not aligned"));
}

TEST(Arm64, RefusesNumbersThatNoKernelHas) {
  const HandMadeTables nothing = make_tables(common);
  const std::string start = "SYMBOL(swapper_pg_dir)=ffffffff81491000\nSYMBOL(_stext)=ffffffff80010000\n";
  const std::string voffset = "NUMBER(kimage_voffset)=0xffffb02cb1491000\n";
  for (const std::string& keys :
       {"PAGESIZE=8192\nNUMBER(VA_BITS)=48\n" + voffset, "NUMBER(VA_BITS)=64\n" + voffset,
        "NUMBER(VA_BITS)=-1\n" + voffset, "NUMBER(VA_BITS)=48\nNUMBER(TCR_EL1_T1SZ)=0\n" + voffset,
        "NUMBER(VA_BITS)=39\nNUMBER(TCR_EL1_T1SZ)=0x10\n" + voffset,
        std::string("NUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0\n")}) {
    const auto arch = test::open_arch(arm64, nothing.memory, start + keys, ByteOrder::little);
    ASSERT_FALSE(arch) << keys;
    EXPECT_EQ(arch.error().code, Errc::corrupt) << keys;
  }
  const auto arch = test::open_arch(arm64, nothing.memory, start + voffset, ByteOrder::little);
  ASSERT_FALSE(arch);
  EXPECT_THAT(arch.error().message, HasSubstr("no NUMBER(VA_BITS)"));
}

}  // namespace
}  // namespace memsect
