// ppc64 translation: radix on hand-made tables, hash on a hand-made vmemmap_list.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/hand_made_tables.h"

namespace memsect {
namespace {

using test::failure;
using test::FakeMemory;
using test::HandMadeTables;
using test::look;
using testing::HasSubstr;

constexpr PhysAddr root(0x2000000);
constexpr VirtAddr linear(0xc000000000000000);
constexpr VirtAddr vmemmap(0xc00c000000000000);
constexpr std::uint64_t valid = std::uint64_t{1} << 63;
constexpr std::uint64_t leaf = std::uint64_t{1} << 62;

std::string keys_of(unsigned page_size, std::string_view more = "") {
  return fmt::format("PAGESIZE={}\nSYMBOL(swapper_pg_dir)=c000000002000000\n{}", page_size, more);
}

HandMadeTables make_tables(unsigned page_shift) {
  return {{{39, 13}, {30, 9}, {21, 9}, {page_shift, 21 - page_shift}},
          root,
          [page_shift](PhysAddr at, std::size_t level) {
            return at.raw() | valid | (level == 2 ? 21 - page_shift : 9);
          },
          ByteOrder::big};  // in kernels of either byte order
}

class Ppc64Radix : public testing::TestWithParam<unsigned> {};

TEST_P(Ppc64Radix, TranslatesPagesOfEverySize) {
  const unsigned page_shift = GetParam();
  const std::uint64_t page_size = std::uint64_t{1} << page_shift;
  HandMadeTables tables = make_tables(page_shift);
  tables.set(linear, 30, valid | leaf);  // as radix maps the beginning of memory
  tables.set(vmemmap, page_shift, 0x7f0000 | valid | leaf | 0x18e);
  tables.set(vmemmap + 0x200000, 21, 0x8000000 | valid | leaf);
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const auto arch = test::open_arch(ppc64, tables.memory, keys_of(1U << page_shift), order);
    EXPECT_EQ(look(arch, vmemmap + 0x123).phys, PhysAddr(0x7f0123));
    EXPECT_EQ(look(arch, vmemmap + 0x123).size, page_size - 0x123);
    EXPECT_FALSE(look(arch, vmemmap + page_size).phys);
    EXPECT_EQ(look(arch, vmemmap + 0x312345).phys, PhysAddr(0x8112345));
  }
}
INSTANTIATE_TEST_SUITE_P(PageShift, Ppc64Radix, testing::Values(12U, 16U));

TEST(Ppc64, MemoryAndImageAreOneRangeThatNeedsNoTables) {
  const HandMadeTables nothing = make_tables(16);
  const auto arch =
      test::open_arch(ppc64, nothing.memory, keys_of(65536, "NUMBER(RADIX_MMU)=1\n"), ByteOrder::little);
  EXPECT_EQ(look(arch, linear + 0x12345678).phys, PhysAddr(0x12345678));
  EXPECT_FALSE(look(arch, VirtAddr(0x1000)).phys);
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, linear);
  ASSERT_EQ(arch->vmalloc.size(), 1U);
  EXPECT_EQ(arch->vmalloc.front().start, VirtAddr(0xc008000000000000));
  EXPECT_EQ(arch->vmalloc.front().end(), VirtAddr(0xc00a000000000000));
}

TEST(Ppc64, TablesOfAnotherSizeAndPagesOutOfLineAreCorrupt) {
  HandMadeTables tables = make_tables(16);
  tables.set(vmemmap, 30, 0x3000000 | valid | 5);
  tables.set(vmemmap + 0x40000000, 21, 0x8010000 | valid | leaf);
  const auto arch =
      test::open_arch(ppc64, tables.memory, keys_of(65536, "NUMBER(RADIX_MMU)=1\n"), ByteOrder::little);
  EXPECT_THAT(failure(arch, vmemmap).message, HasSubstr("of a size that the kernel does not use"));
  EXPECT_THAT(failure(arch, vmemmap + 0x40000000).message, HasSubstr("not aligned"));
}

