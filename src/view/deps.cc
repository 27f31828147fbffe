#include "view/deps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "analysis/words.h"
#include "view/cells.h"

namespace memsect {
namespace {

constexpr std::array<Column, 9> columns{{
    {"SECTION", "the section that holds the object", Align::right},
    {"NODE", "node of that section", Align::right},
    {"KIND", "what it is: usage, memmap, pgdat, section_root, vmemmap_table, ...: see the manual page"},
    {"SERVES", "the sections it describes, or the node; all: every present section"},
    {"ADDRESS", "virtual address of its first byte in this section"},
    {"PHYS", "physical address of its lowest byte in this section"},
    {"BYTES", "how much of it lies in this section", Align::right},
    {"ALLOCATION", "who gave the memory: boot, slab, buddy"},
    {"PERMANENT", "whether the kernel never frees it, even when its subject is removed"},
}};

List numbers(const std::vector<SectionNr>& sections) {
  List list;
  list.reserve(sections.size());
  for (const SectionNr nr : sections) list.emplace_back(nr.raw());
  return list;
}

List numbers(const std::vector<NodeId>& nodes) {
  List list;
  for (const NodeId node : nodes) list.emplace_back(raw(node));
  return list;
}

List kind_names(EdgeKinds kinds) {
  List list;
  for (const EdgeKind kind : edge_kinds) {
    if (kinds.has(kind)) list.emplace_back(edge_kind_name(kind));
  }
  return list;
}

Value absent_answer(std::string why) { return Absent{absence_reason(Errc::not_applicable), std::move(why)}; }

Value node_value(const MemoryModel& model, const Holder& holder) {
  const Section* section = model.find_section(holder.section);
  if (section == nullptr) return absent_answer("the section is not present");
  return value_or_absence(section->node, [](NodeId node) { return Value(raw(node)); });
}

Value address_value(const HeldObject& object) {
  if (object.address) return Hex{object.address->raw()};
  return absent_answer(object.kind == ObjectKind::vmemmap_table || object.kind == ObjectKind::direct_map_table
                           ? "where the direct map begins is not known"
                           : "it is mapped in part only");
}

Value serves_value(const HeldObject& object) {
  if (object.kind == ObjectKind::section_root_table) return "all";
  if (!object.of_nodes.empty()) return nodes_text(object.of_nodes);
  return numbers(object.of_sections);
}

std::vector<Value> held_cells(const MemoryModel& model, const Holder& holder, const HeldObject& object) {
  return {holder.section.raw(),
          node_value(model, holder),
          object_kind_name(object.kind),
          serves_value(object),
          address_value(object),
          Hex{object.phys.raw()},
          Size{object.bytes},
          allocation_value(object.allocation),
          object.permanent};
}

Value held_data(const HeldObject& object) {
  return Object{{"kind", object_kind_name(object.kind)},
                {"of_sections", numbers(object.of_sections)},
                {"of_nodes", numbers(object.of_nodes)},
                {"address", address_value(object)},
                {"phys", Hex{object.phys.raw()}},
                {"bytes", object.bytes},
                {"allocation", allocation_value(object.allocation)},
                {"permanent", object.permanent}};
}

Value holders_data(const MemoryModel& model, const Dependencies& dependencies) {
  List holders;
  for (const Holder& holder : dependencies.holders) {
    List holds;
    for (const HeldObject& object : holder.holds) holds.push_back(held_data(object));
    holders.emplace_back(Object{
        {"section", holder.section.raw()}, {"node", node_value(model, holder)}, {"holds", std::move(holds)}});
  }
  return holders;
}

Value edges_data(const Dependencies& dependencies) {
  List edges;
  edges.reserve(dependencies.edges.size());
  for (const Edge& edge : dependencies.edges) {
    edges.emplace_back(Object{
        {"from", vertex_name(edge.from)}, {"to", vertex_name(edge.to)}, {"kinds", kind_names(edge.kinds)}});
  }
  return edges;
}

Value cycles_data(const Dependencies& dependencies) {
  List cycles;
  for (const Cycle& cycle : dependencies.cycles) {
    cycles.emplace_back(Object{{"sections", numbers(cycle.sections)},
                               {"nodes", numbers(cycle.nodes)},
                               {"kinds", kind_names(cycle.kinds)},
                               {"example", cycle.example},
                               {"classic", cycle.classic},
                               {"permanent_anyway", cycle.permanent_anyway}});
  }
  return cycles;
}

Value deps_data(const MemoryModel& model, const Dependencies& dependencies) {
  List messages, never;
  for (const std::string& line : dependencies.kernel_messages) messages.emplace_back(line);
  for (const NeverRemovable& one : dependencies.never) {
    never.emplace_back(Object{{"section", one.section.raw()}, {"because", one.because}});
  }
  return Object{{"holders", holders_data(model, dependencies)},
                {"edges", edges_data(dependencies)},
                {"cycles", cycles_data(dependencies)},
                {"kernel_messages", std::move(messages)},
                {"removal_order", dependencies.order_unknown ? Value(*dependencies.order_unknown)
                                                             : Value(numbers(dependencies.removal_order))},
                {"never", std::move(never)}};
}

Table holders_table(const MemoryModel& model, const Dependencies& dependencies) {
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  // ends[i]: the number of rows up to and with holder i.
  auto ends = std::make_shared<std::vector<std::uint64_t>>();
  for (const Holder& holder : dependencies.holders) {
    table.row_count += holder.holds.size();
    ends->push_back(table.row_count);
  }
  table.row = [&model, &dependencies, ends](std::uint64_t row) {
    const auto end = std::upper_bound(ends->begin(), ends->end(), row);
    const Holder& holder = dependencies.holders[static_cast<std::size_t>(end - ends->begin())];
    return held_cells(model, holder, holder.holds[holder.holds.size() - (*end - row)]);
  };
  return table;
}

}  // namespace

std::span<const Column> deps_columns() { return columns; }

Report make_deps_report(const MemoryModel& model, const Dependencies& dependencies,
                        const DepsViewOptions& options) {
  Report report;
  report.command = "deps";
  report.notes = dependencies.notes;
  report.tables.push_back(holders_table(model, dependencies));
  if (options.data) report.data = deps_data(model, dependencies);  // an object of empty lists with FLATMEM
  if (model.geometry.kind == MemoryModelKind::flatmem) {
    report.paragraphs.emplace_back("This kernel has no sections (FLATMEM).");
  } else {
    report.paragraphs = deps_paragraphs(model, dependencies);
  }
  if (options.graph) report.graph = deps_graph(model, dependencies);
  return report;
}

}  // namespace memsect
