// x86-64 translation on hand-made page tables.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

#include "arch/arch.h"
#include "support/fake_memory.h"

namespace memsect {
namespace {

using test::FakeMemory;
using ::testing::ElementsAre;
using testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;
constexpr std::uint64_t present = 1;
constexpr std::uint64_t large = 1 << 7;
constexpr std::uint64_t no_execute = std::uint64_t{1} << 63;
constexpr VirtAddr direct_map(0xffff888000000000);
constexpr PhysAddr root(0x2000000);

/// Page tables in fake memory; tables are made as they are needed, one after the other, above the root.
class Tables {
 public:
  explicit Tables(unsigned levels = 4, std::uint64_t encryption_mask = 0)
      : levels_(levels), mask_(encryption_mask) {
    memory.add({root, 4096});
  }

  /// The physical address of the entry for `at` that covers `1 << shift` bytes.
  PhysAddr entry(VirtAddr at, unsigned shift) {
    PhysAddr table = root;
    for (unsigned level = 12 + 9 * (levels_ - 1); level > shift; level -= 9)
      table = next_table(slot(table, at, level));
    return slot(table, at, shift);
  }
  void map(VirtAddr at, PhysAddr phys, unsigned shift) {
    const std::uint64_t size_bit = shift == 12 ? 0 : large;
    memory.write_u64(entry(at, shift), phys.raw() | mask_ | present | size_bit | no_execute);
  }

  FakeMemory memory;

 private:
  static PhysAddr slot(PhysAddr table, VirtAddr at, unsigned shift) {
    return table + (at.raw() >> shift & 511) * 8;
  }
  PhysAddr next_table(PhysAddr entry) {
    const auto view = memory.view(entry, 8);
    const std::uint64_t raw = load_unsigned(view->bytes, ByteOrder::little);
    if (raw & present) return PhysAddr(raw & 0x000ffffffffff000 & ~mask_);
    const PhysAddr table = next_free_;
    next_free_ += 4096;
    memory.add({table, 4096});
    memory.write_u64(entry, table.raw() | mask_ | present);
    return table;
  }

