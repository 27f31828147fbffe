#include "view/info.h"

#include <fmt/format.h>

#include <array>
#include <memory>

namespace memsect {
namespace {

constexpr std::array<Column, 3> columns{{
    {"KEY", "what"},
    {"VALUE", "how much"},
    {"ORIGIN", "where it came from"},
}};

std::string_view memory_model_name(MemoryModelKind kind) {
  switch (kind) {
    case MemoryModelKind::flatmem:
      return "flatmem";
    case MemoryModelKind::sparsemem_static:
      return "sparsemem-static";
    case MemoryModelKind::sparsemem_extreme:
      return "sparsemem-extreme";
    case MemoryModelKind::sparsemem_vmemmap:
      return "sparsemem-vmemmap";
  }
  return "flatmem";
}

Value signed_hex(std::int64_t value) {
  const auto magnitude = static_cast<std::uint64_t>(value < 0 ? -value : value);
  return fmt::format("{}{:#x}", value < 0 ? "-" : "", magnitude);
}

Value known_or_absent(std::uint64_t value, std::string_view what) {
  if (value != 0) return value;
  return Absent{"unsupported", fmt::format("{} could not be found", what)};
}

void add_sparse_keys(Object& data, const MemoryModel& model) {
  const MemoryGeometry& g = model.geometry;
  List nodes;
  for (const Node& node : model.nodes) nodes.emplace_back(raw(node.id));
  data.emplace_back("section_size_bits", g.section_size_bits);
  data.emplace_back("max_physmem_bits", g.max_physmem_bits);
  data.emplace_back("section_size", Size{g.section_size()});
  data.emplace_back("pages_per_section", g.pages_per_section());
  data.emplace_back("sections_per_root", g.sections_per_root);
  data.emplace_back("nr_section_roots", g.nr_section_roots);
  data.emplace_back("subsection_size", Size{std::uint64_t{1} << g.subsection_shift});
  data.emplace_back("subsections_per_section", g.subsections_per_section());
  data.emplace_back("pageblock_order",
                    g.pageblocks_known() ? Value(g.pageblock_order) : known_or_absent(0, "pageblock_order"));
  data.emplace_back("pageblock_bits", known_or_absent(g.pageblock_bits, "the bits of a pageblock"));
  data.emplace_back("usage_size", known_or_absent(g.usage_size, "the size of mem_section_usage"));
  data.emplace_back("struct_page_size", g.struct_page_size);
  data.emplace_back("sections_per_block",
                    model.hot_plug == HotPlug::none
                        ? Value(Absent{"not_applicable", "this kernel has no memory blocks"})
                        : known_or_absent(g.sections_per_block, "sections_per_block"));
  data.emplace_back("present_sections", std::uint64_t{model.sections.size()});
  data.emplace_back("nodes", std::move(nodes));
  data.emplace_back("mem_section", Hex{model.root_table_address.raw()});
  data.emplace_back("vmemmap", model.vmemmap ? Value(Hex{model.vmemmap->raw()}) : Value());
}

Object make_data(const MemoryModel& model, const InfoFacts& facts) {
  Object data{{"memory_model", memory_model_name(model.geometry.kind)}};
  if (model.geometry.kind != MemoryModelKind::flatmem) add_sparse_keys(data, model);
  if (facts.phys_base) data.emplace_back("phys_base", signed_hex(*facts.phys_base));
  if (facts.kaslr_offset) data.emplace_back("kaslr_offset", Hex{*facts.kaslr_offset});
  if (facts.page_offset) data.emplace_back("page_offset", Hex{facts.page_offset->raw()});
  return data;
}

}  // namespace

std::span<const Column> info_columns() { return columns; }

Report make_info_report(const MemoryModel& model, const InfoFacts& facts) {
  Report report;
  report.command = "info";
  Object data = make_data(model, facts);

  auto rows = std::make_shared<std::vector<std::vector<Value>>>();
  for (const auto& [key, value] : data) {
    const auto origin = model.origin.find(std::string(key));
    rows->push_back({key, value, origin != model.origin.end() ? Value(origin->second) : Value("")});
  }
  for (const auto& [key, value] : facts.dump) rows->push_back({fmt::format("dump.{}", key), value, "dump"});
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = rows->size();
  table.row = [rows](std::uint64_t row) { return (*rows)[row]; };
  report.tables.push_back(std::move(table));

  data.emplace_back("dump", facts.dump);
  Object origin;
  for (const auto& [key, where] : model.origin) origin.emplace_back(key, where);
  data.emplace_back("origin", std::move(origin));
  report.data = std::move(data);
  return report;
}

}  // namespace memsect
