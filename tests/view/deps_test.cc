#include "view/deps.h"

#include <gmock/gmock.h>

#include <map>

#include "support/model_text.h"

namespace memsect {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

/// A model with all that hangs on it, kept together because the report refers to it.
struct Found {
  MemoryModel model;
  Dependencies dependencies;
};

Found found_in(std::string_view text) {
  auto model = parse_model(text);
  EXPECT_TRUE(model) << model.error().message;
  Found found;
  if (model) found.model = std::move(*model);
  found.dependencies = find_dependencies(found.model, {});
  return found;
}

std::string render_as(std::string_view format, const Report& report) {
  std::string text;
  const Renderer* const renderer = find_renderer(format);
  EXPECT_NE(renderer, nullptr);
  const auto outcome = renderer->render(report, {}, [&text](std::string_view piece) {
    text += piece;
    return true;
  });
  EXPECT_TRUE(outcome) << outcome.error().message;
  return text;
}

constexpr std::string_view circular =
    "kernel 5.10.0-32-cloud-amd64\n"
    "root_table @section:1\n"
    "section 0-3 online early node=0 usage@section:2 memmap@section:2\n"
    "node 0 pgdat@section:3\n";

const Value* member(const Value& object, std::string_view key) {
  const auto* const members = std::get_if<Object>(&object.variant());
  if (members == nullptr) return nullptr;
  for (const auto& [name, value] : *members) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::vector<std::string> keys_of(const Value& object) {
  std::vector<std::string> keys;
  for (const auto& [name, value] : std::get<Object>(object.variant())) keys.emplace_back(name);
  return keys;
}

const Value& first_of(const Value* list) { return std::get<List>(list->variant()).at(0); }

TEST(DepsReport, HasTheKeysOfTheContract) {
  const Found found = found_in(circular);
  const Report report = make_deps_report(found.model, found.dependencies, {});
  EXPECT_EQ(report.command, "deps");
  EXPECT_THAT(keys_of(report.data),
              ElementsAre("holders", "edges", "cycles", "kernel_messages", "removal_order", "never"));
  const Value& holder = first_of(member(report.data, "holders"));
  EXPECT_THAT(keys_of(holder), ElementsAre("section", "node", "holds"));
  EXPECT_THAT(
      keys_of(first_of(member(holder, "holds"))),
      ElementsAre("kind", "of_sections", "of_nodes", "address", "phys", "bytes", "allocation", "permanent"));
  EXPECT_THAT(keys_of(first_of(member(report.data, "edges"))), ElementsAre("from", "to", "kinds"));
  EXPECT_THAT(keys_of(first_of(member(report.data, "cycles"))),
              ElementsAre("sections", "nodes", "kinds", "example", "classic", "permanent_anyway"));
  EXPECT_THAT(keys_of(first_of(member(report.data, "never"))), ElementsAre("section", "because"));
}

TEST(DepsReport, WritesTheKernelsWordsInJson) {
  const Found found = found_in(circular);
  const std::string json = render_as("json", make_deps_report(found.model, found.dependencies, {}));
  EXPECT_THAT(
      json, HasSubstr("Section 2 and 3 (node 0) have a circular dependency on usemap and pgdat allocations"));
  EXPECT_THAT(
      json,
      HasSubstr("section 3 needs section 2 (usage); section 2 needs node 0, whose pgdat lies in section 3"));
  EXPECT_THAT(json, HasSubstr("still has the boot-time check"));
}

TEST(DepsReport, HasOneRowForEachHeldObjectOfTheHeaviestHolderFirst) {
  const Found found = found_in(circular);
  const Report report = make_deps_report(found.model, found.dependencies, {});
  ASSERT_THAT(report.tables, SizeIs(1));
  EXPECT_EQ(report.tables[0].row_count, 8);  // section 2 holds three usages and three memmaps
  const std::string csv = render_as("csv", report);
  EXPECT_THAT(csv, StartsWith("SECTION,NODE,KIND,SERVES,ADDRESS,PHYS,BYTES,ALLOCATION,PERMANENT"));
  EXPECT_THAT(csv, HasSubstr("2,0,usage,0,0xffff888010000000,0x10000000,56,boot,1"));
  EXPECT_THAT(csv, HasSubstr("3,0,pgdat,node 0,"));
  EXPECT_THAT(csv, HasSubstr("1,0,section_root_table,all,"));
  for (std::uint64_t row = 0; row < report.tables[0].row_count; ++row) {
    EXPECT_THAT(report.tables[0].row(row), SizeIs(deps_columns().size()));
  }
}

TEST(DepsReport, GivesEveryRowTheObjectThatBelongsToIt) {
  const Found found = found_in(circular);
  const Report report = make_deps_report(found.model, found.dependencies, {});
  std::uint64_t row = 0;
  for (const Holder& holder : found.dependencies.holders) {
    for (const HeldObject& object : holder.holds) {
      const std::vector<Value> cells = report.tables[0].row(row++);
      EXPECT_EQ(std::get<std::uint64_t>(cells[0].variant()), holder.section.raw());
      EXPECT_EQ(std::get<Hex>(cells[5].variant()).value, object.phys.raw());
    }
  }
  EXPECT_EQ(row, report.tables[0].row_count);
}

TEST(DepsReport, TellsInPlainWordsWhatFollows) {
  const Found found = found_in(circular);
  const std::string table = render_as("table", make_deps_report(found.model, found.dependencies, {}));
  EXPECT_THAT(table, HasSubstr("3 sections need another one for usage, memmap or page_ext."));
  EXPECT_THAT(table, HasSubstr("1 cycle, of which 1 through usage and pgdat only:"));
  EXPECT_THAT(table, HasSubstr("(2.6.27 to 7.0) prints on this layout:\n  Section 2 and 3 (node 0)"));
  EXPECT_THAT(table, HasSubstr("1 section could go, in this order: 0."));
  EXPECT_THAT(table, HasSubstr("section 3 holds node 0's pgdat"));
  EXPECT_THAT(table, Not(HasSubstr("ordinary for boot memory")));
}

TEST(DepsReport, CallsCirclesOverMemmapOrdinary) {
  const Found found = found_in(
      "section 1 early node=0 usage@self memmap@section:2\n"
      "section 2 early node=0 usage@self memmap@section:1\n");
  const std::string table = render_as("table", make_deps_report(found.model, found.dependencies, {}));
  EXPECT_THAT(table, HasSubstr("1 cycle, of which 0 through usage and pgdat only:"));
  EXPECT_THAT(table, HasSubstr("Cycles through memmap are ordinary for boot memory"));
}

TEST(DepsReport, SaysThatThereIsNoCrossSectionDependency) {
  const Found found =
      found_in("kernel 7.3.4\nsection 1 early node=0 usage@self memmap@self\nnode 0 pgdat@section:1\n");
  const Report report = make_deps_report(found.model, found.dependencies, {});
  const std::string table = render_as("table", report);
  EXPECT_THAT(table, HasSubstr("No cross-section dependency"));
  EXPECT_THAT(table, HasSubstr("No cycle"));
  EXPECT_THAT(table, HasSubstr("would print nothing on this layout"));
  EXPECT_THAT(render_as("json", report), HasSubstr("no longer has the boot-time check"));
}

TEST(DepsReport, CutsLongListsInTheTextButNotInTheData) {
  std::string text;
  for (int pair = 0; pair < 30; ++pair) {
    const std::string a = std::to_string(10 * pair), b = std::to_string(10 * pair + 1);
    text.append("section ").append(a).append(" usage@section:").append(b).append("\n");
    text.append("section ").append(b).append(" usage@section:").append(a).append("\n");
  }
  const Found found = found_in(text);
  const Report report = make_deps_report(found.model, found.dependencies, {});
  EXPECT_THAT(render_as("table", report), HasSubstr("30 cycles, of which 30 through usage and pgdat only:"));
  EXPECT_THAT(render_as("table", report), HasSubstr("and 10 more: see --format json"));
  EXPECT_THAT(std::get<List>(member(report.data, "cycles")->variant()), SizeIs(30));
}

TEST(DepsReport, SaysWhyANodeOrAnAddressIsAbsent) {
  const Found found = found_in(
      "section 1 node=!excluded usage@section:2\n"
      "section 2 node=!excluded memmap@section:7+4K\n");
  const Report report = make_deps_report(found.model, found.dependencies, {});
  EXPECT_TRUE(report.data.has_absence());
  const std::string json = render_as("json", report);
  EXPECT_THAT(json, HasSubstr("excluded"));
  EXPECT_THAT(json, HasSubstr("the section is not present"));
  EXPECT_THAT(json, HasSubstr("it is mapped in part only"));
}

TEST(DepsReport, DrawsNodesAsBoxesAndEachKindInItsColour) {
  const Found found = found_in(circular);
  const Report report = make_deps_report(found.model, found.dependencies, {});
  EXPECT_EQ(report.graph.name, "deps");
  for (const Graph::Vertex& vertex : report.graph.vertices) EXPECT_EQ(vertex.cluster, "node 0");
  std::map<std::string, std::string> colors;
  for (const Graph::Edge& edge : report.graph.edges) {
    EXPECT_EQ(colors.try_emplace(edge.label, edge.color).first->second, edge.color);
  }
  EXPECT_THAT(colors, SizeIs(4));
  EXPECT_THAT(render_as("dot", report), HasSubstr("\"node 0\" -> \"section 3\""));
}

TEST(DepsReport, MakesOnlyWhatTheFormatNeeds) {
  const Found found = found_in(circular);
  const Report report = make_deps_report(found.model, found.dependencies, {.data = false, .graph = false});
  EXPECT_TRUE(std::holds_alternative<std::monostate>(report.data.variant()));
  EXPECT_THAT(report.graph.vertices, IsEmpty());
  EXPECT_THAT(report.paragraphs, Not(IsEmpty()));
}

TEST(DepsReport, HasItsPartsWithoutSectionsToo) {
  Found found;
  found.model.geometry.kind = MemoryModelKind::flatmem;
  const Report report = make_deps_report(found.model, found.dependencies, {});
  ASSERT_TRUE(std::holds_alternative<Object>(report.data.variant()));
  for (const auto& [key, value] : std::get<Object>(report.data.variant())) {
    ASSERT_TRUE(std::holds_alternative<List>(value.variant())) << key;
    EXPECT_THAT(std::get<List>(value.variant()), IsEmpty()) << key;
  }
}

}  // namespace
}  // namespace memsect
