// loongarch64 translation on hand-made tables: no dump of such a machine was at hand.
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

constexpr PhysAddr root(0x2000000);
constexpr std::uint64_t cached = 0x9000000000000000;
constexpr VirtAddr vmemmap(0xffffffff00000000);
constexpr std::uint64_t present = 1 << 7 | 1;
constexpr std::uint64_t huge = 1 << 6;
constexpr std::uint64_t huge_global = 1 << 12;
constexpr VirtAddr invalid_pte_table(cached + 0x1000000);
constexpr VirtAddr invalid_pmd_table(cached + 0x1010000);
constexpr VirtAddr invalid_pud_table(cached + 0x1020000);

struct Build {
  std::string name;
  unsigned page_shift;
  unsigned levels;
};

HandMadeTables make_tables(const Build& build) {
  std::vector<test::Level> levels;
  for (unsigned i = build.levels; i-- > 0;)
    levels.push_back({build.page_shift + i * (build.page_shift - 3), build.page_shift - 3});
  return {levels, root, [](PhysAddr at, std::size_t) { return cached + at.raw(); }};
}

Result<ArchMemory> open(const HandMadeTables& tables, const Build& build) {
  return test::open_arch(
      loongarch64, tables.memory,
      fmt::format("PAGESIZE={}\nSYMBOL(swapper_pg_dir)=9000000002000000\n", 1U << build.page_shift),
      ByteOrder::little, [build](std::string_view name) -> std::optional<VirtAddr> {
        if (name == "invalid_pte_table") return invalid_pte_table;
        if (name == "invalid_pmd_table" && build.levels > 2) return invalid_pmd_table;
        if (name == "invalid_pud_table" && build.levels > 3) return invalid_pud_table;
        return std::nullopt;
      });
}

const Build common{"Pages16K3", 14, 3};

class Loongarch64Build : public testing::TestWithParam<Build> {};

TEST_P(Loongarch64Build, HasTheLevelsThatItsTablesOfNothingTell) {
  const Build& build = GetParam();
  const std::uint64_t page_size = std::uint64_t{1} << build.page_shift;
  HandMadeTables tables = make_tables(build);
  tables.set(vmemmap, build.page_shift, 0x90 * page_size | present);
  const auto arch = open(tables, build);
  EXPECT_EQ(look(arch, vmemmap + 5).phys, PhysAddr(0x90 * page_size + 5));
  EXPECT_EQ(look(arch, vmemmap + 5).size, page_size - 5);
  EXPECT_FALSE(look(arch, vmemmap + page_size).phys);
}
INSTANTIATE_TEST_SUITE_P(All, Loongarch64Build,
                         testing::Values(common, Build{"Pages4K4", 12, 4}, Build{"Pages4K3", 12, 3},
                                         Build{"Pages16K2", 14, 2}, Build{"Pages64K2", 16, 2},
                                         Build{"Pages64K3", 16, 3}),
                         [](const auto& build) { return build.param.name; });

TEST(Loongarch64, BothWindowsLeadToMemory) {
  const HandMadeTables nothing = make_tables(common);
  const auto arch = open(nothing, common);
  EXPECT_EQ(look(arch, VirtAddr(cached + 0x1234)).phys, PhysAddr(0x1234));
  EXPECT_EQ(look(arch, VirtAddr(0x8000000000001234)).phys, PhysAddr(0x1234));
  EXPECT_FALSE(look(arch, VirtAddr(0xa000000000000000)).phys);
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, VirtAddr(cached));
}

TEST(Loongarch64, HugePagesDropTheirGlobalBit) {
  HandMadeTables tables = make_tables(common);
  tables.set(vmemmap, 25, 0x94000000 | present | huge | huge_global);
  const Mapping mapping = look(open(tables, common), vmemmap + 0x1234567);
  EXPECT_EQ(mapping.phys, PhysAddr(0x95234567));
  EXPECT_EQ(mapping.size, 0x2000000U - 0x1234567U);
}

TEST(Loongarch64, TheTablesOfNothingAreOneHole) {
  HandMadeTables tables = make_tables(common);
  tables.set(vmemmap, 14, 0x90000000 | present);
  const PhysAddr second = tables.entry(vmemmap + 0x2000000, 25);
  for (std::uint64_t i = 0; i < 4; ++i) tables.memory.write_u64(second + i * 8, invalid_pte_table.raw());
  const Mapping hole = look(open(tables, common), vmemmap + 0x2000000);
  EXPECT_FALSE(hole.phys);
  EXPECT_GE(hole.size, std::uint64_t{4} << 25);
}

TEST(Loongarch64, AnEntryThatIsNoTablesAddressIsCorrupt) {
  HandMadeTables tables = make_tables(common);
  tables.set(vmemmap, 25, 0x94000000);
  EXPECT_THAT(failure(open(tables, common), vmemmap).message, HasSubstr("no address of a page table"));
}

}  // namespace
}  // namespace memsect
