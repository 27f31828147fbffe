#include "memory/address_space.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "support/fake_memory.h"

namespace memsect {
namespace {

/// Maps a few stretches; between them are holes, and asking for 0xbad000 fails. Counts the questions.
class FakeTranslator : public Translator {
 public:
  struct Stretch {
    std::uint64_t virt, size, phys;
  };
  explicit FakeTranslator(std::vector<Stretch> stretches) : stretches_(std::move(stretches)) {}

  Result<Mapping> mapping_at(VirtAddr at) const override {
    ++questions;
    if (at == VirtAddr(0xbad000)) return Error{Errc::excluded, "the page table was left out", {}};
    std::uint64_t hole = std::numeric_limits<std::uint64_t>::max() - at.raw();
    if (hole == 0) hole = 1;
    for (const Stretch& s : stretches_) {
      const std::uint64_t within = at.raw() - s.virt;
      if (within < s.size) return Mapping{at, s.size - within, PhysAddr(s.phys + within)};
      if (s.virt > at.raw()) hole = std::min(hole, s.virt - at.raw());
    }
    return Mapping{at, hole, std::nullopt};
  }
  mutable unsigned questions = 0;

 private:
  std::vector<Stretch> stretches_;
};

// virtual    0x10000  0x11000  0x12000  0x13000  0x14000            0x20000
// physical     0x5000   0x6000    hole    0x8000   0x2000    hole      0x9000
//            '------one------'           '-two--' '-three-'           '-four (excluded)-'
class AddressSpaceTest : public testing::Test {
 protected:
  AddressSpaceTest() {
    memory_.write_text(PhysAddr(0x5ffc), "abcdefgh");
    memory_.write_text(PhysAddr(0x8000), "x");
    memory_.write_text(PhysAddr(0x2000), "y");
    memory_.exclude({PhysAddr(0x9000), 0x1000});
  }
  test::FakeMemory memory_;
  FakeTranslator translator_{{{0x10000, 0x2000, 0x5000},
                              {0x13000, 0x1000, 0x8000},
                              {0x14000, 0x1000, 0x2000},
                              {0x20000, 0x1000, 0x9000}}};
  AddressSpace space_{memory_, translator_};
};

TEST_F(AddressSpaceTest, TranslatesInsideMappings) {
  EXPECT_EQ(*space_.translate(VirtAddr(0x10000)), PhysAddr(0x5000));
  EXPECT_EQ(*space_.translate(VirtAddr(0x11fff)), PhysAddr(0x6fff));
  EXPECT_EQ(*space_.translate(VirtAddr(0x14008)), PhysAddr(0x2008));
  EXPECT_EQ(&space_.memory(), &memory_);
}

TEST_F(AddressSpaceTest, TellsHolesFromPageTablesItCannotRead) {
  EXPECT_EQ(space_.translate(VirtAddr(0x12000)).error().code, Errc::not_mapped);
  EXPECT_EQ(space_.translate(VirtAddr(0x12000)).error().message, "virtual address 0x12000 is not mapped");
  EXPECT_EQ(space_.translate(VirtAddr(0xbad000)).error().code, Errc::excluded);
  const auto hole = space_.mapping_at(VirtAddr(0x12100));
  ASSERT_TRUE(hole);
  EXPECT_FALSE(hole->phys);
  EXPECT_EQ(hole->size, 0xf00U);
}

TEST_F(AddressSpaceTest, AsksOnceForAMappingItRemembers) {
  ASSERT_TRUE(space_.translate(VirtAddr(0x10000)));
  EXPECT_EQ(translator_.questions, 1U);
  const auto later = space_.mapping_at(VirtAddr(0x10800));
  ASSERT_TRUE(later);
  EXPECT_EQ(translator_.questions, 1U);
  EXPECT_EQ(later->start, VirtAddr(0x10800));
  EXPECT_EQ(later->size, 0x1800U);
  EXPECT_EQ(later->phys, PhysAddr(0x5800));
  ASSERT_TRUE(space_.mapping_at(VirtAddr(0x12000)));
  ASSERT_TRUE(space_.mapping_at(VirtAddr(0x12fff)));
  EXPECT_EQ(translator_.questions, 2U) << "holes are remembered too";
}

TEST_F(AddressSpaceTest, ForgetsOldMappingsButStaysRight) {
  for (int round = 0; round < 2; ++round) {
    for (const std::uint64_t at : {0x10000U, 0x12000U, 0x13000U, 0x14000U, 0x15000U, 0x20000U}) {
      const auto mapping = space_.mapping_at(VirtAddr(at));
      const auto direct = translator_.mapping_at(VirtAddr(at));
      ASSERT_TRUE(mapping);
      EXPECT_EQ(mapping->phys, direct->phys) << at;
      EXPECT_EQ(mapping->size, direct->size) << at;
    }
  }
}

TEST_F(AddressSpaceTest, DoesNotRememberFailures) {
  EXPECT_FALSE(space_.mapping_at(VirtAddr(0xbad000)));
  EXPECT_FALSE(space_.mapping_at(VirtAddr(0xbad000)));
  EXPECT_EQ(translator_.questions, 2U);
}

TEST_F(AddressSpaceTest, ListsWhatIsMappedAndLeavesHolesOut) {
  const auto ranges = space_.mapped_ranges(VirtAddr(0x11000), 0x4000);
  ASSERT_TRUE(ranges);
  EXPECT_EQ(*ranges,
            (std::vector<PhysRange>{
                {PhysAddr(0x6000), 0x1000}, {PhysAddr(0x8000), 0x1000}, {PhysAddr(0x2000), 0x1000}}));
  EXPECT_TRUE(space_.mapped_ranges(VirtAddr(0x15000), 0x100)->empty());
  EXPECT_TRUE(space_.mapped_ranges(VirtAddr(0x10000), 0)->empty());
  EXPECT_EQ(space_.mapped_ranges(VirtAddr(0xbad000), 1).error().code, Errc::excluded);
}

TEST_F(AddressSpaceTest, MergesStretchesThatTouch) {
  const FakeTranslator own{{{0x1000, 0x1000, 0x5000}, {0x2000, 0x1000, 0x6000}}};
  const AddressSpace other(memory_, own);
  EXPECT_EQ(*other.translate_range(VirtAddr(0x1800), 0x1000),
            (std::vector<PhysRange>{{PhysAddr(0x5800), 0x1000}}));
}

TEST_F(AddressSpaceTest, TranslatesARangeOnlyAsAWhole) {
  EXPECT_EQ(*space_.translate_range(VirtAddr(0x13ff0), 0x20),
            (std::vector<PhysRange>{{PhysAddr(0x8ff0), 0x10}, {PhysAddr(0x2000), 0x10}}));
  EXPECT_EQ(space_.translate_range(VirtAddr(0x11ff0), 0x11).error().code, Errc::not_mapped);
}

TEST_F(AddressSpaceTest, ReadsAcrossPagesAndMappings) {
  std::array<std::byte, 8> out{};
  ASSERT_TRUE(space_.read(VirtAddr(0x10ffc), out));  // over the page boundary of the memory
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(out.data()), out.size()), "abcdefgh");
  ASSERT_TRUE(space_.read(VirtAddr(0x13ffc), out));  // from mapping two into three, which lies elsewhere
  EXPECT_EQ(out[4], std::byte{'y'});
  EXPECT_EQ(space_.view(VirtAddr(0x13ffc), 8)->bytes.size(), 4U);
}

