// The findings on the models in testdata/model: NAME.mem is the model, NAME.expect what find_dependencies
// says of it. With MEMSECT_UPDATE_EXPECT in the environment the .expect files are written instead of
// compared.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "analysis/dependencies.h"
#include "analysis/words.h"
#include "base/text.h"
#include "support/model_text.h"

namespace memsect {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string allocation_text(Allocation allocation) {
  switch (allocation.kind) {
    case Allocation::boot:
      return "boot";
    case Allocation::slab:
      return "slab";
    case Allocation::buddy:
      return "buddy";
    case Allocation::altmap:
      return "altmap";
    case Allocation::not_read:
      return "allocation not read";
    case Allocation::unknown:
      break;
  }
  return "allocation unknown";
}

std::string holder_text(const Holder& holder) {
  std::string text = fmt::format("section {} ({})\n", holder.section.raw(),
                                 holder.node ? fmt::format("node {}", raw(*holder.node)) : "node unknown");
  for (const HeldObject& object : holder.holds) {
    std::string serves =
        object.of_nodes.empty() ? sections_text(object.of_sections) : nodes_text(object.of_nodes);
    text += fmt::format("  {} of {}: {} bytes at {}, {}{}{}\n", object_kind_name(object.kind), serves,
                        object.bytes, hex(object.phys.raw()), allocation_text(object.allocation),
                        object.permanent ? ", permanent" : "", object.address ? "" : ", address unknown");
  }
  return text;
}

std::string findings_text(const Dependencies& found) {
  std::string text = "HOLDERS\n";
  for (const Holder& holder : found.holders) text += holder_text(holder);
  text += "EDGES\n";
  for (const Edge& edge : found.edges) {
    text += fmt::format("{} -> {} ({})\n", vertex_name(edge.from), vertex_name(edge.to),
                        edge_kinds_text(edge.kinds));
  }
  text += "CYCLES\n";
  for (const Cycle& cycle : found.cycles) {
    text += fmt::format("{}{}: {}, {} ({})\n  {}\n", cycle.classic ? "classic" : "ordinary",
                        cycle.permanent_anyway ? ", permanent anyway" : "", sections_text(cycle.sections),
                        nodes_text(cycle.nodes), edge_kinds_text(cycle.kinds), cycle.example);
  }
  text += "KERNEL MESSAGES\n";
  for (const std::string& line : found.kernel_messages) text += line + "\n";
  text += fmt::format("REMOVAL ORDER\n{}\nNEVER\n", order_text(found.removal_order));
  for (const NeverRemovable& never : found.never) {
    text += fmt::format("section {} {}\n", never.section.raw(), never.because);
  }
  if (found.incomplete) text += "INCOMPLETE\n";
  for (const Note& note : found.notes.all()) text += "note: " + note.text + "\n";
  return text;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(MEMSECT_TESTDATA) / "model")) {
    if (entry.path().extension() == ".mem") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ModelText : public testing::TestWithParam<std::string> {
 protected:
  fs::path file(const char* extension) const {
    return fs::path(MEMSECT_TESTDATA) / "model" / (GetParam() + extension);
  }
};

TEST_P(ModelText, GivesTheExpectedFindings) {
  const auto model = parse_model(read_text(file(".mem")));
  ASSERT_TRUE(model) << model.error().message;
  const std::string findings = findings_text(find_dependencies(*model, {}));
  if (std::getenv("MEMSECT_UPDATE_EXPECT") != nullptr) {
    std::ofstream(file(".expect")) << findings;
  } else {
    EXPECT_EQ(findings, read_text(file(".expect")));
  }
}

TEST_P(ModelText, IsTheSameModelWhenPrintedAndReadAgain) {
  const auto model = parse_model(read_text(file(".mem")));
  ASSERT_TRUE(model) << model.error().message;
  const std::string printed = print_model(*model);
  const auto again = parse_model(printed);
  ASSERT_TRUE(again) << again.error().message << "\n" << printed;
  EXPECT_EQ(print_model(*again), printed);
  EXPECT_EQ(findings_text(find_dependencies(*again, {})), findings_text(find_dependencies(*model, {})));
}

INSTANTIATE_TEST_SUITE_P(Testdata, ModelText, testing::ValuesIn(model_names()), [](const auto& test) {
  std::string name = test.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(ModelNotation, NamesTheLineItCannotRead) {
  const auto line_of = [](std::string_view text) {
    const auto model = parse_model(text);
    return model ? std::string("read") : model.error().message.substr(0, 6);
  };
  EXPECT_EQ(line_of("kernel 5.10\nsection x\n"), "line 2");
  EXPECT_EQ(line_of("section 1 usage@nowhere\n"), "line 1");
  EXPECT_EQ(line_of("section 1 usage=!because\n"), "line 1");
  EXPECT_EQ(line_of("section 2\nsection 1\n"), "line 2");
  EXPECT_EQ(line_of("node 0 pgdat@0x1000/heap\n"), "line 1");
  EXPECT_EQ(line_of("\n\nfrobnicate 1\n"), "line 3");
  EXPECT_EQ(line_of("# nothing but words\n"), "read");
}

TEST(ModelNotation, PacksObjectsOfOneSectionInTheOrderOfTheText) {
  const auto model =
      parse_model("geometry usage=56\nsection 0-1 early usage@section:2\nsection 2 early usage@self\n");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->sections[0].usage->first_phys(), PhysAddr(0x10000000));
  EXPECT_EQ(model->sections[1].usage->first_phys(), PhysAddr(0x10000000 + 56));
  EXPECT_EQ(model->sections[2].usage->first_phys(), PhysAddr(0x10000000 + 112));
}

}  // namespace
}  // namespace memsect
