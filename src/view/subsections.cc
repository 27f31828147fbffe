// The subsection map as ranges, cut where the kind changes:
//
//   NR STATE UNITS  RANGE                                 SIZE KIND        MIXED
//    3 PMOED 0-32   0x0000000018000000-0x000000001c1fffff  66M boot_ram    yes
//    3 PMOED 33-63  0x000000001c200000-0x000000001fffffff  62M zone_device yes
//
// Subsections that are not populated are in no range.
#include "view/subsections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "base/text.h"
#include "view/cells.h"

namespace memsect {
namespace {

constexpr std::array<Column, 12> columns{{
    {"NR", "section number", Align::right},
    {"STATE", "Present, has Mem map, Online, Early, Device shares it, Vmemmap initialised early"},
    {"UNITS", "subsections of 2M, counted from 0 in each section"},
    {"RANGE", "physical addresses, inclusive"},
    {"SIZE", "bytes", Align::right},
    {"KIND", "boot_ram, hot_added_ram or zone_device"},
    {"MIXED", "whether the section has subsections of several kinds"},
    {"FIRST", "first subsection", Align::right, false},
    {"COUNT", "subsections in the range", Align::right, false},
    {"PFN", "first page frame number", Align::right, false},
    {"NODE", "NUMA node of the section", Align::right, false},
    {"MAP", "the section's bitmap, bit 0 first", Align::left, false},
}};

struct UnitRange {
  std::uint64_t first = 0, count = 0;
  SubsectionKind kind = SubsectionKind::none;
};

std::vector<UnitRange> ranges_of(const SubsectionKinds& kinds) {
  std::vector<UnitRange> ranges;
  for (std::uint64_t unit = 0; unit < kinds.of_unit.size(); ++unit) {
    const SubsectionKind kind = kinds.of_unit[unit];
    if (kind == SubsectionKind::none) continue;
    if (!ranges.empty() && ranges.back().kind == kind && ranges.back().first + ranges.back().count == unit) {
      ++ranges.back().count;
    } else {
      ranges.push_back({unit, 1, kind});
    }
  }
  return ranges;
}

/// Two kinds that are known make a section mixed, whatever the unknown ones are.
Value mixed_value(const SubsectionKinds& kinds) {
  std::optional<SubsectionKind> seen;
  for (const SubsectionKind kind : kinds.of_unit) {
    if (kind == SubsectionKind::none || kind == SubsectionKind::unknown) continue;
    if (seen && *seen != kind) return true;
    seen = kind;
  }
  if (kinds.why_unknown) return *kinds.why_unknown;
  return false;
}

Value kind_value(const SubsectionKinds& kinds, SubsectionKind kind) {
  if (kind == SubsectionKind::unknown && kinds.why_unknown) return *kinds.why_unknown;
  return subsection_kind_name(kind);
}

PhysRange phys_of(const MemoryGeometry& geometry, const Section& section, const UnitRange& range) {
  const std::uint64_t unit_size = std::uint64_t{1} << geometry.subsection_shift;
  return {geometry.section_range(section.nr).start + range.first * unit_size, range.count * unit_size};
}

Value ranges_value(const MemoryGeometry& geometry, const Section& section, const SubsectionKinds& kinds) {
  List list;
  for (const UnitRange& range : ranges_of(kinds)) {
    const PhysRange phys = phys_of(geometry, section, range);
    list.emplace_back(Object{{"first", range.first},
                             {"count", range.count},
                             {"kind", kind_value(kinds, range.kind)},
                             {"phys_start", Hex{phys.start.raw()}},
                             {"bytes", phys.size}});
  }
  return list;
}

Value section_value(const MemoryModel& model, const Section& section) {
  return Object{{"section", section.nr.raw()},
                {"map", value_or_absence(section.subsections, bitmap_value)},
                {"ranges", value_or_absence(section.subsection_kinds,
                                            [&](const SubsectionKinds& kinds) {
                                              return ranges_value(model.geometry, section, kinds);
                                            })},
                {"mixed", value_or_absence(section.subsection_kinds, mixed_value)}};
}

/// A row of the table: a range, or a section that has none to show.
struct Row {
  const Section* section = nullptr;
  std::optional<UnitRange> range;
};

std::vector<Row> make_rows(const std::vector<const Section*>& sections) {
  std::vector<Row> rows;
  for (const Section* section : sections) {
    const auto ranges =
        section->subsection_kinds ? ranges_of(*section->subsection_kinds) : std::vector<UnitRange>();
    if (ranges.empty()) rows.push_back({section, std::nullopt});
    for (const UnitRange& range : ranges) rows.push_back({section, range});
  }
  return rows;
}

std::string units_text(const UnitRange& range) {
  if (range.count == 1) return std::to_string(range.first);
  return fmt::format("{}-{}", range.first, range.first + range.count - 1);
}

std::vector<Value> row_cells(const MemoryModel& model, const Row& row) {
  const Section& section = *row.section;
  const MemoryGeometry& geometry = model.geometry;
  const auto of_range = [&](auto make) -> Value {
    if (!section.subsection_kinds) return section.subsection_kinds.error();
    if (!row.range) return Error{Errc::not_applicable, "no subsection is populated", {}};
    return make(*row.range, phys_of(geometry, section, *row.range));
  };
  return {section.nr.raw(),
          state_letters(section.flags),
          of_range([](const UnitRange& range, PhysRange) { return Value(units_text(range)); }),
          of_range([](const UnitRange&, PhysRange phys) {
            return Value(fmt::format("{:#018x}-{:#018x}", phys.start.raw(), phys.end().raw() - 1));
          }),
          of_range([](const UnitRange&, PhysRange phys) { return Value(Size{phys.size}); }),
          of_range([&](const UnitRange& range, PhysRange) {
            return kind_value(*section.subsection_kinds, range.kind);
          }),
          value_or_absence(section.subsection_kinds, mixed_value),
          of_range([](const UnitRange& range, PhysRange) { return Value(range.first); }),
          of_range([](const UnitRange& range, PhysRange) { return Value(range.count); }),
          of_range([&](const UnitRange&, PhysRange phys) {
            return Value(geometry.phys_to_pfn(phys.start).raw());
          }),
          value_or_absence(section.node, [](NodeId node) { return Value(raw(node)); }),
          value_or_absence(section.subsections, bitmap_value)};
}

/// "3 sections are mixed: 3,5-6."
std::string mixed_text(const std::vector<const Section*>& sections) {
  std::vector<std::uint64_t> mixed;
  for (const Section* section : sections) {
    if (!section->subsection_kinds) continue;
    const Value value = mixed_value(*section->subsection_kinds);
    const bool* const known = std::get_if<bool>(&value.variant());
    if (known != nullptr && *known) mixed.push_back(section->nr.raw());
  }
  if (mixed.empty()) return {};
  const bool one = mixed.size() == 1;
  return fmt::format("{} {} of more than one kind: {}.", mixed.size(), one ? "section is" : "sections are",
                     ranges(mixed));
}

}  // namespace

std::span<const Column> subsections_columns() { return columns; }

std::string subsection_map_remark(const MemoryGeometry& geometry) {
  if (geometry.kind == MemoryModelKind::flatmem || geometry.kind == MemoryModelKind::sparsemem_vmemmap) {
    if (geometry.has_subsection_map || geometry.kind == MemoryModelKind::flatmem) return {};
    return "This kernel has no subsection map, which came with 5.3: memory comes and goes by whole "
           "sections, and every page of a section that has a memmap counts as valid.";
  }
  if (geometry.has_subsection_map) {
    return "This kernel (SPARSEMEM without VMEMMAP, 5.3 to 5.6) has a subsection map and makes no use of "
           "it: memory comes and goes by whole sections, and the map is filled whole.";
  }
  return "This kernel (SPARSEMEM without VMEMMAP) has no subsection map: from 5.7 on it exists with VMEMMAP "
         "only, and before 5.3 not at all. Memory comes and goes by whole sections, and every page of a "
         "section that has a memmap counts as valid.";
}

Report make_subsections_report(const MemoryModel& model, std::vector<const Section*> sections) {
  if (!model.geometry.has_subsection_map) sections.clear();
  auto shown = std::make_shared<const std::vector<const Section*>>(std::move(sections));
  Report report;
  report.command = "subsections";
  report.row_count = shown->size();
  report.rows = [shown, &model](std::uint64_t row) { return section_value(model, *(*shown)[row]); };
  auto rows = std::make_shared<const std::vector<Row>>(make_rows(*shown));
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = rows->size();
  table.row = [rows, &model](std::uint64_t row) { return row_cells(model, (*rows)[row]); };
  report.tables.push_back(std::move(table));
  for (std::string text : {mixed_text(*shown), subsection_map_remark(model.geometry)}) {
    if (!text.empty()) report.paragraphs.push_back(std::move(text));
  }
  return report;
}

}  // namespace memsect