TEST_F(AddressSpaceTest, FailsAtTheFirstByteThatCannotBeHad) {
  std::array<std::byte, 8> out{};
  EXPECT_EQ(space_.read(VirtAddr(0x11ffc), out).error().code, Errc::not_mapped);
  EXPECT_EQ(space_.read(VirtAddr(0x20000), out).error().code, Errc::excluded);
  EXPECT_EQ(space_.view(VirtAddr(0x12000), 1).error().code, Errc::not_mapped);
}

TEST_F(AddressSpaceTest, ReadsTextUpToItsNul) {
  EXPECT_EQ(*space_.read_text(VirtAddr(0x10ffc), 64), "abcdefgh");
  EXPECT_EQ(*space_.read_text(VirtAddr(0x10ffc), 9), "abcdefgh");
  EXPECT_EQ(*space_.read_text(VirtAddr(0x13001), 8), "");
}

TEST_F(AddressSpaceTest, RefusesTextThatDoesNotEndOrIsNotPrintable) {
  EXPECT_EQ(space_.read_text(VirtAddr(0x10ffc), 8).error().code, Errc::corrupt);
  memory_.write_text(PhysAddr(0x8100), "a\033[2J");
  EXPECT_EQ(space_.read_text(VirtAddr(0x13100), 64).error().code, Errc::corrupt);
  EXPECT_EQ(space_.read_text(VirtAddr(0x12000), 64).error().code, Errc::not_mapped);
}

TEST_F(AddressSpaceTest, ReachesTheLastByteOfTheLine) {
  const FakeTranslator own{{{0xfffffffffffff000, 0x1000, 0x8000}}};
  const AddressSpace other(memory_, own);
  std::array<std::byte, 2> out{};
  EXPECT_TRUE(other.read(VirtAddr(0xfffffffffffffffe), out));
  EXPECT_EQ(other.read(VirtAddr(0xffffffffffffffff), out).error().code, Errc::not_mapped)
      << "not on at address 0";
}

}  // namespace
}  // namespace memsect