  unsigned levels_;
  std::uint64_t mask_;
  PhysAddr next_free_ = root + 4096;
};

// init_top_pgt at the place where phys_base = 0x1000000 puts physical 0x2000000.
const std::string four_level_keys =
    "SYMBOL(init_top_pgt)=ffffffff81000000\nNUMBER(phys_base)=16777216\nNUMBER(pgtable_l5_enabled)=0\n"
    "NUMBER(KERNEL_IMAGE_SIZE)=1073741824\nNUMBER(MAX_PHYSMEM_BITS)=46\n";
const std::string five_level_keys =
    "SYMBOL(init_top_pgt)=ffffffff81000000\nNUMBER(phys_base)=16777216\nNUMBER(pgtable_l5_enabled)=1\n"
    "NUMBER(KERNEL_IMAGE_SIZE)=1073741824\nNUMBER(MAX_PHYSMEM_BITS)=52\n";

std::optional<VirtAddr> no_symbols(std::string_view) { return std::nullopt; }

Result<ArchMemory> open(const PhysicalMemory& memory, const std::string& keys,
                        std::function<std::optional<VirtAddr>(std::string_view)> symbol = no_symbols) {
  const auto info = Vmcoreinfo::parse(keys);
  EXPECT_TRUE(info);
  return x86_64.open({memory, *info, std::move(symbol), ByteOrder::little});
}

/// The mapping at `at`, which must not be an error.
Mapping look(const Tables& tables, VirtAddr at, const std::string& keys = four_level_keys) {
  const auto arch = open(tables.memory, keys);
  EXPECT_TRUE(arch) << arch.error().message;
  if (!arch) return {};
  const auto mapping = arch->translator->mapping_at(at);
  EXPECT_TRUE(mapping) << mapping.error().message;
  return mapping.value_or(Mapping{});
}

Error failure(const Tables& tables, VirtAddr at, const std::string& keys = four_level_keys) {
  const auto arch = open(tables.memory, keys);
  EXPECT_TRUE(arch) << arch.error().message;
  if (!arch) return arch.error();
  const auto mapping = arch->translator->mapping_at(at);
  EXPECT_FALSE(mapping);
  return mapping ? Error{} : mapping.error();
}

struct PageSize {
  unsigned levels;
  unsigned shift;
};
class EveryPageSize : public testing::TestWithParam<PageSize> {};

TEST_P(EveryPageSize, TranslatesInsideThePageAndReachesToItsEnd) {
  const auto [levels, shift] = GetParam();
  const std::string& keys = levels == 5 ? five_level_keys : four_level_keys;
  const VirtAddr at(levels == 5 ? 0xff1234c040000000 : 0xffff88c040000000);
  const std::uint64_t size = std::uint64_t{1} << shift;
  Tables tables(levels);
  tables.map(at, PhysAddr(5 * gib), shift);
  const Mapping mapping = look(tables, at + 0xabc, keys);
  EXPECT_EQ(mapping.start, at + 0xabc);
  EXPECT_EQ(mapping.phys, PhysAddr(5 * gib + 0xabc));
  EXPECT_EQ(mapping.size, size - 0xabc);
  EXPECT_FALSE(look(tables, at + size, keys).phys);
  EXPECT_FALSE(look(tables, at - 1, keys).phys);
}
INSTANTIATE_TEST_SUITE_P(X8664, EveryPageSize,
                         testing::Values(PageSize{4, 12}, PageSize{4, 21}, PageSize{4, 30}, PageSize{5, 12},
                                         PageSize{5, 21}, PageSize{5, 30}),
                         [](const auto& size) {
                           return std::to_string(size.param.levels) + "LevelsShift" +
                                  std::to_string(size.param.shift);
                         });

TEST(X8664, DropsThePatBitOfLargePages) {
  Tables tables;
  tables.map(direct_map, PhysAddr(4 * mib + (1 << 12)), 21);
  tables.map(direct_map + 4 * gib, PhysAddr(8 * gib + (1 << 12)), 30);
  EXPECT_EQ(look(tables, direct_map).phys, PhysAddr(4 * mib));
  EXPECT_EQ(look(tables, direct_map + 4 * gib).phys, PhysAddr(8 * gib));
}

TEST(X8664, TakesBit7OfAPteForPatAndNotForASize) {
  Tables tables;
  tables.map(direct_map, PhysAddr(0x5000 | large), 12);
  EXPECT_EQ(look(tables, direct_map).phys, PhysAddr(0x5000));
}

TEST(X8664, MergesPagesThatContinueAndStopsWhereTheyDoNot) {
  Tables tables;
  tables.map(direct_map, PhysAddr(0), 21);
  tables.map(direct_map + 2 * mib, PhysAddr(2 * mib), 21);
  tables.map(direct_map + 4 * mib, PhysAddr(32 * mib), 21);
  EXPECT_EQ(look(tables, direct_map + 1 * mib).size, 3 * mib);
  EXPECT_EQ(look(tables, direct_map + 4 * mib).phys, PhysAddr(32 * mib));
  EXPECT_EQ(look(tables, direct_map + 4 * mib).size, 2 * mib);
}

TEST(X8664, ALargePageDoesNotRunIntoATableOfSmallOnes) {
  Tables tables;
  tables.map(direct_map, PhysAddr(0), 21);
  tables.map(direct_map + 2 * mib, PhysAddr(2 * mib), 12);
  EXPECT_EQ(look(tables, direct_map).size, 2 * mib);
  EXPECT_EQ(look(tables, direct_map + 2 * mib).size, 4 * kib);
}

TEST(X8664, AHoleCoversTheMissingEntryAndTheEmptyOnesBehindIt) {
  Tables tables;
  tables.map(direct_map, PhysAddr(0), 12);
  tables.map(direct_map + 16 * mib, PhysAddr(16 * mib), 21);
  const Mapping in_pte_table = look(tables, direct_map + 8 * kib);
  EXPECT_FALSE(in_pte_table.phys);
  EXPECT_EQ(in_pte_table.size, 2 * mib - 8 * kib);
  const Mapping in_pmd_table = look(tables, direct_map + 3 * mib);
  EXPECT_FALSE(in_pmd_table.phys);
  EXPECT_EQ(in_pmd_table.size, 13 * mib);
  const Mapping in_pud_table = look(tables, direct_map + 5 * gib);
  EXPECT_FALSE(in_pud_table.phys);
  EXPECT_EQ(in_pud_table.size, 507 * gib);
}

TEST(X8664, BitsOfANonPresentEntryMeanNothing) {
  Tables tables;
  tables.memory.write_u64(tables.entry(direct_map, 21), ~std::uint64_t{1});
  EXPECT_FALSE(look(tables, direct_map).phys);
}

TEST(X8664, NonCanonicalAddressesAreOneHoleUpToTheUpperHalf) {
  const Tables tables;
  const Mapping four = look(tables, VirtAddr(0x0000800000000123));
  EXPECT_FALSE(four.phys);
  EXPECT_EQ(four.start + four.size, VirtAddr(0xffff800000000000));
  EXPECT_EQ(look(tables, VirtAddr(0xffff7fffffffffff)).size, 1U);
  const Tables deep(5);
  const Mapping five = look(deep, VirtAddr(0x0100000000000000), five_level_keys);
  EXPECT_FALSE(five.phys);
  EXPECT_EQ(five.start + five.size, VirtAddr(0xff00000000000000));
}

TEST(X8664, AHoleDoesNotReachFromOneHalfIntoTheOther) {
  const Tables tables;
  EXPECT_EQ(look(tables, VirtAddr(0)).size, std::uint64_t{1} << 47);
  EXPECT_EQ(look(tables, VirtAddr(0x1000)).size, (std::uint64_t{1} << 47) - 0x1000);
}

TEST(X8664, AHoleBelowTheImageEndsWhereTheImageBegins) {
  const Tables tables;
  const Mapping mapping = look(tables, VirtAddr(0xffff900000000000));
  EXPECT_FALSE(mapping.phys);
  EXPECT_EQ(mapping.start + mapping.size, VirtAddr(0xffffffff80000000));
}

TEST(X8664, WalksModulesBehindTheImage) {
  Tables tables;
  tables.map(VirtAddr(0xffffffffc0000000), PhysAddr(0x123000), 12);
  EXPECT_EQ(look(tables, VirtAddr(0xffffffffc0000010)).phys, PhysAddr(0x123010));
  const Mapping last = look(tables, VirtAddr(0xffffffffffffffff));
  EXPECT_FALSE(last.phys);
  EXPECT_EQ(last.size, 1U);
}

TEST(X8664, StripsTheEncryptionBitFromTablesAndPages) {
  constexpr std::uint64_t c_bit = std::uint64_t{1} << 47;
  Tables tables(4, c_bit);
  tables.map(direct_map, PhysAddr(6 * mib), 21);
  const std::string keys = four_level_keys + "NUMBER(sme_mask)=140737488355328\n";
  EXPECT_EQ(look(tables, direct_map + 5, keys).phys, PhysAddr(6 * mib + 5));
}

TEST(X8664, AnEncryptionBitThatNobodyNamedIsCorruptAndNotAnAddress) {
  Tables tables(4, std::uint64_t{1} << 47);
  tables.map(direct_map, PhysAddr(6 * mib), 21);
  const Error error = failure(tables, direct_map);
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_THAT(error.message, HasSubstr("beyond physical memory"));
}

TEST(X8664, RefusesAnEncryptionMaskThatIsNoSingleAddressBit) {
  const Tables tables;
  for (const std::string mask : {"-1", "1", "3", "-9223372036854775808", "0xc00000000000"}) {
    const auto arch = open(tables.memory, fmt::format("{}NUMBER(sme_mask)={}\n", four_level_keys, mask));
    ASSERT_FALSE(arch) << mask;
    EXPECT_EQ(arch.error().code, Errc::corrupt);
  }
}

TEST(X8664, ATableThatNamesItselfEndsAtTheLastLevel) {
  Tables tables;
  tables.memory.write_u64(root + 2048, root.raw() | present);
  // Index 256 at every level: each step leads back to the root, and the last one takes it for the page.
  const Mapping mapping = look(tables, VirtAddr(0xffff804020100040));
  EXPECT_EQ(mapping.phys, root + 0x40);
  EXPECT_EQ(mapping.size, 4 * kib - 0x40);
}

TEST(X8664, ReservedSizeBitsAreCorrupt) {
  Tables four;
  four.memory.write_u64(four.entry(direct_map, 39), present | large);
  EXPECT_EQ(failure(four, direct_map).code, Errc::corrupt);
  EXPECT_THAT(failure(four, direct_map).message, HasSubstr("PGD page table at 0x2000000, entry 273"));
  Tables five(5);
  const VirtAddr at(0xff11000000000000);
  five.memory.write_u64(five.entry(at, 39), present | large);
  EXPECT_EQ(failure(five, at, five_level_keys).code, Errc::corrupt);
  EXPECT_THAT(failure(five, at, five_level_keys).message, HasSubstr("P4D page table at 0x2001000"));
}

TEST(X8664, LargePagesOffTheirAlignmentAreCorrupt) {
  Tables tables;
  tables.map(direct_map, PhysAddr(4 * mib + 8 * kib), 21);
  EXPECT_EQ(failure(tables, direct_map).code, Errc::corrupt);
}

TEST(X8664, AnExcludedTableIsExcludedAndNamed) {
  Tables tables;
  tables.map(direct_map, PhysAddr(0), 12);
  tables.memory.exclude({tables.entry(direct_map, 12), 8});
  const Error error = failure(tables, direct_map + 0x10);
  EXPECT_EQ(error.code, Errc::excluded);
  EXPECT_THAT(error.message,
              HasSubstr("PTE page table at 0x2003000, entry 0 (for virtual address 0xffff888000000010)"));
}

TEST(X8664, ATruncatedRootIsSaidToBeTheTopLevelTable) {
  Tables tables;
  tables.memory.withhold({root, 4096}, Errc::truncated);
  const Error error = failure(tables, direct_map);
  EXPECT_EQ(error.code, Errc::truncated);
  EXPECT_THAT(error.message, HasSubstr("top-level PGD page table at 0x2000000"));
}

TEST(X8664, ATableOutsideTheDumpIsNotInDump) {
  Tables tables;
  tables.memory.write_u64(tables.entry(direct_map, 39), (7 * gib) | present);
  EXPECT_EQ(failure(tables, direct_map).code, Errc::not_in_dump);
}

TEST(X8664, TheImageIsReadWithoutTables) {
  Tables tables;
  tables.memory.withhold({root, 4096}, Errc::excluded);
  const Mapping mapping = look(tables, VirtAddr(0xffffffff81234567));
  EXPECT_EQ(mapping.phys, PhysAddr(0x2234567));
  EXPECT_EQ(mapping.start + mapping.size, VirtAddr(0xffffffffc0000000));
}

TEST(X8664, ANegativePhysBaseLeavesAHoleBelowPhysicalZero) {
  FakeMemory memory;
  const auto arch = open(memory, "SYMBOL(init_top_pgt)=ffffffffa3a0a000\nNUMBER(phys_base)=-260046848\n");
  ASSERT_TRUE(arch) << arch.error().message;
  EXPECT_EQ(arch->phys_base, -260046848);
  const auto below = arch->translator->mapping_at(VirtAddr(0xffffffff80000000));
  ASSERT_TRUE(below);
  EXPECT_FALSE(below->phys);
  EXPECT_EQ(below->size, 260046848U);
  const auto above = arch->translator->mapping_at(VirtAddr(0xffffffff90000000));
  ASSERT_TRUE(above);
  EXPECT_EQ(above->phys, PhysAddr(0x10000000 - 260046848));
}

TEST(X8664, WithoutAnImageSizeOnlyTheLeastImageIsTakenForGranted) {
  Tables tables;
  tables.map(VirtAddr(0xffffffffa0000000), PhysAddr(0x7000), 12);
  const std::string keys = "SYMBOL(init_top_pgt)=ffffffff81000000\nNUMBER(phys_base)=16777216\n";
  EXPECT_EQ(look(tables, VirtAddr(0xffffffff9fffffff), keys).phys, PhysAddr(0x20ffffff));
  EXPECT_EQ(look(tables, VirtAddr(0xffffffffa0000000), keys).phys, PhysAddr(0x7000));
}

TEST(X8664, SaysThatPhysBaseIsMissing) {
  const Tables tables;
  const auto arch = open(tables.memory, "SYMBOL(init_top_pgt)=ffffffff81000000\n");
  ASSERT_FALSE(arch);
  EXPECT_EQ(arch.error().code, Errc::unsupported);
  EXPECT_THAT(arch.error().message, HasSubstr("NUMBER(phys_base)"));
  EXPECT_FALSE(arch.error().hint.empty());
}

TEST(X8664, SaysThatTheRootIsMissing) {
  const Tables tables;
  const auto arch = open(tables.memory, "NUMBER(phys_base)=16777216\n");
  ASSERT_FALSE(arch);
  EXPECT_EQ(arch.error().code, Errc::no_symbol);
  EXPECT_THAT(arch.error().message, HasSubstr("init_top_pgt"));
  EXPECT_FALSE(open(tables.memory, "NUMBER(phys_base)=16777216\n", nullptr));
}

TEST(X8664, FindsTheRootUnderItsOlderNamesAndInTheSymbols) {
  Tables tables;
  tables.map(direct_map, PhysAddr(2 * mib), 21);
  const std::string base = "NUMBER(phys_base)=16777216\n";
  for (const std::string name : {"init_level4_pgt", "swapper_pg_dir"}) {
    EXPECT_EQ(look(tables, direct_map, fmt::format("{}SYMBOL({})=ffffffff81000000\n", base, name)).phys,
              PhysAddr(2 * mib));
  }
  const auto arch = open(tables.memory, base, [](std::string_view name) -> std::optional<VirtAddr> {
    if (name != "init_top_pgt") return std::nullopt;
    return VirtAddr(0xffffffff81000000);
  });
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->translator->mapping_at(direct_map)->phys, PhysAddr(2 * mib));
}

TEST(X8664, RefusesARootThatCannotBeOne) {
  const Tables tables;
  for (const std::string keys :
       {"SYMBOL(init_top_pgt)=ffff888001000000\nNUMBER(phys_base)=0\n",              // not in the image
        "SYMBOL(init_top_pgt)=ffffffff81000008\nNUMBER(phys_base)=0\n",              // not at a page's start
        "SYMBOL(init_top_pgt)=ffffffff81000000\nNUMBER(phys_base)=-268435456\n"}) {  // below physical 0
    const auto arch = open(tables.memory, keys);
    ASSERT_FALSE(arch) << keys;
    EXPECT_EQ(arch.error().code, Errc::corrupt);
  }
}

TEST(X8664, FindsThePageOffsetThatKaslrChose) {
  Tables tables;
  tables.map(VirtAddr(0xffff8c7500000000), PhysAddr(0), 12);
  const auto arch = open(tables.memory, four_level_keys);
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, VirtAddr(0xffff8c7500000000));
}

