#include "view/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/text.h"
#include "view/cells.h"

namespace memsect {
namespace {

// The table begins as crash's `kmem -n` does.
constexpr std::array<Column, 21> columns{{
    {"NR", "section number", Align::right},
    {"SECTION", "address of its struct mem_section"},
    {"CODED_MEM_MAP", "section_mem_map without its flags"},
    {"MEM_MAP", "address of its first struct page"},
    {"STATE", "Present, has Mem map, Online, Early, Device shares it, Vmemmap initialised early"},
    {"PFN", "first page frame number", Align::right},
    {"NODE", "NUMA node", Align::right},
    {"USAGE", "address of its struct mem_section_usage"},
    {"USAGE_SECTION", "sections that hold the usage", Align::right},
    {"SUBSECT", "subsections populated, of how many", Align::right},
    {"MIGRATETYPES", "pageblocks by type: U M R H C I as the kernel's names begin"},
    {"HOLDS", "what it holds of other sections and nodes"},
    {"SECTION_MEM_MAP", "the raw word", Align::left, false},
    {"PHYS_START", "first physical address", Align::left, false},
    {"SIZE", "bytes", Align::right, false},
    {"NODES", "nodes of its online pageblocks", Align::left, false},
    {"ZONES", "zones of its online pageblocks", Align::left, false},
    {"USAGE_PHYS", "physical address of the usage", Align::left, false},
    {"ALLOCATION", "who gave the usage's memory", Align::left, false},
    {"SUBSECTION_MAP", "the bitmap, bit 0 first", Align::left, false},
    {"MEMMAP_SECTIONS", "sections that hold the memmap", Align::left, false},
}};

/// What the rows need, kept alive by them.
struct Rows {
  const MemoryModel& model;
  std::vector<const Section*> sections;
  std::unordered_map<SectionNr, const Holder*> holders;
  bool list_blocks;
};

Value usage_value(const MemoryModel& model, const Placement& usage) {
  List sections = section_list(model.geometry, usage.phys);
  Object object{{"address", Hex{usage.address.raw()}},
                {"phys", Hex{usage.first_phys().raw()}},
                {"section", model.geometry.phys_to_section_nr(usage.first_phys()).raw()},
                {"sections", std::move(sections)},
                {"size", usage.bytes},
                {"allocation", allocation_value(usage.allocation)}};
  return object;
}

/// Pageblock counts of a section.
struct Counts {
  std::vector<std::uint64_t> by_type;
  std::uint64_t skip = 0, isolated = 0;
};

Counts count_pageblocks(const MemoryModel& model, const std::vector<Pageblock>& blocks) {
  Counts counts;
  counts.by_type.resize(std::max<std::size_t>(model.migratetypes.size(), 8));
  for (const Pageblock& block : blocks) {
    ++counts.by_type[block.migratetype];
    if (block.skip) ++counts.skip;
    if (block.isolated) ++counts.isolated;
  }
  return counts;
}

Value pageblocks_value(const Rows& rows, const Section& section, const std::vector<Pageblock>& blocks) {
  const std::vector<std::string>& names = rows.model.migratetypes;
  const Counts counts = count_pageblocks(rows.model, blocks);
  Object types;
  for (std::size_t i = 0; i < names.size(); ++i) types.emplace_back(names[i], counts.by_type[i]);
  Object object{{"total", std::uint64_t{blocks.size()}},
                {"migratetypes", std::move(types)},
                {"skip", counts.skip},
                {"isolated", counts.isolated}};
  if (!section.flags.online) object.emplace_back("stale", true);
  if (rows.list_blocks) {
    List list;
    for (const Pageblock& block : blocks) {
      list.push_back(block.migratetype < names.size() ? Value(names[block.migratetype])
                                                      : Value(int{block.migratetype}));
    }
    object.emplace_back("blocks", std::move(list));
  }
  return object;
}

Value memmap_value(const MemoryModel& model, const Section& section, const Memmap& memmap) {
  std::map<std::uint64_t, std::uint64_t> by_section;
  for (const PhysRange& range : memmap.backing) {
    for (PhysAddr at = range.start; at < range.end();) {
      const SectionNr host = model.geometry.phys_to_section_nr(at);
      const PhysAddr next = std::min(range.end(), model.geometry.section_range(host).end());
      by_section[host.raw()] += next - at;
      at = next;
    }
  }
  List backing;
  for (const auto& [host, bytes] : by_section)
    backing.emplace_back(Object{{"section", host}, {"bytes", bytes}});
  const auto own = by_section.find(section.nr.raw());
  return Object{{"address", Hex{memmap.address.raw()}},
                {"bytes", memmap.bytes},
                {"mapped_bytes", memmap.mapped_bytes()},
                {"backing", std::move(backing)},
                {"in_own_section", own == by_section.end() ? 0 : own->second},
                {"self_hosted", memmap.self_hosted > 0},
                {"allocation", allocation_value(memmap.allocation)}};
}

Value subsections_value(const SubsectionMap& map) {
  return Object{{"map", bitmap_value(map)}, {"populated", map.populated()}, {"total", map.total}};
}

Value nodes_value(const SectionZones& zones) {
  List list;
  for (const NodeId node : zones.nodes) list.emplace_back(raw(node));
  return list;
}

Value zones_value(const SectionZones& zones) {
  List list;
  for (const std::string& zone : zones.zones) list.emplace_back(zone);
  return list;
}

Value section_value(const Rows& rows, const Section& section) {
  const MemoryModel& model = rows.model;
  const MemoryGeometry& geometry = model.geometry;
  const Pfn start = geometry.section_nr_to_pfn(section.nr);
  const PhysRange range = geometry.section_range(section.nr);
  return Object{
      {"section", section.nr.raw()},
      {"mem_section", Hex{section.mem_section.raw()}},
      {"section_mem_map", Hex{section.section_mem_map}},
      {"coded_mem_map", Hex{section.coded_mem_map}},
      {"mem_map", Hex{section.mem_map.raw()}},
      {"state", state_letters(section.flags)},
      {"flags", flag_names(section.flags)},
      {"start_pfn", start.raw()},
      {"end_pfn", (start + geometry.pages_per_section()).raw()},
      {"phys_start", Hex{range.start.raw()}},
      {"phys_end", Hex{range.end().raw()}},
      {"node", value_or_absence(section.node, [](NodeId node) { return Value(raw(node)); })},
      {"nodes", value_or_absence(section.zones, nodes_value)},
      {"zones", value_or_absence(section.zones, zones_value)},
      {"usage",
       value_or_absence(section.usage, [&](const Placement& usage) { return usage_value(model, usage); })},
      {"subsections", value_or_absence(section.subsections, subsections_value)},
      {"pageblocks", value_or_absence(section.pageblocks,
                                      [&](const std::vector<Pageblock>& blocks) {
                                        return pageblocks_value(rows, section, blocks);
                                      })},
      {"memmap", value_or_absence(section.memmap, [&](const Memmap& memmap) {
         return memmap_value(model, section, memmap);
       })}};
}

/// "U13 M49 R2": the first letters of the kernel's names, types that do not occur left out.
Value migratetypes_cell(const MemoryModel& model, const std::vector<Pageblock>& blocks) {
  const Counts counts = count_pageblocks(model, blocks);
  std::string text;
  for (std::size_t i = 0; i < model.migratetypes.size(); ++i) {
    if (counts.by_type[i] == 0) continue;
    text +=
        fmt::format("{}{}{}", text.empty() ? "" : " ", model.migratetypes[i].substr(0, 1), counts.by_type[i]);
  }
  return text;
}

/// "usage(0-3) pgdat(0)": kinds with the sections or nodes they serve, the permanent tables by name alone.
Value holds_cell(const Rows& rows, const Section& section) {
  const auto found = rows.holders.find(section.nr);
  if (found == rows.holders.end()) return "";
  std::map<ObjectKind, std::vector<std::uint64_t>> served;
  for (const HeldObject& object : found->second->holds) {
    std::vector<std::uint64_t>& whom = served[object.kind];
    for (const SectionNr nr : object.of_sections) whom.push_back(nr.raw());
    for (const NodeId node : object.of_nodes) whom.push_back(static_cast<std::uint64_t>(raw(node)));
  }
  std::string text;
  for (auto& [kind, whom] : served) {
    std::sort(whom.begin(), whom.end());
    whom.erase(std::unique(whom.begin(), whom.end()), whom.end());
    if (!text.empty()) text += ' ';
    text += object_kind_name(kind);
    if (kind != ObjectKind::section_root && kind != ObjectKind::section_root_table)
      text += fmt::format("({})", ranges(whom));
  }
  return text;
}

std::vector<Value> section_cells(const Rows& rows, const Section& section) {
  const MemoryModel& model = rows.model;
  const PhysRange range = model.geometry.section_range(section.nr);
  const auto of_usage = [&](auto make) { return value_or_absence(section.usage, make); };
  return {
      section.nr.raw(),
      Hex{section.mem_section.raw()},
      Hex{section.coded_mem_map},
      Hex{section.mem_map.raw()},
      state_letters(section.flags),
      model.geometry.section_nr_to_pfn(section.nr).raw(),
      value_or_absence(section.node, [](NodeId node) { return Value(raw(node)); }),
      of_usage([](const Placement& usage) { return Value(Hex{usage.address.raw()}); }),
      of_usage([&](const Placement& usage) { return Value(section_list(model.geometry, usage.phys)); }),
      value_or_absence(
          section.subsections,
          [](const SubsectionMap& map) { return Value(fmt::format("{}/{}", map.populated(), map.total)); }),
      value_or_absence(
          section.pageblocks,
          [&](const std::vector<Pageblock>& blocks) { return migratetypes_cell(model, blocks); }),
      holds_cell(rows, section),
      Hex{section.section_mem_map},
      Hex{range.start.raw()},
      Size{range.size},
      value_or_absence(section.zones, nodes_value),
      value_or_absence(section.zones, zones_value),
      of_usage([](const Placement& usage) { return Value(Hex{usage.first_phys().raw()}); }),
      of_usage([](const Placement& usage) { return allocation_value(usage.allocation); }),
      value_or_absence(section.subsections, bitmap_value),
      value_or_absence(
          section.memmap,
          [&](const Memmap& memmap) { return Value(section_list(model.geometry, memmap.backing)); }),
  };
}

}  // namespace

std::span<const Column> sections_columns() { return columns; }

Report make_sections_report(const MemoryModel& model, const Dependencies& dependencies,
                            std::vector<const Section*> sections, const SectionsViewOptions& options) {
  auto rows = std::make_shared<Rows>(Rows{model, std::move(sections), {}, options.blocks});
  for (const Holder& holder : dependencies.holders) rows->holders.emplace(holder.section, &holder);
  Report report;
  report.command = "sections";
  report.row_count = rows->sections.size();
  report.rows = [rows](std::uint64_t row) { return section_value(*rows, *rows->sections[row]); };
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = rows->sections.size();
  table.row = [rows](std::uint64_t row) { return section_cells(*rows, *rows->sections[row]); };
  report.tables.push_back(std::move(table));
  return report;
}

}  // namespace memsect
