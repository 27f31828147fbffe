#include "render/printable.h"

#include <gtest/gtest.h>

namespace memsect {
namespace {

TEST(Printable, LeavesPrintableTextAlone) {
  using std::string_literals::operator""s;
  for (const auto& text :
       {""s, "kmalloc-64"s, "a b\"c`$"s, "\\n"s, "caf\u00e9 \u65e5\u672c \U0001f600"s, "C:\\tmp"s}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, EscapesWhatSteersATerminal) {
  using std::string_literals::operator""s;
  struct Case {
    std::string raw, escaped;
  };
  const std::vector<Case> cases{
      {"\033[2J", "\\x1b[2J"},
      {"a\nb\r\t\0\x7f"s, "a\\x0ab\\x0d\\x09\\x00\\x7f"},
      {"\xc2\x9b"s + "31m", "\\xc2\\x9b31m"},     // C1: CSI in one character
      {"\xe2\x80\xaegnp", "\\xe2\\x80\\xaegnp"},  // right-to-left override
      {"a\xe2\x80\x8b", "a\\xe2\\x80\\x8b"},      // zero width space
  };
  for (const Case& c : cases) EXPECT_EQ(printable(c.raw), c.escaped);
}

TEST(Printable, EscapesEveryByteThatIsNotUtf8) {
  struct Case {
    std::string raw, escaped;
  };
  const std::vector<Case> cases{
      {"\xff\xfe", "\\xff\\xfe"},
      {"\x80", "\\x80"},                             // a continuation byte alone
      {"\xc3", "\\xc3"},                             // cut short
      {"\xe2\x82z", "\\xe2\\x82z"},                  // cut short by another character
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},           // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond U+10FFFF
      {"\xc3\xa9\xa9", "\xc3\xa9\\xa9"},             // a good one, then a bad one
  };
  for (const Case& c : cases) EXPECT_EQ(printable(c.raw), c.escaped);
}

TEST(Printable, CanBeReadBackBecauseItEscapesItsOwnForm) {
  EXPECT_EQ(printable("\\x1b"), "\\x5cx1b");
  EXPECT_EQ(printable("\\\\x"), "\\\\x5cx");
}

TEST(Printable, KeepsOnlyLineFeedsInParagraphs) { EXPECT_EQ(printable_lines("a\nb\r\n"), "a\nb\\x0d\n"); }

TEST(CodePoint, IsDecodedFromAllFourLengths) {
  EXPECT_EQ(first_code_point("A").value, U'A');
  EXPECT_EQ(first_code_point("\u00e9x").value, U'\u00e9');
  EXPECT_EQ(first_code_point("\u20ac").value, U'\u20ac');
  const CodePoint c = first_code_point("\U0001f600!");
  EXPECT_EQ(c.value, U'\U0001f600');
  EXPECT_EQ(c.size, 4U);
  EXPECT_TRUE(c.valid);
}

}  // namespace
}  // namespace memsect
