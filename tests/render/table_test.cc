#include <gmock/gmock.h>

#include <clocale>
#include <limits>

#include "render/rendered.h"

namespace memsect {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Report sections() {
  return make_report(
      make_table({{"NR", "", Align::right}, {"MEM_MAP", ""}, {"SIZE", "", Align::right}, {"NODES", ""}},
                 {{8, Hex{0xffffea0000000000}, Size{134217728}, List{0, 1, 2, 5}},
                  {std::numeric_limits<std::uint64_t>::max(), Absent{"excluded", "w"},
                   Absent{"not_applicable", "w"}, List{}}}));
}

TEST(Table, AlignsColumnsAndLeavesNoBlanksAtLineEnds) {
  EXPECT_EQ(rendered("table", sections()).text,
            "                  NR MEM_MAP            SIZE NODES\n"
            "                   8 0xffffea0000000000 128M 0-2,5\n"
            "18446744073709551615 ?                     -\n");
}

TEST(Table, LeavesHeadingsOutAndWritesBytesWhenAsked) {
  RenderOptions options;
  options.headings = false;
  options.bytes = true;
  options.columns = {"size", "nr"};
  EXPECT_EQ(rendered("table", sections(), options).text,
            "134217728                    8\n"
            "        - 18446744073709551615\n");
}

TEST(Table, IsFollowedByTheOtherTablesAndTheParagraphs) {
  Report report = make_report(make_table({{"A", ""}}, {{1}}));
  report.tables[0].title = "Holders";
  report.tables.push_back(make_table({{"GONE", ""}}, {}));
  report.tables.back().title = "An empty table is left out";
  report.tables.push_back(make_table({{"B", ""}, {"C", "", Align::left, false}}, {{2, 3}}));
  report.tables.back().title = "Cycles";
  report.paragraphs = {"First\nparagraph.", "Second.\n"};
  RenderOptions options;
  options.columns = {"a"};
  EXPECT_EQ(rendered("table", report, options).text,
            "Holders\nA\n1\n\nCycles\nB\n2\n\nFirst\nparagraph.\n\nSecond.\n");
  report.tables.clear();
  EXPECT_EQ(rendered("table", report).text, "First\nparagraph.\n\nSecond.\n");
}

TEST(Table, KeepsNotesToItself) {
  Report report = sections();
  report.notes.warn("for stderr");
  EXPECT_THAT(rendered("table", report).text, Not(HasSubstr("stderr")));
}

TEST(Table, IsRefusedWhereThereIsNone) {
  EXPECT_EQ(rendered("table", Report{}).error.code, Errc::unsupported);
}

TEST(Table, WithoutRowsIsEmptyAndNoError) {
  const Rendered out = rendered("table", make_report(make_table({{"A", ""}}, {})));
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.error.message, "");
}

TEST(Table, UsesColourOnlyWhenAsked) {
  EXPECT_THAT(rendered("table", sections()).text, Not(HasSubstr("\033")));
  RenderOptions options;
  options.color = true;
  const std::string text = rendered("table", sections(), options).text;
  EXPECT_THAT(text, HasSubstr("\033[1m"));
  EXPECT_THAT(text, HasSubstr("\033[33m?"));
  EXPECT_THAT(text, Not(HasSubstr("\033[33m-"))) << "not_applicable is nothing to look at";
}

TEST(Table, AlignsTextByWhatATerminalShowsWhateverTheLocale) {
  const Report report = make_report(make_table({{"PATH", ""}, {"N", "", Align::right}},
                                               {{"caf\u00e9", 1}, {"\u65e5\u672c", 22}, {"a\033\xff", 3}}));
  const std::string expected =
      "PATH       N\n"
      "caf\u00e9       1\n"
      "\u65e5\u672c      22\n"
      "a\\x1b\\xff  3\n";
  EXPECT_EQ(rendered("table", report).text, expected);
  ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
  EXPECT_EQ(rendered("table", report).text, expected);
  std::setlocale(LC_CTYPE, "C");
}

TEST(Table, CutsTextButNeverNumbersOnANarrowTerminal) {
  const Report report =
      make_report(make_table({{"ADDRESS", ""}, {"SECTIONS", ""}, {"NAME", ""}},
                             {{Hex{0xffffea0000000000}, List{1, 3, 5, 7, 9, 11, 13, 15}, "kmalloc-64"}}));
  RenderOptions options;
  EXPECT_EQ(rendered("table", report, options).text,
            "ADDRESS            SECTIONS           NAME\n"
            "0xffffea0000000000 1,3,5,7,9,11,13,15 kmalloc-64\n");
  options.terminal_width = 40;
  EXPECT_EQ(rendered("table", report, options).text,
            "ADDRESS            SECTIONS   NAME\n"
            "0xffffea0000000000 1,3,5,7... kmalloc-64\n");
  options.terminal_width = 1;
  EXPECT_EQ(rendered("table", report, options).text,
            "ADDRESS            SECTIONS NAME\n"
            "0xffffea0000000000 1,3,5... kmall...\n");
}

