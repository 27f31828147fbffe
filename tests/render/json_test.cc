#include <gmock/gmock.h>

#include <limits>

#include "render/rendered.h"

namespace memsect {
namespace {

using testing::HasSubstr;

TEST(Json, WritesTheEnvelopeInItsOrder) {
  Report report;
  report.command = "sections";
  report.source = Object{
      {"files", List{Object{{"path", "vmcore"}, {"role", "dump"}}}}, {"live", false}, {"build_id", nullptr}};
  report.notes.note("one thing");
  report.notes.warn("another", "do this");
  report.data = Object{{"memory_model", "sparsemem-vmemmap"},
                       {"mem_section", Hex{0xffff888000000000}},
                       {"section_size", Size{134217728}},
                       {"nodes", List{0, 1}},
                       {"none", List{}},
                       {"nothing", Object{}},
                       {"vmemmap", Absent{"excluded", "left out"}}};
  EXPECT_EQ(rendered("json", report).text, R"({
  "schema": "memsect/1",
  "command": "sections",
  "source": {
    "files": [
      {
        "path": "vmcore",
        "role": "dump"
      }
    ],
    "live": false,
    "build_id": null
  },
  "notes": [
    {
      "severity": "note",
      "text": "one thing",
      "hint": ""
    },
    {
      "severity": "warning",
      "text": "another",
      "hint": "do this"
    }
  ],
  "data": {
    "memory_model": "sparsemem-vmemmap",
    "mem_section": "0xffff888000000000",
    "section_size": 134217728,
    "nodes": [
      0,
      1
    ],
    "none": [],
    "nothing": {},
    "vmemmap": {
      "absent": "excluded",
      "why": "left out"
    }
  }
}
)");
}

TEST(Json, LaysOutRowsAsItLaysOutAList) {
  const List rows{Object{{"section", 1}, {"nodes", List{0, Object{{"a", 1}}}}}, 2, List{}};
  Report whole;
  whole.command = "sections";
  whole.data = rows;
  Report streamed;
  streamed.command = "sections";
  streamed.row_count = rows.size();
  streamed.rows = [&rows](std::uint64_t row) { return rows[row]; };
  EXPECT_EQ(rendered("json", streamed).text, rendered("json", whole).text);
  EXPECT_THAT(rendered("json", streamed).text, HasSubstr(R"(  "data": [
    {
      "section": 1,
      "nodes": [
        0,
        {
          "a": 1
        }
      ]
    },
    2,
    []
  ]
})"));
}

TEST(Json, WritesNoRowsAsAnEmptyList) {
  Report report;
  report.rows = [](std::uint64_t) { return Value(1); };
  EXPECT_THAT(rendered("json", report).text, HasSubstr("\"data\": []\n}\n"));
}

TEST(Json, WritesADataThatIsNotACollection) {
  EXPECT_THAT(rendered("json", Report{}).text, HasSubstr("\"data\": null\n}\n"));
}

TEST(Json, KeepsNumbersExact) {
  Report report;
  report.data = List{std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::int64_t>::min(),
                     Size{(std::uint64_t{1} << 53) + 1}, Hex{std::numeric_limits<std::uint64_t>::max()}};
  EXPECT_THAT(rendered("json", report).text, HasSubstr(R"([
    18446744073709551615,
    -9223372036854775808,
    9007199254740993,
    "0xffffffffffffffff"
  ])"));
}

TEST(Json, ReplacesBytesThatAreNotUtf8) {
  Report report;
  report.data = List{
      "a\xff"
      "b",
      "\xc3\xa9", "line\nfeed"};
  EXPECT_THAT(rendered("json", report).text, HasSubstr("\"a\xef\xbf\xbd"
                                                       "b\",\n    \"\xc3\xa9\",\n    \"line\\nfeed\"\n"));
}

TEST(Json, EscapesControlsThatJsonItselfLetsStand) {
  Report report;
  report.data = List{"\x7f\xc2\x80\xc2\x9b\xc2\xa0"};
  EXPECT_THAT(rendered("json", report).text, HasSubstr("\"\\u007f\\u0080\\u009b\xc2\xa0\""));
}

TEST(Json, MakesOneRowAtATimeAndSeesItsAbsences) {
  Report report;
  report.row_count = 20'000;
  std::uint64_t made = 0;
  std::size_t longest = 0;
  std::uint64_t rows_before_last_write = 0;
  report.rows = [&](std::uint64_t row) {
    ++made;
    return row == 15'000 ? Value(Absent{"truncated", "cut"}) : Value(Object{{"section", row}});
  };
  std::uint64_t most_rows_between_writes = 0;
  const auto outcome = find_renderer("json")->render(report, {}, [&](std::string_view text) {
    longest = std::max(longest, text.size());
    most_rows_between_writes = std::max(most_rows_between_writes, made - rows_before_last_write);
    rows_before_last_write = made;
    return true;
  });
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->absences);
  EXPECT_EQ(made, 20'000U);
  EXPECT_EQ(most_rows_between_writes, 1U);
  EXPECT_LT(longest, 200U);
}

}  // namespace
}  // namespace memsect
