// i386 page tables made by hand: two levels of 4-byte entries, and PAE.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/hand_made_tables.h"

namespace memsect {
namespace {

using test::failure;
using test::FakeMemory;
using test::HandMadeTables;
using test::look;

constexpr PhysAddr root(0x1800000);
const std::string keys =
    "SYMBOL(_stext)=c1000000\nSYMBOL(swapper_pg_dir)=c1800000\nNUMBER(VMALLOC_START)=0xf7000000\n";

TEST(I386, TwoLevelsHaveEntriesOfFourBytes) {
  FakeMemory memory;
  memory.add({root, 4096});
  memory.add({PhysAddr(0x2000000), 4096});
  const auto put = [&](PhysAddr table, std::uint64_t index, std::uint64_t entry) {
    memory.write_unsigned(table + index * 4, entry, 4);
  };
  put(root, 0xf7400000 >> 22, 0x2000000 | 1);
  put(PhysAddr(0x2000000), 5, 0x12345000 | 0x163);
  put(PhysAddr(0x2000000), 6, 0x12346000 | 0x163);
  put(root, 0xf8000000 >> 22, 0x40000000 | 3 << 13 | 0x80 | 1);  // PSE-36
  const auto arch = test::open_arch(i386, memory, keys, ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xf67fffff)).phys, PhysAddr(0x367fffff));  // the last of low memory
  EXPECT_FALSE(look(arch, VirtAddr(0xf6800000)).phys);
  EXPECT_EQ(look(arch, VirtAddr(0xf7405678)).phys, PhysAddr(0x12345678));
  EXPECT_EQ(look(arch, VirtAddr(0xf7405678)).size, 0x2000U - 0x678U);
  EXPECT_EQ(look(arch, VirtAddr(0xf8123456)).phys, PhysAddr(0x340123456));
  EXPECT_FALSE(look(arch, VirtAddr(0x100000000)).phys);
  EXPECT_EQ(arch->pmd_shift, 22U);
}

TEST(I386, PaeHasThreeLevels) {
  HandMadeTables tables({{30, 2}, {21, 9}, {12, 9}}, root,
                        [](PhysAddr at, std::size_t) { return at.raw() | 1; });
  tables.set(VirtAddr(0xf7405000), 12, 0x8000000312345163);
  tables.set(VirtAddr(0xf8000000), 21, 0x3400001e3);
  const auto arch = test::open_arch(i386, tables.memory, keys + "CONFIG_X86_PAE=y\n", ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xf7405678)).phys, PhysAddr(0x312345678));
  EXPECT_EQ(look(arch, VirtAddr(0xf8123456)).phys, PhysAddr(0x340123456));
  EXPECT_EQ(arch->pmd_shift, 21U);
}

TEST(I386, WithoutVmallocStartTheTablesTellWhereLowMemoryEnds) {  // before 6.9
  FakeMemory memory;
  memory.add({root, 4096});
  memory.write_unsigned(root + (0xc0400000 >> 22) * 4, 0x400000 | 0x81, 4);
  const auto arch = test::open_arch(
      i386, memory, "SYMBOL(_stext)=c1000000\nSYMBOL(swapper_pg_dir)=c1800000\n", ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xc0412345)).phys, PhysAddr(0x412345));
  EXPECT_FALSE(look(arch, VirtAddr(0xc0800000)).phys);
  EXPECT_TRUE(arch->vmalloc.empty());
}

TEST(I386, TablesThatAreNotThereAreSaid) {
  FakeMemory memory;
  memory.add({root, 4096});
  memory.write_unsigned(root + (0xf7400000 >> 22) * 4, 0x70000000 | 1, 4);
  const auto arch = test::open_arch(i386, memory, keys, ByteOrder::little);
  EXPECT_EQ(failure(arch, VirtAddr(0xf7405678)).code, Errc::not_in_dump);
}

}  // namespace
}  // namespace memsect
