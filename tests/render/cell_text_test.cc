#include "render/cell_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace memsect {
namespace {

constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
constexpr auto smallest = std::numeric_limits<std::int64_t>::min();

TEST(CellText, SaysTheSameDifferentlyToPeopleAndMachines) {
  struct Case {
    Value value;
    std::string person, person_with_bytes, machine;
  };
  const std::vector<Case> cases{
      {nullptr, "", "", ""},
      {true, "yes", "yes", "1"},
      {false, "no", "no", "0"},
      {smallest, "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
      {largest, "18446744073709551615", "18446744073709551615", "18446744073709551615"},
      {Hex{0xffffea0000000000}, "0xffffea0000000000", "0xffffea0000000000", "0xffffea0000000000"},
      {Hex{0}, "0x0", "0x0", "0x0"},
      {Size{134217728}, "128M", "134217728", "134217728"},
      {"PMOE", "PMOE", "PMOE", "PMOE"},
      {Absent{"excluded", "why"}, "?", "?", "?"},
      {Absent{"not_applicable", "why"}, "-", "-", "-"},
      {List{}, "", "", ""},
      {List{0, 1, 2, 3, 4, 5, 8}, "0-5,8", "0-5,8", "0,1,2,3,4,5,8"},
      {List{7u}, "7", "7", "7"},
      {List{largest - 1, largest}, "18446744073709551614-18446744073709551615",
       "18446744073709551614-18446744073709551615", "18446744073709551614,18446744073709551615"},
      {List{Size{1024}, Size{2048}}, "1K,2K", "1024,2048", "1024,2048"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(cell_text(cases[i].value, {Reader::person, false}), cases[i].person);
    EXPECT_EQ(cell_text(cases[i].value, {Reader::person, true}), cases[i].person_with_bytes);
    EXPECT_EQ(cell_text(cases[i].value, {Reader::machine, true}), cases[i].machine);
  }
}

TEST(CellText, WritesOnlyStrictlyAscendingWholeNumbersAsRanges) {
  const CellStyle person;
  EXPECT_EQ(cell_text(List{3, 2, 1}, person), "3,2,1");
  EXPECT_EQ(cell_text(List{1, 1, 2}, person), "1,1,2");
  EXPECT_EQ(cell_text(List{-1, 0, 1}, person), "-1,0,1");
  EXPECT_EQ(cell_text(List{0, 1, Absent{"excluded", ""}, 3}, person), "0,1,?,3");
  EXPECT_EQ(cell_text(List{Hex{0}, Hex{1}}, person), "0x0,0x1");
  EXPECT_EQ(cell_text(List{"online", "early"}, person), "online,early");
}

TEST(CellText, KeepsNestedListsAndObjectsApart) {
  const CellStyle person;
  EXPECT_EQ(cell_text(Object{{"Unmovable", 3}, {"CMA", Absent{"excluded", ""}}}, person),
            "Unmovable=3,CMA=?");
  EXPECT_EQ(cell_text(Object{{"sections", List{1, 2, 5}}, {"bytes", Size{4096}}}, person),
            "sections=(1-2,5),bytes=4K");
  EXPECT_EQ(cell_text(List{Object{{"section", 1}, {"bytes", 2}}, Object{{"section", 3}}}, person),
            "section=1,bytes=2;section=3");
  EXPECT_EQ(cell_text(Object{}, person), "");
}

}  // namespace
}  // namespace memsect