/// A kernel with the hash MMU: two pieces of 16 MiB, the one behind the other but not in memory.
class HashKernel {
 public:
  explicit HashKernel(ByteOrder order) : memory(order), order_(order) {
    memory.add({root, 4096});                                   // an empty top table
    memory.write_u64(PhysAddr(0x3000), linear.raw() + 0x4000);  // vmemmap_list
    memory.write_u32(PhysAddr(0x3010), 5);                      // mmu_vmemmap_psize
    memory.write_u32(PhysAddr(0x3100 + 5 * 40 + 4), 24);        // mmu_psize_defs[5].shift
    backing(PhysAddr(0x4000), linear.raw() + 0x4100, 0x31000000, vmemmap.raw() + 0x2000000);
    backing(PhysAddr(0x4100), 0, 0x20000000, vmemmap.raw());
  }
  void backing(PhysAddr at, std::uint64_t next, std::uint64_t phys, std::uint64_t virt) {
    memory.write_u64(at, next);
    memory.write_u64(at + 8, phys);
    memory.write_u64(at + 16, virt);
  }
  Result<ArchMemory> open() const {
    return test::open_arch(
        ppc64, memory,
        keys_of(
            65536,
            "SYMBOL(vmemmap_list)=c000000000003000\nSYMBOL(mmu_vmemmap_psize)=c000000000003010\n"
            "SYMBOL(mmu_psize_defs)=c000000000003100\nSIZE(mmu_psize_def)=40\nOFFSET(mmu_psize_def.shift)=4\n"
            "OFFSET(vmemmap_backing.list)=0\nOFFSET(vmemmap_backing.phys)=8\n"
            "OFFSET(vmemmap_backing.virt_addr)=16\n"),
        order_);
  }

  FakeMemory memory;

 private:
  ByteOrder order_;
};

TEST(Ppc64, WithoutTablesTheListTellsWhereVmemmapLies) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const HashKernel kernel(order);
    const auto arch = kernel.open();
    EXPECT_EQ(look(arch, vmemmap + 0x123).phys, PhysAddr(0x20000123));
    EXPECT_EQ(look(arch, vmemmap + 0x123).size, 0x1000000U - 0x123U);
    EXPECT_EQ(look(arch, vmemmap + 0x2000000).phys, PhysAddr(0x31000000));
    const Mapping hole = look(arch, vmemmap + 0x1800000);
    EXPECT_FALSE(hole.phys);
    EXPECT_EQ(hole.size, 0x800000U);
    EXPECT_EQ(look(arch, linear + 0x5000).phys, PhysAddr(0x5000));
  }
}

TEST(Ppc64, WhatTheHashMmuAloneMapsIsNotToBeRead) {
  const HashKernel kernel(ByteOrder::little);
  const Error error = failure(kernel.open(), VirtAddr(0xc008000000000000));
  EXPECT_EQ(error.code, Errc::unsupported);
  EXPECT_THAT(error.message, HasSubstr("hash MMU"));
}

TEST(Ppc64, AListThatRunsInACircleIsCorruptAndHarmsNothingElse) {
  HashKernel kernel(ByteOrder::little);
  kernel.memory.write_u64(PhysAddr(0x4100), linear.raw() + 0x4000);
  const auto arch = kernel.open();
  const Error error = failure(arch, vmemmap);
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_THAT(error.message, HasSubstr("vmemmap_list"));
  EXPECT_EQ(look(arch, linear + 0x5000).phys, PhysAddr(0x5000));
}

TEST(Ppc64, AbsurdSizesAndStrayPointersAreCorrupt) {
  HashKernel huge(ByteOrder::little);
  huge.memory.write_u32(PhysAddr(0x3100 + 5 * 40 + 4), 64);
  EXPECT_EQ(failure(huge.open(), vmemmap).code, Errc::corrupt);
  HashKernel stray(ByteOrder::little);
  stray.memory.write_u64(PhysAddr(0x3000), 0x4000);
  EXPECT_EQ(failure(stray.open(), vmemmap).code, Errc::corrupt);
  const auto elsewhere =
      test::open_arch(ppc64, stray.memory, "SYMBOL(swapper_pg_dir)=ffffffff82000000\n", ByteOrder::little);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace memsect
