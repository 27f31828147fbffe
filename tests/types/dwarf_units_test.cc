#include "types/dwarf_units.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace memsect {
namespace {

/// Integers one after the other, in the byte order of the test's tables.
class Writer {
 public:
  explicit Writer(ByteOrder order = ByteOrder::little) : order_(order) {}
  Writer& add(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t byte = order_ == ByteOrder::little ? i : size - 1 - i;
      bytes_.push_back(static_cast<std::byte>(value >> (8 * byte)));
    }
    return *this;
  }
  Writer& add_all(std::initializer_list<int> small) {
    for (const int value : small) add(static_cast<std::uint64_t>(value), 1);
    return *this;
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  ByteOrder order_;
  std::vector<std::byte> bytes_;
};

/// One set of .debug_aranges with one range.
Writer& add_set(Writer& table, std::uint64_t unit, std::uint64_t start, std::uint64_t size) {
  table.add(28 + 16, 4).add(2, 2).add(unit, 4).add(8, 1).add(0, 1).add(0, 4);
  return table.add(start, 8).add(size, 8).add(0, 8).add(0, 8);
}

TEST(Aranges, FindsTheUnitInAnyOfTheSets) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    Writer table(order);
    add_set(table, 0x0, 0xffffffff81000000, 0x1000);
    add_set(table, 0x1234, 0xffffffff81001000, 0x10);
    EXPECT_EQ(find_in_aranges(table.bytes(), order, VirtAddr(0xffffffff81000fff)), 0x0);
    EXPECT_EQ(find_in_aranges(table.bytes(), order, VirtAddr(0xffffffff81001000)), 0x1234);
    EXPECT_EQ(find_in_aranges(table.bytes(), order, VirtAddr(0xffffffff81001010)), std::nullopt);
  }
}

TEST(Aranges, ReadsSetsOfFourByteAddresses) {
  Writer table;
  table.add(12 + 16, 4).add(2, 2).add(0x77, 4).add(4, 1).add(0, 1).add(0, 4);
  table.add(0xc0008000, 4).add(0x100, 4).add(0, 8);
  EXPECT_EQ(find_in_aranges(table.bytes(), ByteOrder::little, VirtAddr(0xc0008010)), 0x77);
}

TEST(Aranges, StepsOverSetsItDoesNotKnow) {
  Writer table;
  table.add(28, 4).add(9, 2).add(0x1, 4).add(8, 1).add(0, 1).add(0, 4).add(0x1000, 8).add(0x1000, 8);
  add_set(table, 0x2, 0x1000, 0x1000);
  EXPECT_EQ(find_in_aranges(table.bytes(), ByteOrder::little, VirtAddr(0x1800)), 0x2);
}

TEST(Aranges, EndsQuietlyWhereALengthLies) {
  for (const std::uint64_t length : {0xffffffffULL, 0xfffffff5ULL, 0x1000ULL}) {
    Writer table;
    table.add(length, 4).add(2, 2).add(0, 8);
    EXPECT_EQ(find_in_aranges(table.bytes(), ByteOrder::little, VirtAddr(0x1800)), std::nullopt) << length;
  }
}

TEST(Aranges, AreNotFooledByASetThatEndsInsideItsHeader) {
  Writer table;
  table.add(4, 4).add(2, 2).add(0, 2);
  add_set(table, 0x5, 0x1000, 0x1000);
  EXPECT_EQ(find_in_aranges(table.bytes(), ByteOrder::little, VirtAddr(0x1800)), 0x5);
}

TEST(UnitHeader, IsReadInBothLayouts) {
  Writer four;
  four.add(0x100, 4).add(4, 2).add(0x42, 4).add(8, 1);
  const auto old = parse_unit_header(four.bytes(), ByteOrder::little, 0x10, 0x1000);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->size, 0x104U);
  EXPECT_EQ(old->abbrev_offset, 0x42U);
  EXPECT_EQ(old->abbrev_field, 6U);
  EXPECT_EQ(old->header_size, 11U);
  EXPECT_TRUE(old->is_compile_unit());

  Writer five;
  five.add(0xffffffff, 4).add(0x100, 8).add(5, 2).add(1, 1).add(8, 1).add(0x42, 8);
  const auto recent = parse_unit_header(five.bytes(), ByteOrder::little, 0, 0x1000);
  ASSERT_TRUE(recent);
  EXPECT_EQ(recent->size, 0x10cU);
  EXPECT_EQ(recent->offset_size, 8U);
  EXPECT_EQ(recent->abbrev_field, 16U);
  EXPECT_EQ(recent->abbrev_offset, 0x42U);
}

TEST(UnitHeader, OfATypeUnitIsNoCompileUnit) {
  Writer unit;
  unit.add(0x100, 4).add(5, 2).add(2, 1).add(8, 1).add(0x42, 4).add(0x1234, 8).add(0x20, 4);
  const auto header = parse_unit_header(unit.bytes(), ByteOrder::little, 0, 0x1000);
  ASSERT_TRUE(header);
  EXPECT_FALSE(header->is_compile_unit());
}

TEST(UnitHeader, ThatReachesBeyondTheSectionIsCorrupt) {
  Writer unit;
  unit.add(0x100, 4).add(4, 2).add(0x42, 4).add(8, 1);
  EXPECT_TRUE(parse_unit_header(unit.bytes(), ByteOrder::little, 0, 0x104));
  EXPECT_EQ(parse_unit_header(unit.bytes(), ByteOrder::little, 0, 0x103).error().code, Errc::corrupt);
  EXPECT_EQ(parse_unit_header(unit.bytes(), ByteOrder::little, ~0ULL - 2, 0x1000).error().code,
            Errc::corrupt);
}

TEST(UnitHeader, OfAnUnknownVersionIsUnsupported) {
  Writer unit;
  unit.add(0x100, 4).add(6, 2).add(0x42, 4).add(8, 1);
  EXPECT_EQ(parse_unit_header(unit.bytes(), ByteOrder::little, 0, 0x1000).error().code, Errc::unsupported);
}

TEST(UnitHeader, ThatIsCutOffIsCorrupt) {
  Writer unit;
  unit.add(0x100, 4).add(5, 2).add(1, 1);
  EXPECT_EQ(parse_unit_header(unit.bytes(), ByteOrder::little, 0, 0x1000).error().code, Errc::corrupt);
}

TEST(AbbrevTable, EndsAtCodeZeroAndNotAtZerosInsideOfIt) {
  Writer table;
  table.add_all({1, 0x11, 1, 0x03, 0x08, 0, 0});     // an entry with a name
  table.add_all({2, 0x24, 0, 0x0b, 0x21, 0, 0, 0});  // DW_FORM_implicit_const of value 0
  table.add_all({0});
  const std::size_t size = table.bytes().size();
  table.add_all({9, 9, 9});
  ASSERT_TRUE(scan_abbrev_table(table.bytes()));
  EXPECT_EQ(scan_abbrev_table(table.bytes())->size, size);
}

TEST(AbbrevTable, ThatDoesNotEndHasNoSize) {
  Writer table;
  table.add_all({1, 0x11, 1, 0x03, 0x08, 0, 0});
  EXPECT_FALSE(scan_abbrev_table(table.bytes()));
  EXPECT_FALSE(scan_abbrev_table({}));
  Writer endless;
  endless.add_all({0x80, 0x80, 0x80});
  EXPECT_FALSE(scan_abbrev_table(endless.bytes()));
}

}  // namespace
}  // namespace memsect
