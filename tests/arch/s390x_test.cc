// s390x translation on hand-made tables; the numbers are those of real 6.1 and 6.12 kernels under QEMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/hand_made_tables.h"

namespace memsect {
namespace {

using test::failure;
using test::FakeMemory;
using test::HandMadeTables;
using test::look;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr PhysAddr root(0x1800000);
constexpr VirtAddr vmemmap(0x37200000000);
constexpr std::uint64_t segment_invalid = 0x20;
constexpr std::uint64_t page_invalid = 0x400;
constexpr std::uint64_t large = 0x400;
const std::string identity_keys = "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=1800000\nKERNELOFFSET=0\n";
const std::string uncoupled_keys =
    "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=3ffff700000\nIDENTITYBASE=0\n"
    "KERNELOFFSET=3fffe7f8000\nKERNELOFFPHYS=8f8000\n";

/// The tables of a kernel: empty entries are marked invalid and carry their type, as the kernel makes them.
class Tables : public HandMadeTables {
 public:
  explicit Tables(bool region_second = false)
      : HandMadeTables(
            levels(region_second), root,
            [region_second](PhysAddr at, std::size_t level) {
              // 3: all four quarters of the table are there
              const std::uint64_t type = region_second ? 2 - level : 1 - level;
              return at.raw() | type << 2 | (type > 0 ? 3 : 0);
            },
            ByteOrder::big) {
    const std::uint64_t type = region_second ? 2 : 1;
    for (std::uint64_t i = 0; i < 2048; ++i) memory.write_u64(root + i * 8, type << 2 | segment_invalid);
  }

 private:
  static std::vector<test::Level> levels(bool region_second) {
    std::vector<test::Level> all{{31, 11}, {20, 11}, {12, 8}};
    if (region_second) all.insert(all.begin(), {42, 11});
    return all;
  }
};

Result<ArchMemory> open(const HandMadeTables& tables, const std::string& keys = identity_keys) {
  return test::open_arch(s390x, tables.memory, keys, ByteOrder::big);
}

TEST(S390x, TranslatesPagesOfEverySize) {
  Tables tables;
  tables.set(vmemmap, 12, 0x3f005000);
  tables.set(vmemmap + 4096, 12, page_invalid);
  tables.set(vmemmap + 0x100000, 20, 0x3f100000 | large);
  tables.set(vmemmap + 0x80000000, 31, std::uint64_t{0x180000000} | large | 1 << 2);
  const auto arch = open(tables);
  EXPECT_EQ(look(arch, vmemmap + 0x123).phys, PhysAddr(0x3f005123));
  EXPECT_FALSE(look(arch, vmemmap + 4096).phys);
  EXPECT_EQ(look(arch, vmemmap + 0x123456).phys, PhysAddr(0x3f123456));
  EXPECT_EQ(look(arch, vmemmap + 0x80000010).phys, PhysAddr(0x180000010));
}

TEST(S390x, TheEntriesOfTheTopTableTellHowManyLevelsThereAre) {
  Tables tables(true);
  const VirtAddr high(std::uint64_t{5} << 42 | 0x12345000);
  tables.set(high, 12, 0x7000);
  EXPECT_EQ(look(open(tables), high).phys, PhysAddr(0x7000));
  EXPECT_FALSE(look(open(tables), VirtAddr(std::uint64_t{1} << 53)).phys);

  const Tables small;
  const Mapping beyond = look(open(small), VirtAddr(std::uint64_t{1} << 42));
  EXPECT_FALSE(beyond.phys);
  EXPECT_EQ(beyond.size, 0 - (std::uint64_t{1} << 42));
}

TEST(S390x, From610OnTheImageHasAddressesOfItsOwn) {
  // 0x3ffff700000 - 0x3fffe7f8000 + 0x8f8000 is where the tables lie
  const Tables tables;
  const auto arch = open(tables, uncoupled_keys);
  EXPECT_EQ(look(arch, VirtAddr(0x3ffff700008)).phys, PhysAddr(0x1800008));
  EXPECT_EQ(look(arch, VirtAddr(0x3ffff700008)).size, 0x40000000000 - 0x3ffff700008U);
  ASSERT_TRUE(arch);
  EXPECT_EQ(arch->page_offset, VirtAddr(0));
}

TEST(S390x, VmallocLiesBelowTheImage) {
  const Tables tables;
  const auto open = [&](const std::string& keys) {
    return test::open_arch(s390x, tables.memory, keys, ByteOrder::big)->vmalloc;
  };
  EXPECT_THAT(open(uncoupled_keys), IsEmpty()) << "before 6.9 nothing tells";
  const std::string start = "NUMBER(VMALLOC_START)=0x37ffe700000\n";
  EXPECT_THAT(open(uncoupled_keys + start), ElementsAre(VirtRange{VirtAddr(0x37ffe700000), 0x80000f8000}));
  EXPECT_THAT(open(uncoupled_keys + "NUMBER(VMALLOC_START)=0x3ffff000000\n"), IsEmpty());
}

TEST(S390x, AnEntryOfAnotherKindOfTableIsCorrupt) {
  Tables tables;
  tables.set(vmemmap, 20, 0x3f000000 | 2 << 2);
  EXPECT_THAT(failure(open(tables), vmemmap).message, HasSubstr("another kind of table"));
}

TEST(S390x, ATopTableThatIsNoneIsCorrupt) {
  Tables tables;
  tables.memory.write_u64(root, 0);  // type 0: a segment table
  const auto arch = open(tables);
  ASSERT_FALSE(arch);
  EXPECT_EQ(arch.error().code, Errc::corrupt);
  for (const std::string damaged : {"KERNELOFFSET=zzz\nKERNELOFFPHYS=0\n", "IDENTITYBASE=-1\n"}) {
    const auto refused = open(tables, "SYMBOL(swapper_pg_dir)=1800000\n" + damaged);
    ASSERT_FALSE(refused) << damaged;
    EXPECT_EQ(refused.error().code, Errc::corrupt);
  }
}

TEST(S390x, TheLowcoreLeadsToVmcoreinfo) {
  FakeMemory memory(ByteOrder::big);
  const std::string text = "OSRELEASE=6.12\nPAGESIZE=4096\n";
  constexpr PhysAddr note(0x3ff00100);
  memory.write_u64(PhysAddr(0xe0c), note.raw());
  memory.write_u32(note, 11);
  memory.write_u32(note + 4, static_cast<std::uint32_t>(text.size()));
  memory.write_text(note + 12, "VMCOREINFO");
  memory.write_text(note + 24, text);
  const auto found = s390x.find_vmcoreinfo(memory);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, text);

  memory.write_text(note + 12, "VMCOREINFX");
  EXPECT_FALSE(s390x.find_vmcoreinfo(memory));
  memory.write_u32(note + 4, 0x40000000);
  EXPECT_FALSE(s390x.find_vmcoreinfo(memory));
  memory.write_u64(PhysAddr(0xe0c), 0);
  EXPECT_FALSE(s390x.find_vmcoreinfo(memory));
}

}  // namespace
}  // namespace memsect