TEST(X8664, FindsThePageOffsetOfFiveLevels) {
  Tables tables(5);
  tables.map(VirtAddr(0xff11000000000000), PhysAddr(0), 21);
  const auto arch = open(tables.memory, five_level_keys);
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, VirtAddr(0xff11000000000000));
}

std::optional<VirtAddr> page_offset_symbol(std::string_view name) {
  if (name != "page_offset_base") return std::nullopt;
  return VirtAddr(0xffffffff80500008);
}

TEST(X8664, ReadsThePageOffsetVariableWhereThereIsASymbol) {
  Tables tables;
  tables.memory.withhold({root, 4096}, Errc::truncated);
  tables.memory.write_u64(PhysAddr(0x1500008), 0xffff8c7500000000);
  const auto arch = open(tables.memory, four_level_keys, page_offset_symbol);
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, VirtAddr(0xffff8c7500000000));
}

TEST(X8664, AsksTheTablesWhereThePageOffsetVariableMakesNoSense) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{0xffff8c7500001000}, ~std::uint64_t{0}}) {
    Tables tables;
    tables.map(VirtAddr(0xffff888000000000), PhysAddr(0), 21);
    tables.memory.write_u64(PhysAddr(0x1500008), value);
    const auto arch = open(tables.memory, four_level_keys, page_offset_symbol);
    ASSERT_TRUE(arch);
    EXPECT_EQ(arch->page_offset, VirtAddr(0xffff888000000000));
  }
}

