#include "view/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "view/cells.h"

namespace memsect {
namespace {

constexpr std::array<Column, 12> columns{{
    {"BLOCK", "N of /sys/devices/system/memory/memoryN", Align::right},
    {"RANGE", "physical addresses, inclusive"},
    {"SIZE", "bytes", Align::right},
    {"STATE", "online, offline, going_offline, ..."},
    {"ONLINE_TYPE", "what an onlining under way asked for; the kernel resets it to offline afterwards",
     Align::left, false},
    {"NODE", "NUMA node", Align::right},
    {"ZONE", "the one zone it lies in while online; - when there are several, which forbids offlining"},
    {"ZONES", "zones seen at its online pageblocks"},
    {"SECTIONS", "present sections in it", Align::right},
    {"ALTMAP_PAGES", "pages of it that hold its own memmap", Align::right},
    {"GROUP", "address of its memory_group", Align::left, false},
    {"MEMORY_BLOCK", "address of the struct memory_block", Align::left, false},
}};

PhysRange range_of(const MemoryModel& model, const MemoryBlock& block) {
  return {model.geometry.section_range(block.start_section).start,
          std::max<std::uint64_t>(model.geometry.sections_per_block, 1) * model.geometry.section_size()};
}

/// The present sections of a block.
std::span<const Section> sections_in(const MemoryModel& model, const MemoryBlock& block) {
  return model.sections_from(block.start_section,
                             std::max<std::uint64_t>(model.geometry.sections_per_block, 1));
}

Value sections_value(const MemoryModel& model, const MemoryBlock& block) {
  List list;
  for (const Section& section : sections_in(model, block)) list.emplace_back(section.nr.raw());
  return list;
}

Value zones_value(const MemoryModel& model, const MemoryBlock& block) {
  List list;
  std::vector<std::string> seen;
  for (const Section& section : sections_in(model, block)) {
    if (!section.zones) {
      if (section.zones.error().code != Errc::not_applicable) return section.zones.error();
      continue;
    }
    for (const std::string& zone : section.zones->zones) {
      if (std::find(seen.begin(), seen.end(), zone) != seen.end()) continue;
      seen.push_back(zone);
      list.emplace_back(zone);
    }
  }
  return list;
}

/// null: the kernel has the member and it is NULL.
Value zone_value(const MemoryBlock& block) {
  return value_or_absence(block.zone,
                          [](const std::string& zone) { return zone.empty() ? Value() : Value(zone); });
}

/// Of the struct memory_block, which was not read where the block is derived.
Value address_value(const MemoryBlock& block) {
  return block.derived ? Value(block.placement.error()) : Value(Hex{block.address.raw()});
}

Value group_address(const MemoryBlock& block, Value none) {
  if (block.derived) return block.group_details.error();
  return block.group.raw() == 0 ? std::move(none) : Value(Hex{block.group.raw()});
}

/// null: the block is in no group.
Value group_value(const MemoryBlock& block) {
  if (block.derived) return block.group_details.error();
  if (block.group.raw() == 0) return {};
  return value_or_absence(block.group_details, [](const MemoryGroup& group) {
    return Value(Object{
        {"address", Hex{group.address.raw()}},
        {"node", group.node ? Value(raw(*group.node)) : Value()},
        {"dynamic", group.is_dynamic},
        {group.is_dynamic ? "unit_pages" : "max_pages", group.pages},
        {"present_kernel_pages", group.present_kernel_pages},
        {"present_movable_pages", group.present_movable_pages},
    });
  });
}

Value block_value(const MemoryModel& model, const MemoryBlock& block) {
  return Object{{"block", block.id},
                {"name", fmt::format("memory{}", block.id)},
                {"memory_block", address_value(block)},
                {"derived", block.derived},
                {"state", block.state},
                {"online_type",
                 value_or_absence(block.online_type, [](const std::string& type) { return Value(type); })},
                {"node", value_or_absence(block.node, [](NodeId node) { return Value(raw(node)); })},
                {"zone", zone_value(block)},
                {"zones", zones_value(model, block)},
                {"start_section", block.start_section.raw()},
                {"sections", sections_value(model, block)},
                {"altmap_pages",
                 value_or_absence(block.altmap_pages, [](std::uint64_t pages) { return Value(pages); })},
                {"group", group_address(block, Value())},
                {"memory_group", group_value(block)}};
}

std::vector<Value> block_cells(const MemoryModel& model, const MemoryBlock& block) {
  const PhysRange range = range_of(model, block);
  return {
      block.id,
      fmt::format("{:#018x}-{:#018x}", range.start.raw(), range.end().raw() - 1),
      Size{range.size},
      block.state,
      value_or_absence(block.online_type, [](const std::string& type) { return Value(type); }),
      value_or_absence(block.node, [](NodeId node) { return Value(raw(node)); }),
      value_or_absence(block.zone, [](const std::string& zone) { return Value(zone.empty() ? "-" : zone); }),
      zones_value(model, block),
      sections_value(model, block),
      value_or_absence(block.altmap_pages, [](std::uint64_t pages) { return Value(pages); }),
      group_address(block, "-"),
      address_value(block)};
}

}  // namespace

std::span<const Column> blocks_columns() { return columns; }

std::optional<std::string> why_no_blocks(const MemoryModel& model) {
  if (model.geometry.kind == MemoryModelKind::flatmem)
    return "This kernel has no memory blocks: it uses FLATMEM, without memory hot-plug.";
  if (model.hot_plug != HotPlug::none) return std::nullopt;
  return "This kernel has no memory blocks: it was built without memory hot-plug; "
         "`memsect removable --by section` judges sections.";
}

Report make_blocks_report(const MemoryModel& model, std::vector<const MemoryBlock*> blocks) {
  auto rows = std::make_shared<const std::vector<const MemoryBlock*>>(std::move(blocks));
  Report report;
  report.command = "blocks";
  report.row_count = rows->size();
  report.rows = [rows, &model](std::uint64_t row) { return block_value(model, *(*rows)[row]); };
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = rows->size();
  table.row = [rows, &model](std::uint64_t row) { return block_cells(model, *(*rows)[row]); };
  report.tables.push_back(std::move(table));
  if (const auto why = why_no_blocks(model)) report.paragraphs.push_back(*why);
  return report;
}

}  // namespace memsect
