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
  EXPECT_EQ(find_arch(62)->pmd_shift, 21U);
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
  }
}

}  // namespace
}  // namespace memsect
