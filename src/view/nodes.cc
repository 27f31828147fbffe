#include "view/nodes.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <utility>

#include "view/cells.h"

namespace memsect {
namespace {

constexpr std::array<Column, 16> columns{{
    {"NODE", "node number", Align::right},
    {"PGDAT", "address of its struct pglist_data"},
    {"SECTION", "sections that hold the pgdat", Align::right},
    {"ON_NODE", "node whose memory holds the pgdat", Align::right},
    {"ONLINE", "whether the node is online"},
    {"ZONE", "zone name"},
    {"START_PFN", "first page frame number of the zone", Align::right},
    {"SPANNED", "pages from its first to its last", Align::right},
    {"PRESENT", "pages that exist", Align::right},
    {"MANAGED", "pages that the page allocator has", Align::right},
    {"PAGEBLOCKS", "pageblocks by type, as /proc/pagetypeinfo counts them"},
    {"PHYS", "physical address of the pgdat", Align::left, false},
    {"PGDAT_SIZE", "bytes of the pgdat", Align::right, false},
    {"ALLOCATION", "who gave the pgdat's memory", Align::left, false},
    {"HAS_MEMORY", "whether the node is in N_MEMORY", Align::left, false},
    {"ZONE_INDEX", "enum zone_type", Align::right, false},
}};

/// A number of the pgdat or the zone, or why it could not be read.
Value number_or_absence(const Result<void>& numbers, std::uint64_t value) {
  return numbers ? Value(value) : Value(numbers.error());
}

Value zone_value(const MemoryModel& model, const Zone& zone) {
  return Object{
      {"zone", zone.index},
      {"name", zone.name},
      {"start_pfn", number_or_absence(zone.numbers, zone.start_pfn.raw())},
      {"spanned_pages", number_or_absence(zone.numbers, zone.spanned_pages)},
      {"present_pages", number_or_absence(zone.numbers, zone.present_pages)},
      {"managed_pages", number_or_absence(zone.numbers, zone.managed_pages)},
      {"pageblocks", value_or_absence(zone.pageblocks, [&](const std::vector<std::uint64_t>& counts) {
         return migratetype_counts(model, counts);
       })}};
}

Value node_value(const MemoryModel& model, const Node& node) {
  const auto placed = [&](auto make) { return value_or_absence(node.placement, make); };
  List zones;
  for (const Zone& zone : node.zones) zones.push_back(zone_value(model, zone));
  return Object{
      {"node", raw(node.id)},
      {"pgdat", Hex{node.pgdat.raw()}},
      {"phys", placed([](const Placement& at) { return Value(Hex{at.first_phys().raw()}); })},
      {"size", placed([](const Placement& at) { return Value(at.bytes); })},
      {"section", placed([&](const Placement& at) {
         return Value(model.geometry.phys_to_section_nr(at.first_phys()).raw());
       })},
      {"sections", placed([&](const Placement& at) { return Value(section_list(model.geometry, at.phys)); })},
      {"on_node", value_or_absence(node.on_node, [](NodeId id) { return Value(raw(id)); })},
      {"allocation", placed([](const Placement& at) { return allocation_value(at.allocation); })},
      {"start_pfn", number_or_absence(node.numbers, node.start_pfn.raw())},
      {"spanned_pages", number_or_absence(node.numbers, node.spanned_pages)},
      {"present_pages", number_or_absence(node.numbers, node.present_pages)},
      {"online", value_or_absence(node.online, [](bool yes) { return Value(yes); })},
      {"has_memory", value_or_absence(node.has_memory, [](bool yes) { return Value(yes); })},
      {"zones", std::move(zones)}};
}

Value counts_cell(const MemoryModel& model, const std::vector<std::uint64_t>& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0)
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", model.migratetypes[i], counts[i]);
  }
  return text;
}

std::vector<Value> zone_cells(const MemoryModel& model, const Node& node, const Zone& zone) {
  const auto placed = [&](auto make) { return value_or_absence(node.placement, make); };
  return {
      raw(node.id),
      Hex{node.pgdat.raw()},
      placed([&](const Placement& at) { return Value(section_list(model.geometry, at.phys)); }),
      value_or_absence(node.on_node, [](NodeId id) { return Value(raw(id)); }),
      value_or_absence(node.online, [](bool yes) { return Value(yes); }),
      zone.name,
      number_or_absence(zone.numbers, zone.start_pfn.raw()),
      number_or_absence(zone.numbers, zone.spanned_pages),
      number_or_absence(zone.numbers, zone.present_pages),
      number_or_absence(zone.numbers, zone.managed_pages),
      value_or_absence(zone.pageblocks,
                       [&](const std::vector<std::uint64_t>& counts) { return counts_cell(model, counts); }),
      placed([](const Placement& at) { return Value(Hex{at.first_phys().raw()}); }),
      placed([](const Placement& at) { return Value(Size{at.bytes}); }),
      placed([](const Placement& at) { return allocation_value(at.allocation); }),
      value_or_absence(node.has_memory, [](bool yes) { return Value(yes); }),
      zone.index};
}

}  // namespace

std::span<const Column> nodes_columns() { return columns; }

Report make_nodes_report(const MemoryModel& model, const std::vector<const Node*>& nodes) {
  Report report;
  report.command = "nodes";
  auto zones = std::make_shared<std::vector<std::pair<const Node*, const Zone*>>>();
  List data;
  for (const Node* node : nodes) {
    data.push_back(node_value(model, *node));
    for (const Zone& zone : node->zones) zones->emplace_back(node, &zone);
  }
  report.data = std::move(data);
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = zones->size();
  table.row = [zones, &model](std::uint64_t row) {
    return zone_cells(model, *(*zones)[row].first, *(*zones)[row].second);
  };
  report.tables.push_back(std::move(table));
  return report;
}

}  // namespace memsect
