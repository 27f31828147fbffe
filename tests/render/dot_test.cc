#include <gmock/gmock.h>

#include "render/rendered.h"

namespace memsect {
namespace {

using testing::HasSubstr;

TEST(Dot, DrawsClustersAndOneColourPerKind) {
  Report report;
  report.graph.name = "deps";
  report.graph.vertices = {{"s2", "section 2\nnode 0", "node 0"},
                           {"s9", "section 9", "node 1"},
                           {"s3", "section 3", "node 0"},
                           {"n0", "", ""}};
  report.graph.edges = {{"s3", "s2", "usage", ""},
                        {"s2", "n0", "node", ""},
                        {"n0", "s3", "pgdat", "red"},
                        {"s9", "s2", "usage", ""}};
  EXPECT_EQ(rendered("dot", report).text, R"(digraph "deps" {
  node [shape=box];
  "n0" [label="n0"];
  subgraph "cluster_0" {
    label="node 0";
    "s2" [label="section 2\nnode 0"];
    "s3" [label="section 3"];
  }
  subgraph "cluster_1" {
    label="node 1";
    "s9" [label="section 9"];
  }
  "s3" -> "s2" [label="usage" color="#0072b2" fontcolor="#0072b2"];
  "s2" -> "n0" [label="node" color="#d55e00" fontcolor="#d55e00"];
  "n0" -> "s3" [label="pgdat" color="red" fontcolor="red"];
  "s9" -> "s2" [label="usage" color="#0072b2" fontcolor="#0072b2"];
}
)");
}

TEST(Dot, EscapesQuotesAndBackslashes) {
  Report report;
  report.graph.name = "a\"b";
  report.graph.vertices = {{"x\\", "\"]; evil [", ""}};
  const std::string text = rendered("dot", report).text;
  EXPECT_THAT(text, HasSubstr(R"(digraph "a\"b" {)"));
  EXPECT_THAT(text, HasSubstr(R"(  "x\\" [label="\"]; evil ["];)"));
}

TEST(Dot, SaysWhenACommandHasNoGraph) {
  const Rendered out = rendered("dot", make_report(make_table({{"A", ""}}, {{1}})));
  EXPECT_EQ(out.error.code, Errc::unsupported);
  EXPECT_EQ(out.error.message, "this command has no graph");
  EXPECT_EQ(out.error.hint, "try table or json");
}

TEST(Dot, DrawsANamedGraphThatIsEmpty) {
  Report report;
  report.graph.name = "deps";
  EXPECT_EQ(rendered("dot", report).text, "digraph \"deps\" {\n  node [shape=box];\n}\n");
}

}  // namespace
}  // namespace memsect
