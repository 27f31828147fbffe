#include "render/renderers.h"

#include <gmock/gmock.h>

#include "render/rendered.h"

namespace memsect {
namespace {

TEST(Renderers, StandInTheOrderOfTheHelp) {
  std::vector<std::string_view> names;
  for (const Renderer* renderer : renderers()) names.push_back(renderer->name);
  EXPECT_THAT(names, testing::ElementsAre("table", "json", "csv", "pairs", "raw", "dot"));
}

TEST(Renderers, AreFoundByTheirExactNameOnly) {
  for (const Renderer* renderer : renderers()) EXPECT_EQ(find_renderer(renderer->name), renderer);
  EXPECT_EQ(find_renderer("JSON"), nullptr);
  EXPECT_EQ(find_renderer(""), nullptr);
}

Report full_report() {
  Report report = make_report(make_table({{"NR", ""}, {"X", ""}}, {{1, "a"}, {2, "b"}, {3, "c"}}));
  report.data = List{1, 2, 3};
  report.paragraphs = {"text"};
  report.graph.name = "g";
  report.graph.vertices = {{"a", "a", ""}, {"b", "b", "box"}};
  report.graph.edges = {{"a", "b", "usage", ""}};
  return report;
}

TEST(Renderers, StopAtOnceAndSucceedWhenTheReaderHasGone) {
  const Report report = full_report();
  for (const Renderer* renderer : renderers()) {
    // However many pieces the reader takes before it goes, none is offered after that.
    for (unsigned taken = 0; taken < 4; ++taken) {
      SCOPED_TRACE(std::string(renderer->name) + " after " + std::to_string(taken));
      unsigned offered = 0;
      const auto outcome = renderer->render(report, {}, [&](std::string_view) { return offered++ < taken; });
      ASSERT_TRUE(outcome);
      EXPECT_EQ(outcome->reader_gone, offered > taken);
      EXPECT_LE(offered, taken + 1);
      EXPECT_GT(offered, 0U);
    }
  }
}

TEST(Renderers, WriteTheSameBytesTwice) {
  const Report report = full_report();
  for (const Renderer* renderer : renderers()) {
    EXPECT_EQ(rendered(renderer->name, report).text, rendered(renderer->name, report).text);
    EXPECT_NE(rendered(renderer->name, report).text, "");
  }
}

TEST(Renderers, RefuseAnUnknownColumnBeforeTheyWrite) {
  RenderOptions options;
  options.columns = {"bogus"};
  for (const std::string_view name : {"table", "json", "csv", "pairs", "raw"}) {
    const Rendered out = rendered(name, full_report(), options);
    EXPECT_EQ(out.error.code, Errc::usage) << name;
    EXPECT_EQ(out.error.hint, "the columns are NR, X") << name;
    EXPECT_EQ(out.text, "") << name;
  }
}

TEST(Renderers, ReportAbsencesOfWhatTheyWroteOnly) {
  const Absent excluded{"excluded", "left out"};
  Report report = make_report(make_table({{"A", ""}, {"B", ""}}, {{1, List{excluded}}, {2, 3}}));
  report.data = Object{{"a", List{excluded}}};
  RenderOptions only_a;
  only_a.columns = {"A"};
  for (const std::string_view name : {"table", "csv", "pairs", "raw"}) {
    EXPECT_TRUE(rendered(name, report).outcome.absences) << name;
    EXPECT_FALSE(rendered(name, report, only_a).outcome.absences) << name;
  }
  EXPECT_TRUE(rendered("json", report).outcome.absences);
}

TEST(Renderers, DoNotCountNotApplicable) {
  const Absent nothing{"not_applicable", "no such thing"};
  Report report = make_report(make_table({{"A", ""}}, {{nothing}}));
  report.data = List{nothing};
  for (const std::string_view name : {"table", "json", "csv", "pairs", "raw"}) {
    EXPECT_FALSE(rendered(name, report).outcome.absences) << name;
  }
}

TEST(Renderers, LetNoControlCharacterThrough) {
  const std::string hostile =
      "\033]0;owned\a\r\b\x7f\xc2\x9b"
      "2J\xff";
  Report report =
      make_report(make_table({{"A", ""}}, {{hostile}, {List{hostile}}, {Object{{"k", hostile}}}}));
  report.tables[0].title = hostile;
  report.paragraphs = {hostile};
  report.data = List{hostile, Absent{"corrupt", hostile}};
  report.source = Object{{"release", hostile}};
  report.notes.warn(hostile, hostile);
  report.graph.name = hostile;
  report.graph.vertices = {{hostile, hostile, hostile}};
  report.graph.edges = {{hostile, hostile, hostile, ""}};
  for (const Renderer* renderer : renderers()) {
    const std::string text = rendered(renderer->name, report).text;
    EXPECT_NE(text.find("owned"), std::string::npos) << renderer->name;
    for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c != 0x7f) || c < 0) << renderer->name;
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << renderer->name;
    EXPECT_EQ(text.find('\xff'), std::string::npos) << renderer->name;
  }
}

}  // namespace
}  // namespace memsect
