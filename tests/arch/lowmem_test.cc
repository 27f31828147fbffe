// Low memory of 32-bit kernels.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/hand_made_tables.h"

namespace memsect {
namespace {

using test::failure;
using test::FakeMemory;
using test::look;

TEST(Lowmem, OfI386BeginsWithPhysicalZero) {
  const FakeMemory memory;
  for (const auto& [stext, base] : {std::pair("c1000000", 0xc0000000U), std::pair("8d000000", 0x80000000U)}) {
    const auto arch = test::open_arch(
        i386, memory,
        fmt::format("SYMBOL(_stext)={0}\nSYMBOL(swapper_pg_dir)={0}\nNUMBER(VMALLOC_START)=0xf7800000\n",
                    stext),
        ByteOrder::little);
    EXPECT_EQ(look(arch, VirtAddr(base + 0x1234U)).phys, PhysAddr(0x1234));
    EXPECT_FALSE(look(arch, VirtAddr(0x1000)).phys);
    EXPECT_FALSE(look(arch, VirtAddr(0xffffffff00000000)).phys);
  }
}

TEST(Lowmem, OfArmBeginsWithTheFirstMemoryOfTheDump) {
  FakeMemory memory;
  memory.add({PhysAddr(0x40000000), 4096});
  const auto arch = test::open_arch(arm, memory, "SYMBOL(_stext)=c0300000\n", ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xc0301234)).phys, PhysAddr(0x40301234));
  EXPECT_FALSE(test::open_arch(arm, FakeMemory(), "SYMBOL(_stext)=c0300000\n", ByteOrder::little));
}

TEST(Lowmem, OfArmIsAllThatIsRead) {
  FakeMemory memory;
  memory.add({PhysAddr(0x40000000), 4096});
  const auto arch = test::open_arch(arm, memory, "SYMBOL(_stext)=c0300000\n", ByteOrder::little);
  EXPECT_EQ(look(arch, VirtAddr(0xf7fffff0)).size, 16U);
  EXPECT_EQ(failure(arch, VirtAddr(0xf8000000)).code, Errc::unsupported);
  EXPECT_FALSE(look(arch, VirtAddr(0xffffffff00000000)).phys);
}

TEST(Lowmem, AddressesThatNoSuchKernelHasAreCorrupt) {
  const FakeMemory memory;
  for (const std::string keys : {"SYMBOL(_stext)=ffffffff81000000\n", "SYMBOL(_stext)=1000\n"}) {
    const auto arch = test::open_arch(i386, memory, keys, ByteOrder::little);
    ASSERT_FALSE(arch);
    EXPECT_EQ(arch.error().code, Errc::corrupt);
  }
}

}  // namespace
}  // namespace memsect
