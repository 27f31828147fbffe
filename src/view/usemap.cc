// One letter a pageblock. A row of the table has 64 of them, which is a section of 128 MiB with pageblocks of
// 2 MiB; sections with more take several rows, in every format:
//
//   NR STATE MAP
//    0 PMOE  UMMMMMMUUUmmMMMM...
//
// Below it the totals as /proc/pagetypeinfo prints them (pagetypeinfo_showblockcount() in mm/vmstat.c). They
// are not sums of the letters above: the kernel counts what is online and in the zone (decode/zones.cc).
#include "view/usemap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "view/cells.h"

namespace memsect {
namespace {

constexpr std::array<Column, 9> columns{{
    {"NR", "section number", Align::right},
    {"STATE", "Present, has Mem map, Online, Early, Device shares it, Vmemmap initialised early"},
    {"MAP", "a letter a pageblock: U M R H C I, lower case with the skip bit, or a digit (see below)"},
    {"NODE", "NUMA node", Align::right, false},
    {"ONLINE", "whether the section is online; the map of one that is not is stale", Align::left, false},
    {"PFN", "first page frame number of the row", Align::right, false},
    {"PHYS_START", "first physical address of the row", Align::left, false},
    {"BLOCKS", "pageblocks in the row", Align::right, false},
    {"USAGE", "address of the section's struct mem_section_usage", Align::left, false},
}};

constexpr std::size_t blocks_per_row = 64;

struct Letter {
  std::string_view name;
  char letter;
};
// migratetype_names of mm/page_alloc.c; Reserve up to 4.3
constexpr std::array<Letter, 7> letters{{{"Unmovable", 'U'},
                                         {"Movable", 'M'},
                                         {"Reclaimable", 'R'},
                                         {"HighAtomic", 'H'},
                                         {"CMA", 'C'},
                                         {"Isolate", 'I'},
                                         {"Reserve", 'X'}}};

std::string map_text(const MemoryModel& model, std::span<const Pageblock> blocks) {
  std::string text;
  text.reserve(blocks.size());
  for (const Pageblock& block : blocks) text += pageblock_letter(model, block);
  return text;
}

/// A row of the table: up to 64 pageblocks of a section.
struct Row {
  const Section* section = nullptr;
  std::size_t first = 0;  ///< pageblock
};

std::vector<Row> make_rows(const std::vector<const Section*>& sections) {
  std::vector<Row> rows;
  for (const Section* section : sections) {
    const std::size_t blocks = section->pageblocks ? section->pageblocks->size() : 0;
    for (std::size_t first = 0; first == 0 || first < blocks; first += blocks_per_row) {
      rows.push_back({section, first});
    }
  }
  return rows;
}

std::vector<Value> row_cells(const MemoryModel& model, const Row& row) {
  const Section& section = *row.section;
  const MemoryGeometry& geometry = model.geometry;
  const Pfn pfn = geometry.section_nr_to_pfn(section.nr) + row.first * geometry.pages_per_pageblock();
  const auto blocks_of_row = [&](auto make) {
    return value_or_absence(section.pageblocks, [&](const std::vector<Pageblock>& blocks) {
      return Value(
          make(std::span(blocks).subspan(row.first, std::min(blocks.size() - row.first, blocks_per_row))));
    });
  };
  return {section.nr.raw(),
          state_letters(section.flags),
          blocks_of_row([&](std::span<const Pageblock> blocks) { return map_text(model, blocks); }),
          value_or_absence(section.node, [](NodeId node) { return Value(raw(node)); }),
          section.flags.online,
          pfn.raw(),
          Hex{geometry.pfn_to_phys(pfn).raw()},
          blocks_of_row([](std::span<const Pageblock> blocks) { return std::uint64_t{blocks.size()}; }),
          value_or_absence(section.usage, [](const Placement& at) { return Value(Hex{at.address.raw()}); })};
}

Value section_value(const MemoryModel& model, const Section& section) {
  return Object{{"section", section.nr.raw()},
                {"online", section.flags.online},
                {"map", value_or_absence(section.pageblocks, [&](const std::vector<Pageblock>& blocks) {
                   return Value(map_text(model, blocks));
                 })}};
}

/// The zones that /proc/pagetypeinfo lists: those with pages, and those of which that cannot be told.
bool is_listed(const Zone& zone) { return !zone.numbers || zone.present_pages > 0; }

Value zone_value(const MemoryModel& model, const Node& node, const Zone& zone) {
  return Object{{"node", raw(node.id)},
                {"zone", zone.name},
                {"counts", value_or_absence(zone.pageblocks, [&](const std::vector<std::uint64_t>& counts) {
                   return migratetype_counts(model, counts);
                 })}};
}

/// The kernel's own table, less the blank at the end of each of its lines.
std::string zones_text(const MemoryModel& model, const std::vector<const Node*>& nodes) {
  std::string text = fmt::format("{:<22}", "Number of blocks type");
  for (const std::string& name : model.migratetypes) text += fmt::format(" {:>12}", name);
  bool any = false;
  for (const Node* node : nodes) {
    for (const Zone& zone : node->zones) {
      if (!is_listed(zone)) continue;
      any = true;
      text += fmt::format("\nNode {}, zone {:>8}", raw(node->id), zone.name);
      for (std::size_t i = 0; i < model.migratetypes.size(); ++i) {
        text += zone.pageblocks ? fmt::format(" {:>12}", (*zone.pageblocks)[i]) : fmt::format(" {:>12}", '?');
      }
    }
  }
  return any ? text : "";
}

}  // namespace

std::span<const Column> usemap_columns() { return columns; }

char pageblock_letter(const MemoryModel& model, const Pageblock& block) {
  constexpr char to_lower = 'a' - 'A';
  if (block.migratetype < model.migratetypes.size()) {
    for (const Letter& letter : letters) {
      if (letter.name != model.migratetypes[block.migratetype]) continue;
      return static_cast<char>(letter.letter + (block.skip ? to_lower : 0));
    }
  }
  return static_cast<char>('0' + (block.migratetype & 7));
}

Report make_usemap_report(const MemoryModel& model, const std::vector<const Section*>& sections,
                          const std::vector<const Node*>& nodes) {
  Report report;
  report.command = "usemap";
  List maps, zones;
  for (const Section* section : sections) maps.push_back(section_value(model, *section));
  for (const Node* node : nodes) {
    for (const Zone& zone : node->zones) {
      if (is_listed(zone)) zones.push_back(zone_value(model, *node, zone));
    }
  }
  report.data = Object{{"sections", std::move(maps)}, {"zones", std::move(zones)}};
  auto rows = std::make_shared<const std::vector<Row>>(make_rows(sections));
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = rows->size();
  table.row = [rows, &model](std::uint64_t row) { return row_cells(model, (*rows)[row]); };
  report.tables.push_back(std::move(table));
  if (std::string text = zones_text(model, nodes); !text.empty())
    report.paragraphs.push_back(std::move(text));
  return report;
}

}  // namespace memsect
