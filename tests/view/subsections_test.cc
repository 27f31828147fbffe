#include "view/subsections.h"

#include <gmock/gmock.h>

namespace memsect {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

using Kind = SubsectionKind;

MemoryModel model_with(std::vector<Kind> kinds, std::optional<Error> why = {}) {
  MemoryModel model;
  model.geometry.has_subsection_map = true;
  Section section;
  section.nr = SectionNr(3);
  section.flags.present = true;
  SubsectionMap map;
  map.words = {0};
  map.total = kinds.size();
  for (std::size_t i = 0; i < kinds.size(); ++i) map.words[0] |= std::uint64_t{kinds[i] != Kind::none} << i;
  section.subsections = std::move(map);
  section.subsection_kinds = SubsectionKinds{std::move(kinds), std::move(why)};
  model.sections.push_back(std::move(section));
  return model;
}

struct Written {
  std::string text;
  bool absences = false;
};

Written render(const MemoryModel& model, std::string_view format, std::vector<std::string> columns = {}) {
  std::vector<const Section*> sections;
  for (const Section& section : model.sections) sections.push_back(&section);
  const Report report = make_subsections_report(model, std::move(sections));
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

TEST(SubsectionsReport, CutsRangesWhereTheKindChanges) {
  const MemoryModel model =
      model_with({Kind::boot_ram, Kind::boot_ram, Kind::none, Kind::zone_device, Kind::boot_ram});
  EXPECT_EQ(
      render(model, "raw", {"NR", "UNITS", "RANGE", "SIZE", "KIND", "MIXED", "FIRST", "COUNT", "PFN", "MAP"})
          .text,
      "NR UNITS RANGE SIZE KIND MIXED FIRST COUNT PFN MAP\n"
      "3 0-1 0x0000000018000000-0x00000000183fffff 4194304 boot_ram 1 0 2 98304 0x1b\n"
      "3 3 0x0000000018600000-0x00000000187fffff 2097152 zone_device 1 3 1 99840 0x1b\n"
      "3 4 0x0000000018800000-0x00000000189fffff 2097152 boot_ram 1 4 1 100352 0x1b\n");
  EXPECT_THAT(render(model, "table").text, HasSubstr("1 section is of more than one kind: 3."));
}

TEST(SubsectionsReport, GivesJsonTheKeysOfTheContract) {
  const std::string json = render(model_with({Kind::hot_added_ram, Kind::none}), "json").text;
  EXPECT_THAT(json, HasSubstr("\"section\": 3"));
  EXPECT_THAT(json, HasSubstr("\"map\": \"0x1\""));
  EXPECT_THAT(json, HasSubstr("\"first\": 0"));
  EXPECT_THAT(json, HasSubstr("\"count\": 1"));
  EXPECT_THAT(json, HasSubstr("\"kind\": \"hot_added_ram\""));
  EXPECT_THAT(json, HasSubstr("\"mixed\": false"));
}

TEST(SubsectionsReport, CannotSayMixedWhileAKindIsUnknown) {
  const Error why{Errc::excluded, "page at 0x1000 was left out", {}};
  const Written one = render(model_with({Kind::boot_ram, Kind::unknown}, why), "json");
  EXPECT_THAT(one.text, HasSubstr("\"mixed\": {"));
  EXPECT_THAT(one.text, HasSubstr("\"kind\": {"));
  EXPECT_TRUE(one.absences);
  const Written two = render(model_with({Kind::boot_ram, Kind::unknown, Kind::zone_device}, why), "json");
  EXPECT_THAT(two.text, HasSubstr("\"mixed\": true"));
  EXPECT_EQ(render(model_with({Kind::boot_ram, Kind::unknown}, why), "raw", {"UNITS", "KIND", "MIXED"}).text,
            "UNITS KIND MIXED\n0 boot_ram ?\n1 ? ?\n");
}

TEST(SubsectionsReport, KeepsSectionsThatHaveNoRange) {
  EXPECT_EQ(render(model_with({Kind::none, Kind::none}), "raw", {"NR", "UNITS", "MIXED"}).text,
            "NR UNITS MIXED\n3 - 0\n");
  MemoryModel model = model_with({});
  const Error cut_off{Errc::truncated, "cut", {}};
  model.sections[0].subsections = cut_off;
  model.sections[0].subsection_kinds = cut_off;
  const Written cut = render(model, "raw", {"NR", "UNITS", "MIXED", "MAP"});
  EXPECT_EQ(cut.text, "NR UNITS MIXED MAP\n3 ? ? ?\n");
  EXPECT_TRUE(cut.absences);
}

TEST(SubsectionsReport, ExplainsKernelsWithoutAMap) {
  MemoryModel model = model_with({Kind::boot_ram});
  model.geometry.has_subsection_map = false;
  EXPECT_THAT(render(model, "table").text, HasSubstr("which came with 5.3"));
  model.geometry.kind = MemoryModelKind::sparsemem_extreme;
  EXPECT_THAT(render(model, "table").text, HasSubstr("exists with VMEMMAP only"));
  EXPECT_THAT(render(model, "json").text, HasSubstr("\"data\": []"));
  EXPECT_FALSE(render(model, "json").absences);
  EXPECT_EQ(render(model, "raw", {"NR"}).text, "NR\n");
}

TEST(SubsectionsReport, SaysThatTheMapOfAClassicKernelIsWhole) {
  MemoryModel model = model_with({Kind::boot_ram});
  model.geometry.kind = MemoryModelKind::sparsemem_extreme;
  EXPECT_THAT(render(model, "table").text, HasSubstr("the map is filled whole"));
  EXPECT_THAT(render(model, "raw", {"NR", "UNITS"}).text, HasSubstr("3 0\n"));
  model.geometry.kind = MemoryModelKind::flatmem;
  EXPECT_THAT(subsection_map_remark(model.geometry), IsEmpty());
}

}  // namespace
}  // namespace memsect
