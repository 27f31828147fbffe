// csv, pairs and raw: one line a row, plain numbers.
#include <gtest/gtest.h>

#include <limits>

#include "render/rendered.h"

namespace memsect {
namespace {

Report two_rows() {
  Table table = make_table({{"NR", "", Align::right},
                            {"MEM-MAP", ""},
                            {"size", ""},
                            {"HOLDS", ""},
                            {"MORE", "", Align::left, false}},
                           {{1, Hex{0xffffea0000000000}, Size{134217728}, List{0, 1, 2}, true},
                            {std::numeric_limits<std::uint64_t>::max(), Absent{"excluded", "w"},
                             Absent{"not_applicable", "w"}, nullptr, false}});
  table.title = "not in these formats";
  Report report = make_report(std::move(table));
  report.tables.push_back(make_table({{"SECOND", ""}}, {{"not in these formats"}}));
  report.paragraphs = {"not in these formats"};
  return report;
}

TEST(Csv, WritesAHeadingAndALineForEachRowOfTheFirstTable) {
  EXPECT_EQ(rendered("csv", two_rows()).text,
            "NR,MEM-MAP,size,HOLDS\n"
            "1,0xffffea0000000000,134217728,\"0,1,2\"\n"
            "18446744073709551615,?,-,\n");
}

TEST(Csv, LeavesTheHeadingOutAndAddsColumnsWhenAsked) {
  RenderOptions options;
  options.headings = false;
  options.columns = {"+more"};
  EXPECT_EQ(rendered("csv", two_rows(), options).text,
            "1,0xffffea0000000000,134217728,\"0,1,2\",1\n"
            "18446744073709551615,?,-,,0\n");
}

TEST(Csv, QuotesFieldsAndDoublesQuotes) {
  const Report report =
      make_report(make_table({{"A,B", ""}, {"C", ""}}, {{"say \"hi\"", "a b"}, {"two\nlines", ""}}));
  EXPECT_EQ(rendered("csv", report).text,
            "\"A,B\",C\n"
            "\"say \"\"hi\"\"\",a b\n"
            "two\\x0alines,\n");
}

TEST(Csv, WritesTheHeadingOfATableWithoutRows) {
  EXPECT_EQ(rendered("csv", make_report(make_table({{"A", ""}, {"B", ""}}, {}))).text, "A,B\n");
}

TEST(Pairs, WriteNamesAsAShellTakesThem) {
  EXPECT_EQ(rendered("pairs", two_rows()).text,
            "NR=\"1\" MEM_MAP=\"0xffffea0000000000\" SIZE=\"134217728\" HOLDS=\"0,1,2\"\n"
            "NR=\"18446744073709551615\" MEM_MAP=\"?\" SIZE=\"-\" HOLDS=\"\"\n");
  const Report report = make_report(make_table({{"4K pages", ""}}, {{1}}));
  EXPECT_EQ(rendered("pairs", report).text, "_4K_PAGES=\"1\"\n");
}

TEST(Pairs, EscapeWhatAShellWouldObey) {
  const Report report = make_report(make_table({{"A", ""}}, {{"\"$(x)`\\ \n\xc3\xa9"}}));
  EXPECT_EQ(rendered("pairs", report).text, "A=\"\\x22\\x24(x)\\x60\\x5c \\x0a\\xc3\\xa9\"\n");
}

TEST(Raw, SeparatesFieldsByOneSpaceAndLeavesEmptyOnesEmpty) {
  EXPECT_EQ(rendered("raw", two_rows()).text,
            "NR MEM-MAP size HOLDS\n"
            "1 0xffffea0000000000 134217728 0,1,2\n"
            "18446744073709551615 ? - \n");
  const Report report =
      make_report(make_table({{"A", ""}, {"B", ""}, {"C", ""}}, {{"a b\tc", "", "\\x\xff"}}));
  EXPECT_EQ(rendered("raw", report).text, "A B C\na\\x20b\\x09c  \\x5cx\\xff\n");
}

TEST(Lines, TreatARowThatIsTooShortAsEmptyAtItsEnd) {
  const Report report = make_report(make_table({{"A", ""}, {"B", ""}}, {{1}}));
  EXPECT_EQ(rendered("csv", report).text, "A,B\n1,\n");
}

TEST(Lines, NeedATable) {
  Report report;
  report.command = "why";
  report.paragraphs = {"text"};
  for (const std::string_view name : {"csv", "pairs", "raw"}) {
    const Rendered out = rendered(name, report);
    EXPECT_EQ(out.error.code, Errc::unsupported) << name;
    EXPECT_EQ(out.error.message, "why has no table to write line by line") << name;
  }
}

TEST(Lines, WriteEachRowBeforeTheyAskForTheNext) {
  for (const std::string_view name : {"csv", "pairs", "raw"}) {
    std::uint64_t made = 0;
    std::uint64_t lines = 0;
    Table table = make_table({{"A", ""}}, {});
    table.row_count = 100;
    table.row = [&](std::uint64_t row) {
      ++made;
      return std::vector<Value>{row};
    };
    RenderOptions options;
    options.headings = false;
    const auto outcome =
        find_renderer(name)->render(make_report(std::move(table)), options, [&](std::string_view) {
          EXPECT_EQ(made, ++lines) << name;
          return true;
        });
    ASSERT_TRUE(outcome);
    EXPECT_EQ(lines, 100U) << name;
  }
}

}  // namespace
}  // namespace memsect
