#include "answer/selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace memsect {
namespace {

Error bad_bounds(std::string_view option, std::string_view text, std::string_view form) {
  return {Errc::usage, fmt::format("--{} {}: not of the form {}", option, text, form), {}};
}

/// The numbers of an option, "memory" before them taken for what `blocks` and sysfs print.
Result<std::optional<std::vector<Bounds>>> parse_numbers(const OptionValues& options, std::string_view option,
                                                         std::string_view form) {
  const std::string text = options.text(option);
  if (text.empty()) return std::optional<std::vector<Bounds>>();
  const std::string_view numbers = text;
  const bool is_block = option == "block" && numbers.starts_with("memory");
  auto list = parse_bounds_list(is_block ? numbers.substr(std::string_view("memory").size()) : numbers);
  if (!list) return bad_bounds(option, text, form);
  return list;
}

/// Whether [start, end) meets the inclusive bounds.
bool meets(const Bounds& bounds, PhysRange range) {
  return range.start.raw() <= bounds.last && (range.end() - 1).raw() >= bounds.first;
}

}  // namespace

OptionSpec node_option() { return {"node", OptionSpec::Kind::text, "LIST", "only these nodes"}; }

std::vector<OptionSpec> selection_options() {
  return {{"section", OptionSpec::Kind::text, "LIST", "only these sections: N, N-M, or a list of these"},
          node_option(),
          {"block", OptionSpec::Kind::text, "LIST", "only these memory blocks: N or memoryN"},
          {"range", OptionSpec::Kind::text, "PHYS-PHYS",
           "only what meets these addresses (physical, inclusive)"}};
}

std::vector<OptionSpec> selection_options_and(std::vector<OptionSpec> more) {
  std::vector<OptionSpec> options = selection_options();
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

Result<Selection> parse_selection(const OptionValues& options) {
  Selection selection;
  auto sections = parse_numbers(options, "section", "N, N-M or a list of these");
  if (!sections) return std::move(sections).error();
  selection.sections = *std::move(sections);
  auto nodes = parse_numbers(options, "node", "N, N-M or a list of these");
  if (!nodes) return std::move(nodes).error();
  selection.nodes = *std::move(nodes);
  auto blocks = parse_numbers(options, "block", "N, memoryN, N-M or a list of these");
  if (!blocks) return std::move(blocks).error();
  selection.blocks = *std::move(blocks);
  if (const std::string range = options.text("range"); !range.empty()) {
    selection.phys = parse_address_range(range);
    if (!selection.phys) return bad_bounds("range", range, "START-END, as 0x100000000-0x13fffffff or 4G-5G");
  }
  return selection;
}

std::vector<const Section*> select_sections(MemoryModel& model, const Selection& selection) {
  std::vector<const Section*> sections;
  for (const Section& section : model.sections) {
    if (selection.selects(model, section)) sections.push_back(&section);
  }
  if (sections.empty() && !model.sections.empty()) model.notes.warn("nothing here matches the selection");
  return sections;
}

bool Selection::selects(const MemoryModel& model, const Section& section) const {
  if (sections && !contains(*sections, section.nr.raw())) return false;
  if (phys && !meets(*phys, model.geometry.section_range(section.nr))) return false;
  if (blocks) {
    const std::uint64_t per_block = model.geometry.sections_per_block;
    if (per_block == 0 || !contains(*blocks, section.nr.raw() / per_block)) return false;
  }
  if (!nodes) return true;
  const auto is_wanted = [this](NodeId id) { return selects_node(id); };
  if (section.zones && std::any_of(section.zones->nodes.begin(), section.zones->nodes.end(), is_wanted))
    return true;
  return section.node && is_wanted(*section.node);
}

bool Selection::selects_node(NodeId id) const {
  return !nodes || (raw(id) >= 0 && contains(*nodes, static_cast<std::uint64_t>(raw(id))));
}

bool Selection::selects(const MemoryModel& model, const MemoryBlock& block) const {
  const std::uint64_t per_block = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
  const std::uint64_t first = block.start_section.raw();
  if (blocks && !contains(*blocks, block.id)) return false;
  const auto meets_block = [&](const Bounds& bounds) {
    return bounds.last >= first && bounds.first < first + per_block;
  };
  if (sections && std::none_of(sections->begin(), sections->end(), meets_block)) return false;
  const PhysRange range{model.geometry.section_range(block.start_section).start,
                        per_block * model.geometry.section_size()};
  if (phys && !meets(*phys, range)) return false;
  return !nodes || (block.node && selects_node(*block.node));
}

bool Selection::selects(const Node& candidate) const { return selects_node(candidate.id); }

}  // namespace memsect
