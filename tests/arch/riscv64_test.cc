// riscv64 translation on hand-made page tables; the numbers are those of a real 6.12 under QEMU, but for Sv39 and Sv48.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/hand_made_tables.h"

namespace memsect {
namespace {

using test::failure;
using test::HandMadeTables;
using test::look;
using testing::HasSubstr;

constexpr PhysAddr root(0x81800000);
constexpr std::uint64_t valid = 1;
constexpr std::uint64_t readable = 2;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;

std::uint64_t number_of(PhysAddr at) { return at.raw() >> 12 << 10; }
std::uint64_t page(std::uint64_t phys) { return number_of(PhysAddr(phys)) | valid | readable; }

struct Mode {
  std::string name;
  unsigned bits;
  std::uint64_t page_offset;
  VirtAddr vmemmap;
};
const Mode sv39{"Sv39", 39, 0xffffffd600000000, VirtAddr(0xffffffc600000000)};
const Mode sv48{"Sv48", 48, 0xffffaf8000000000, VirtAddr(0xffff8d8000000000)};
const Mode sv57{"Sv57", 57, 0xff60000000000000, VirtAddr(0xff1c000000000000)};

std::string keys_of(const Mode& mode) {
  return fmt::format(
      "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffff81800000\nNUMBER(VA_BITS)={}\nNUMBER(PAGE_OFFSET)={:#x}"
      "\n"
      "NUMBER(phys_ram_base)=2147483648\nNUMBER(KERNEL_LINK_ADDR)=0xffffffff80000000\n"
      "NUMBER(va_kernel_pa_offset)=0xffffffff00000000\n",
      mode.bits, mode.page_offset);
}

HandMadeTables make_tables(const Mode& mode) {
  std::vector<test::Level> levels;
  for (unsigned shift = mode.bits - 9; shift >= 12; shift -= 9) levels.push_back({shift, 9});
  return {levels, root, [](PhysAddr at, std::size_t) { return number_of(at) | valid; }};
}

Result<ArchMemory> open(const HandMadeTables& tables, const Mode& mode) {
  return test::open_arch(riscv64, tables.memory, keys_of(mode), ByteOrder::little);
}

class Riscv64Mode : public testing::TestWithParam<Mode> {};

TEST_P(Riscv64Mode, TranslatesPagesOfEverySize) {
  const Mode& mode = GetParam();
  HandMadeTables tables = make_tables(mode);
  tables.set(mode.vmemmap, 12, page(0x90005000));
  tables.set(mode.vmemmap + 0x200000, 21, page(0x90200000));
  tables.set(mode.vmemmap + gib, 30, page(3 * gib));
  const auto arch = open(tables, mode);
  EXPECT_EQ(look(arch, mode.vmemmap + 1).phys, PhysAddr(0x90005001));
  EXPECT_EQ(look(arch, mode.vmemmap + 1).size, 4095U);
  EXPECT_EQ(look(arch, mode.vmemmap + 0x2abcde).phys, PhysAddr(0x902abcde));
  EXPECT_EQ(look(arch, mode.vmemmap + gib + 5).phys, PhysAddr(3 * gib + 5));
  EXPECT_FALSE(look(arch, mode.vmemmap + 4096).phys);
}

TEST_P(Riscv64Mode, NeedsNoTablesForMemoryAndImage) {
  const Mode& mode = GetParam();
  const HandMadeTables nothing = make_tables(mode);
  const auto arch = open(nothing, mode);
  EXPECT_EQ(look(arch, VirtAddr(mode.page_offset + 0x1234)).phys, PhysAddr(0x80001234));
  EXPECT_EQ(look(arch, VirtAddr(0xffffffff80200010)).phys, PhysAddr(0x80200010));
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, VirtAddr(mode.page_offset - 0x80000000));
}
INSTANTIATE_TEST_SUITE_P(All, Riscv64Mode, testing::Values(sv39, sv48, sv57),
                         [](const auto& mode) { return mode.param.name; });

TEST(Riscv64, SixteenEntriesOfANapotPageAreOnePage) {
  HandMadeTables tables = make_tables(sv48);
  const std::uint64_t raw = number_of(PhysAddr(0x90008000)) | std::uint64_t{1} << 63 | valid | readable;
  for (std::uint64_t i = 0; i < 16; ++i) tables.set(sv48.vmemmap + 0x10000 + i * 4096, 12, raw);
  const Mapping mapping = look(open(tables, sv48), sv48.vmemmap + 0x13004);
  EXPECT_EQ(mapping.phys, PhysAddr(0x90003004));
  EXPECT_EQ(mapping.size, 0x10000U - 0x3004U);
}

TEST(Riscv64, EntriesThatNoKernelWritesAreCorrupt) {
  HandMadeTables tables = make_tables(sv48);
  tables.set(sv48.vmemmap, 12, page(0x90000000) | std::uint64_t{1} << 54);
  tables.set(sv48.vmemmap + 4096, 12, page(0x90000000) | std::uint64_t{1} << 63);
  tables.set(sv48.vmemmap + gib, 21, page(0x90001000));
  tables.set(sv48.vmemmap + 2 * gib, 12, number_of(root) | valid);
  const auto arch = open(tables, sv48);
  EXPECT_THAT(failure(arch, sv48.vmemmap).message, HasSubstr("reserved bits"));
  EXPECT_THAT(failure(arch, sv48.vmemmap + 4096).message, HasSubstr("not defined"));
  EXPECT_THAT(failure(arch, sv48.vmemmap + gib).message, HasSubstr("not aligned"));
  EXPECT_THAT(failure(arch, sv48.vmemmap + 2 * gib).message, HasSubstr("leads to another one"));
}

TEST(Riscv64, TheModeIsThatOfTheRegisterWhereTheKernelTellsIt) {
  HandMadeTables tables = make_tables(sv39);
  tables.set(sv39.vmemmap, 12, page(0x90005000));
  // Mode 8, though the kernel was built for more.
  const auto arch = test::open_arch(
      riscv64, tables.memory, keys_of({"", 57, sv39.page_offset, {}}) + "NUMBER(satp)=0x8000000000081800\n",
      ByteOrder::little);
  EXPECT_EQ(look(arch, sv39.vmemmap).phys, PhysAddr(0x90005000));
}

TEST(Riscv64, SaysWhatIsMissingOrCannotBe) {
  const HandMadeTables nothing = make_tables(sv48);
  const auto open_with = [&](const std::string& keys) {
    return test::open_arch(riscv64, nothing.memory, keys, ByteOrder::little);
  };
  const auto old = open_with("OSRELEASE=6.1.0\nSYMBOL(swapper_pg_dir)=ffffffff81800000\n");
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Errc::unsupported);
  EXPECT_THAT(old.error().message, HasSubstr("VMCOREINFO has no NUMBER("));
  for (const Mode& absurd : {Mode{"", 40, sv48.page_offset, {}}, Mode{"", 39, sv48.page_offset, {}},
                             Mode{"", 48, 0xffffffff90000000, {}}, Mode{"", 48, 0, {}}}) {
    const auto arch = open_with(keys_of(absurd));
    ASSERT_FALSE(arch) << absurd.bits;
    EXPECT_EQ(arch.error().code, Errc::corrupt);
  }
  EXPECT_FALSE(open_with(keys_of(sv48) + "NUMBER(satp)=0\n"));
}

}  // namespace
}  // namespace memsect