TEST(X8664, LeavesOutAPageOffsetThatNothingConfirms) {
  Tables elsewhere;
  elsewhere.map(VirtAddr(0xffff8c7500000000), PhysAddr(4 * mib), 21);
  EXPECT_EQ(open(elsewhere.memory, four_level_keys)->page_offset, std::nullopt);
  const Tables empty;
  EXPECT_EQ(open(empty.memory, four_level_keys)->page_offset, std::nullopt);
  Tables cut;
  cut.memory.withhold({root, 4096}, Errc::truncated);
  EXPECT_EQ(open(cut.memory, four_level_keys)->page_offset, std::nullopt);
}

std::optional<VirtAddr> vmalloc_symbol(std::string_view name) {
  if (name != "vmalloc_base") return std::nullopt;
  return VirtAddr(0xffffffff80500010);
}

TEST(X8664, KnowsWhereVmallocHasItsMemory) {
  const VirtRange modules{VirtAddr(0xffffffffc0000000), 0x3f000000};  // the image takes 1 GiB
  Tables tables;
  tables.memory.write_u64(PhysAddr(0x1500010), 0xffffb32500000000);
  EXPECT_THAT(open(tables.memory, four_level_keys, vmalloc_symbol)->vmalloc,
              ElementsAre(VirtRange{VirtAddr(0xffffb32500000000), std::uint64_t{32} << 40}, modules));
  EXPECT_THAT(open(tables.memory, four_level_keys)->vmalloc, IsEmpty()) << "nothing tells";
  EXPECT_THAT(open(tables.memory, four_level_keys + "NUMBER(VMALLOC_START)=0xffff9f5240000000\n")->vmalloc,
              ElementsAre(VirtRange{VirtAddr(0xffff9f5240000000), std::uint64_t{32} << 40}, modules));
  tables.map(VirtAddr(0xffff888000000000), PhysAddr(0), 21);
  EXPECT_THAT(open(tables.memory, four_level_keys)->vmalloc,
              ElementsAre(VirtRange{VirtAddr(0xffffc90000000000), std::uint64_t{32} << 40}, modules));
}