// Rows that tell which they are, in `count` rows.
Report numbered(std::uint64_t count) {
  Table table;
  table.columns = {{"NR", "", Align::right}, {"NIL", ""}, {"NAME", ""}, {"EMPTY", ""}};
  table.row_count = count;
  table.row = [](std::uint64_t row) {
    return std::vector<Value>{row, Value(), row % 100 == 7 ? Value(Absent{"excluded", ""}) : Value("row"),
                              Value()};
  };
  return make_report(std::move(table));
}

TEST(Table, LooksTheSameDrawnRowByRow) {
  for (const bool headings : {true, false}) {
    RenderOptions options;
    options.headings = headings;
    const std::string gathered = rendered("table", numbered(10'000), options).text;
    // No EXPECT_EQ: it would print both.
    EXPECT_TRUE(rendered("table", numbered(10'001), options).text == gathered + "10000     row\n")
        << headings;
  }
}

TEST(Table, StreamsWhatIsLongerThanTenThousandRows) {
  std::uint64_t made = 0;
  std::uint64_t made_at_last_write = 10'000;
  std::uint64_t most_between_writes = 0;
  Table table;
  table.columns = {{"NR", ""}};
  table.row_count = 50'000;
  table.row = [&made](std::uint64_t row) {
    ++made;
    return std::vector<Value>{row};
  };
  std::string text;
  const auto outcome =
      find_renderer("table")->render(make_report(std::move(table)), {}, [&](std::string_view piece) {
        EXPECT_GE(made, 10'000U);
        most_between_writes = std::max(most_between_writes, made - made_at_last_write);
        made_at_last_write = made;
        text += piece;
        return true;
      });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(made, 50'000U);
  EXPECT_EQ(most_between_writes, 1U);
  EXPECT_THAT(text, StartsWith("NR\n0\n1\n"));
  EXPECT_THAT(text, EndsWith("\n49999\n"));
}

TEST(Table, StopsMakingRowsWhenTheReaderOfALongOneGoes) {
  std::uint64_t made = 0;
  Table table;
  table.columns = {{"NR", ""}};
  table.row_count = std::numeric_limits<std::uint64_t>::max();
  table.row = [&made](std::uint64_t row) {
    ++made;
    return std::vector<Value>{row};
  };
  const auto outcome = find_renderer("table")->render(make_report(std::move(table)), {},
                                                      [&made](std::string_view) { return made < 10'005; });
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->reader_gone);
  EXPECT_EQ(made, 10'005U);
}

TEST(Table, LosesNothingOfALateRowThatIsWiderThanItsColumn) {
  Table table;
  table.columns = {{"NR", "", Align::right}, {"NAME", ""}, {"X", ""}};
  table.row_count = 10'002;
  table.row = [](std::uint64_t row) {
    return std::vector<Value>{row == 10'000 ? Value(123'456'789) : Value(1),
                              row < 10'000 ? "abc" : "abcdefghijkl", "x"};
  };
  RenderOptions options;
  const std::string text = rendered("table", make_report(table), options).text;
  EXPECT_THAT(text, EndsWith(" 1 abc  x\n123456789 abcdefghijkl x\n 1 abcdefghijkl x\n"));
  options.terminal_width = 10;
  EXPECT_THAT(rendered("table", make_report(table), options).text,
              EndsWith("\n123456789 a... x\n 1 a... x\n"));
}

TEST(Table, HighlightsHeadingsAndAbsencesInBothWaysOfDrawing) {
  RenderOptions options;
  options.color = true;
  const std::string gathered = rendered("table", numbered(9), options).text;
  EXPECT_THAT(gathered, StartsWith("\033[1m"));
  EXPECT_THAT(gathered, HasSubstr("\n 6     row\n 7     \033[33m?"));
  const std::string streamed = rendered("table", numbered(10'001), options).text.substr(0, 200);
  EXPECT_THAT(streamed, StartsWith("\033[1m  NR NIL NAME EMPTY\033[0m\n   0     row\n"));
  EXPECT_THAT(streamed, HasSubstr("\n   6     row\n   7     \033[33m?\033[0m\n"));
}

}  // namespace
}  // namespace memsect
