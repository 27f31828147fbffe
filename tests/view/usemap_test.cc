#include "view/usemap.h"

#include <gmock/gmock.h>

namespace memsect {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

MemoryModel model_with(std::vector<Pageblock> blocks) {
  MemoryModel model;
  model.migratetypes = {"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"};
  model.geometry.pageblock_order = 9;
  model.geometry.pageblock_bits = 4;
  Section section;
  section.nr = SectionNr(2);
  section.flags.present = section.flags.online = true;
  section.pageblocks = std::move(blocks);
  model.sections.push_back(std::move(section));
  return model;
}

Report report_of(const MemoryModel& model) {
  std::vector<const Section*> sections;
  for (const Section& section : model.sections) sections.push_back(&section);
  std::vector<const Node*> nodes;
  for (const Node& node : model.nodes) nodes.push_back(&node);
  return make_usemap_report(model, sections, nodes);
}

struct Written {
  std::string text;
  bool absences = false;
};

Written render(const Report& report, std::string_view format, std::vector<std::string> columns = {}) {
  Written written;
  RenderOptions options;
  options.columns = std::move(columns);
  const auto outcome = find_renderer(format)->render(report, options, [&](std::string_view piece) {
    written.text += piece;
    return true;
  });
  EXPECT_TRUE(outcome) << outcome.error().message;
  written.absences = outcome && outcome->absences;
  return written;
}

Node node_with_zones() {
  Node node;
  node.id = NodeId{1};
  node.zones.resize(3);
  node.zones[0].name = "DMA32";
  node.zones[0].present_pages = 1000;
  node.zones[0].pageblocks = std::vector<std::uint64_t>{12, 345, 6, 0, 0, 1};
  node.zones[1].name = "Normal";  // no pages: the kernel leaves it out
  node.zones[1].pageblocks = std::vector<std::uint64_t>(6);
  node.zones[2].name = "Movable";
  node.zones[2].present_pages = 1;
  node.zones[2].pageblocks = Error{Errc::excluded, "filtered", {}};
  return node;
}

TEST(PageblockLetter, IsTheNamesFirstAndLowerCaseWithTheSkipBit) {
  const MemoryModel model = model_with({});
  std::string plain, skip;
  for (std::uint8_t type = 0; type < 6; ++type) {
    plain += pageblock_letter(model, {type, false, false});
    skip += pageblock_letter(model, {type, true, false});
  }
  EXPECT_EQ(plain, "UMRHCI");
  EXPECT_EQ(skip, "umrhci");
}

TEST(PageblockLetter, IsTheDigitOfATypeWithoutAName) {
  MemoryModel model = model_with({});
  EXPECT_EQ(pageblock_letter(model, {7, false, false}), '7');
  EXPECT_EQ(pageblock_letter(model, {6, true, false}), '6');
  model.migratetypes = {"Unmovable", "Reclaimable", "Movable", "Reserve", "vendor"};
  EXPECT_EQ(pageblock_letter(model, {3, false, false}), 'X') << "R is Reclaimable";
  EXPECT_EQ(pageblock_letter(model, {4, false, false}), '4');
}

TEST(UsemapReport, HasOneRowASectionOf64) {
  const MemoryModel model = model_with(std::vector<Pageblock>(64, Pageblock{1, false, false}));
  const Report report = report_of(model);
  EXPECT_EQ(render(report, "raw", {"NR", "PFN", "BLOCKS", "ONLINE"}).text,
            "NR PFN BLOCKS ONLINE\n2 65536 64 1\n");
  EXPECT_THAT(render(report, "table").text, HasSubstr(" 2 PO    " + std::string(64, 'M') + "\n"));
}

TEST(UsemapReport, WrapsLargerSections) {
  std::vector<Pageblock> blocks(130, Pageblock{0, false, false});
  blocks[64].migratetype = 1;
  blocks[129].migratetype = 4;
  const MemoryModel model = model_with(std::move(blocks));
  const Report report = report_of(model);
  EXPECT_EQ(render(report, "raw", {"NR", "PFN", "MAP"}).text, "NR PFN MAP\n2 65536 " + std::string(64, 'U') +
                                                                  "\n2 98304 M" + std::string(63, 'U') +
                                                                  "\n2 131072 UC\n");
  EXPECT_THAT(render(report, "json").text, HasSubstr("M" + std::string(64, 'U') + "C\""));
}

TEST(UsemapReport, SaysWhyAMapIsAbsent) {
  MemoryModel model = model_with({});
  model.sections[0].pageblocks = Error{Errc::excluded, "page at 0x1000 was left out", {}};
  const Report report = report_of(model);
  const Written table = render(report, "table");
  EXPECT_THAT(table.text, HasSubstr(" 2 PO    ?\n"));
  EXPECT_TRUE(table.absences);
  EXPECT_THAT(render(report, "json").text, HasSubstr("\"absent\": \"excluded\""));
  model.sections[0].pageblocks = Error{Errc::not_applicable, "the section has no usage", {}};
  EXPECT_THAT(render(report_of(model), "table").text, HasSubstr(" 2 PO    -\n"));
  EXPECT_FALSE(render(report_of(model), "table").absences);
}

TEST(UsemapReport, PrintsTotalsAsProcPagetypeinfoDoes) {
  MemoryModel model = model_with({});
  model.nodes.push_back(node_with_zones());
  const Report report = report_of(model);
  ASSERT_THAT(report.paragraphs, SizeIs(1));
  EXPECT_EQ(
      report.paragraphs[0],
      "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate\n"
      "Node 1, zone    DMA32           12          345            6            0            0            1\n"
      "Node 1, zone  Movable            ?            ?            ?            ?            ?            ?");
  const std::string json = render(report, "json").text;
  EXPECT_THAT(json, HasSubstr("\"Movable\": 345"));
  EXPECT_THAT(json, HasSubstr("\"absent\": \"excluded\""));
  EXPECT_THAT(json, Not(HasSubstr("\"Normal\"")));
}

TEST(UsemapReport, HasNoTotalsWithoutZones) {
  const MemoryModel model = model_with({});
  EXPECT_THAT(report_of(model).paragraphs, IsEmpty());
}

}  // namespace
}  // namespace memsect