TEST(X8664, AnImageThatTakesAllRoomLeavesNoneForModules) {
  Tables tables;
  tables.memory.write_u64(PhysAddr(0x1500010), 0xffffb32500000000);
  const std::string keys =
      "SYMBOL(init_top_pgt)=ffffffff81000000\nNUMBER(phys_base)=16777216\nNUMBER(KERNEL_IMAGE_SIZE)="
      "2147483648\n";
  const auto arch = open(tables.memory, keys, vmalloc_symbol);
  ASSERT_TRUE(arch);
  for (const VirtRange& range : arch->vmalloc) EXPECT_GE(range.start, VirtAddr(0xffffb32500000000));
}

// Whatever the tables say, an answer for an address holds for every address it reaches.
TEST(X8664, AnswersForAnAddressAndForOneInItsReachAgree) {
  std::mt19937_64 random(1);
  Tables tables;
  // Pages of each size beside each other, some absent, some that continue their neighbour, some that do not.
  const auto fill = [&](VirtAddr first, unsigned shift, std::uint64_t count) {
    for (std::uint64_t slot = 0; slot < count; ++slot) {
      if (random() % 4 == 0) continue;
      const std::uint64_t phys = (slot + random() % 8 / 7) << shift;
      tables.map(first + (slot << shift), PhysAddr(phys), shift);
    }
  };
  constexpr VirtAddr start(0xfffffffe00000000);
  fill(start, 30, 5);
  fill(start + 5 * gib, 21, 500);
  fill(start + 5 * gib + 1000 * mib, 12, 512);
  const auto arch = open(tables.memory, four_level_keys);
  ASSERT_TRUE(arch);
  int merged = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t top = i % 2 == 0 ? 8 * gib : gib;  // every other address near the small pages
    const VirtAddr at = start + (i % 2 == 0 ? 0 : 5 * gib) + random() % top;
    const auto mapping = arch->translator->mapping_at(at);
    ASSERT_TRUE(mapping) << mapping.error().message;
    ASSERT_GE(mapping->size, 1U);
    const std::uint64_t further = random() % mapping->size;
    const auto other = arch->translator->mapping_at(at + further);
    ASSERT_TRUE(other) << other.error().message;
    ASSERT_EQ(other->phys.has_value(), mapping->phys.has_value());
    if (mapping->phys) {
      ASSERT_EQ(*other->phys, *mapping->phys + further);
    }
    ASSERT_EQ(at + further + other->size, at + mapping->size);
    if (mapping->phys && mapping->size > 2 * mib) ++merged;
  }
  EXPECT_GT(merged, 1000);
}

}  // namespace
}  // namespace memsect
