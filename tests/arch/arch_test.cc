#include "arch/arch.h"

#include <gtest/gtest.h>

#include <set>

namespace memsect {
namespace {

TEST(Architectures, AreFoundByTheirElfMachine) {
  ASSERT_NE(find_arch(62), nullptr);
  EXPECT_EQ(find_arch(62)->name, "x86_64");
  EXPECT_EQ(find_arch(62)->section_size_bits, 27U);
  EXPECT_EQ(find_arch(62)->page_shift, 12U);
  EXPECT_EQ(find_arch(62)->pmd_shift(12), 21U);
  ASSERT_NE(find_arch(183), nullptr);
  EXPECT_EQ(find_arch(183)->name, "aarch64");
  EXPECT_EQ(find_arch(183)->pmd_shift(16), 29U);
}

TEST(Architectures, AreFoundByWhatUnameOrQemuCallsThem) {
  EXPECT_EQ(find_arch("s390x"), &s390x);
  EXPECT_EQ(find_arch("S390X"), &s390x);
  EXPECT_EQ(find_arch("ppc64"), &ppc64);
  EXPECT_EQ(find_arch("ppc64le"), &ppc64);
  EXPECT_EQ(find_arch("aarch64"), &arm64);
  EXPECT_EQ(find_arch("mips"), nullptr);
  EXPECT_EQ(find_arch(""), nullptr);
}

TEST(Architectures, AreFoundByWhatTheirKernelsAloneSay) {
  const auto found = [](const std::string& key) { return find_arch(*Vmcoreinfo::parse(key + "\n")); };
  EXPECT_EQ(found("NUMBER(kimage_voffset)=0xffffb02cb0a00000"), &arm64);
  EXPECT_EQ(found("SYMBOL(lowcore_ptr)=1"), &s390x);
  EXPECT_EQ(found("SYMBOL(vmemmap_list)=1"), &ppc64);
  EXPECT_EQ(found("NUMBER(va_kernel_pa_offset)=1"), &riscv64);
  EXPECT_EQ(found("NUMBER(phys_base)=1"), &x86_64);
  EXPECT_EQ(found("OSRELEASE=6.12"), nullptr);
}

TEST(Architectures, BelieveVmcoreinfoWhereVmallocHasItsMemory) {
  const auto ranges = [](const std::string& lines) {
    return named_vmalloc_ranges(*Vmcoreinfo::parse(lines));
  };
  const std::string vmalloc =  // arm64 6.12, the modules below it
      "NUMBER(VMALLOC_START)=0xffff800080000000\nNUMBER(VMALLOC_END)=0xffffc1ffbf800000\n";
  const std::string modules =
      "NUMBER(MODULES_VADDR)=0xffff800000000000\nNUMBER(MODULES_END)=0xffff800080000000\n";
  const VirtRange first{VirtAddr(0xffff800080000000), 0x41ff3f800000},
      second{VirtAddr(0xffff800000000000), 0x80000000};
  EXPECT_EQ(ranges(vmalloc + modules), (std::vector{first, second}));
  EXPECT_EQ(ranges(vmalloc), std::vector{first});
  EXPECT_TRUE(ranges("NUMBER(VMALLOC_START)=0xffff800080000000\n").empty());
  EXPECT_TRUE(ranges("NUMBER(VMALLOC_START)=8192\nNUMBER(VMALLOC_END)=4096\n").empty());
}

TEST(Architectures, UnknownMachinesAreNull) {
  EXPECT_EQ(find_arch(0), nullptr);
  EXPECT_EQ(find_arch(0xffff), nullptr);
}

TEST(Architectures, HaveNamesAndMachinesOfTheirOwn) {
  std::set<std::string_view> names;
  std::set<std::uint16_t> machines;
  for (const ArchDriver* driver : arch_drivers()) {
    EXPECT_TRUE(names.insert(driver->name).second) << driver->name;
    EXPECT_TRUE(machines.insert(driver->elf_machine).second) << driver->name;
    EXPECT_NE(driver->open, nullptr);
    EXPECT_NE(driver->page_sizes & (std::uint64_t{1} << driver->page_shift), 0U) << driver->name;
    EXPECT_EQ(find_arch(driver->name), driver);
  }
}

TEST(Architectures, BelieveNoPageSizeThatNoneOfTheirKernelsHas) {
  const auto shift = [](const ArchDriver& driver, const std::string& size) {
    return find_page_shift(driver, *Vmcoreinfo::parse("PAGESIZE=" + size + "\n"));
  };
  EXPECT_EQ(shift(x86_64, "4096").value_or(0), 12U);
  EXPECT_EQ(shift(arm64, "65536").value_or(0), 16U);
  for (const std::string size : {"0", "3", "8192", "16384", "1099511627776"}) {
    const auto refused = shift(x86_64, size);
    ASSERT_FALSE(refused) << size;
    EXPECT_EQ(refused.error().code, Errc::corrupt);
  }
}

}  // namespace
}  // namespace memsect
