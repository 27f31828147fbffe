#include "memory/vmcoreinfo.h"

#include <gmock/gmock.h>

namespace memsect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Vmcoreinfo parsed(std::string_view text) {
  auto info = Vmcoreinfo::parse(text);
  EXPECT_TRUE(info);
  return info ? std::move(*info) : Vmcoreinfo();
}

TEST(Vmcoreinfo, ReadsEachKindOfLine) {
  const Vmcoreinfo info = parsed(
      "OSRELEASE=6.1.0-13-amd64\nBUILD-ID=3b43\nPAGESIZE=4096\nSYMBOL(mem_section)=ffff88807ffdb000\n"
      "LENGTH(mem_section)=2048\nSIZE(page)=64\nOFFSET(page.flags)=0\nNUMBER(SECTION_SIZE_BITS)=27\n"
      "KERNELOFFSET=33c00000\n");
  EXPECT_FALSE(info.empty());
  EXPECT_EQ(info.release(), "6.1.0-13-amd64");
  EXPECT_EQ(info.value("BUILD-ID"), "3b43");
  EXPECT_EQ(info.page_size(), 4096U);
  EXPECT_EQ(info.symbol("mem_section"), VirtAddr(0xffff88807ffdb000));
  EXPECT_EQ(info.length("mem_section"), 2048U);
  EXPECT_EQ(info.size("page"), 64U);
  EXPECT_EQ(info.offset("page.flags"), 0U);
  EXPECT_EQ(info.number("SECTION_SIZE_BITS"), 27);
  EXPECT_EQ(info.kernel_offset(), 0x33c00000U);
  EXPECT_THAT(info.contradictions(), IsEmpty());
}

TEST(Vmcoreinfo, SaysNothingAboutWhatItDoesNotHold) {
  const Vmcoreinfo info = parsed("SIZE(page)=64\n");
  EXPECT_EQ(info.value("SIZE"), std::nullopt);
  EXPECT_EQ(info.size("pag"), std::nullopt);
  EXPECT_EQ(info.offset("page"), std::nullopt);
  EXPECT_EQ(info.symbol("page"), std::nullopt);
  EXPECT_EQ(info.number("page"), std::nullopt);
  EXPECT_EQ(info.page_size(), std::nullopt);
  EXPECT_EQ(info.kernel_offset(), std::nullopt);
  EXPECT_EQ(info.release(), "");
  EXPECT_TRUE(Vmcoreinfo().empty());
}

TEST(Vmcoreinfo, ReadsNegativeAndHexadecimalNumbers) {
  const Vmcoreinfo info = parsed(
      "NUMBER(phys_base)=-260046848\nNUMBER(VA_BITS)=0x30\nNUMBER(lowest)=-9223372036854775808\n"
      "NUMBER(mask)=18446744073709551615\n");
  EXPECT_EQ(info.number("phys_base"), -260046848);
  EXPECT_EQ(info.number("VA_BITS"), 48);
  EXPECT_EQ(info.number("lowest"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(info.number("mask"), -1) << "the same 64 bits";
}

TEST(Vmcoreinfo, TakesNoNumberThatIsNotOneAsAWhole) {
  const Vmcoreinfo info = parsed(
      "NUMBER(a)=12x\nNUMBER(b)=\nNUMBER(c)=--1\nNUMBER(d)=99999999999999999999\nSIZE(e)=-64\nSYMBOL(f)=("
      "null)\n"
      "SYMBOL(g)=0xffff\nNUMBER(h)= 1\n");
  for (const std::string_view name : {"a", "b", "c", "d", "h"})
    EXPECT_EQ(info.number(name), std::nullopt) << name;
  EXPECT_EQ(info.size("e"), std::nullopt);
  EXPECT_EQ(info.symbol("f"), std::nullopt);
  EXPECT_EQ(info.symbol("g"), std::nullopt);
}

TEST(Vmcoreinfo, LeavesOutALastLineThatWasCut) {
  // The kernel's page is full in the middle of "SIZE(mem_section)=16" or of its name.
  const Vmcoreinfo value_cut = parsed("OSRELEASE=6.1.0\nSIZE(page)=64\nSIZE(mem_section)=1");
  EXPECT_EQ(value_cut.size("page"), 64U);
  EXPECT_EQ(value_cut.size("mem_section"), std::nullopt);
  const Vmcoreinfo name_cut = parsed("OSRELEASE=6.1.0\nSIZE(mem_sec");
  EXPECT_EQ(name_cut.release(), "6.1.0");
}

TEST(Vmcoreinfo, EndsAtTheFirstNul) {
  using std::string_view_literals::operator""sv;
  const Vmcoreinfo info = parsed("OSRELEASE=6.1.0\nSIZE(page)=64\0SIZE(list_head)=16\n"sv);
  EXPECT_EQ(info.size("page"), 64U) << "a NUL ends a line as well";
  EXPECT_EQ(info.size("list_head"), std::nullopt);
}

TEST(Vmcoreinfo, KeepsTheFirstOfTwoValuesAndNamesTheContradiction) {
  const Vmcoreinfo info = parsed("SIZE(page)=64\nSIZE(list_head)=16\nSIZE(page)=56\nSIZE(list_head)=16\n");
  EXPECT_EQ(info.size("page"), 64U);
  EXPECT_THAT(info.contradictions(), ElementsAre("SIZE(page)"));
}

TEST(Vmcoreinfo, SkipsLinesWithoutANameOrAValueSign) {
  const Vmcoreinfo info = parsed("\n\njunk\n=4\nCRASHTIME=1700000000\nTEXT=a=b\n");
  EXPECT_EQ(info.value("CRASHTIME"), "1700000000");
  EXPECT_EQ(info.value("TEXT"), "a=b");
  EXPECT_EQ(info.value(""), std::nullopt);
}

TEST(Vmcoreinfo, IsCorruptWithoutASingleLine) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view text : {""sv, "\n\n"sv, "junk"sv, "\0OSRELEASE=6.1\n"sv, "=1\n"sv}) {
    const auto info = Vmcoreinfo::parse(text);
    ASSERT_FALSE(info) << text;
    EXPECT_EQ(info.error().code, Errc::corrupt);
  }
}

TEST(Vmcoreinfo, KeepsTheLinesThatCount) {
  EXPECT_EQ(Vmcoreinfo::parse("A=1\nB=2\n")->text(), "A=1\nB=2\n");
  EXPECT_EQ(Vmcoreinfo::parse("A=1\nB=")->text(), "A=1\n");  // cut
  EXPECT_EQ(Vmcoreinfo::parse(std::string_view("A=1\nB=2\0C=3\n", 12))->text(), "A=1\nB=2\n");
}

}  // namespace
}  // namespace memsect
