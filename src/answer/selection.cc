#include "answer/selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace memsect {
namespace {

Error bad_bounds(std::string_view option, std::string_view text, std::string_view form) {
  return {Errc::usage, fmt::format("{} {}: not of the form {}", option, text, form), {}};
}

/// "N" or "N-M".
Result<Bounds> parse_bounds(std::string_view option, std::string_view text, std::string_view form) {
  const std::size_t dash = text.find('-');
  const auto first = parse_unsigned(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_unsigned(text.substr(dash + 1));
  if (!first || !last || *last < *first) return bad_bounds(option, text, form);
  return Bounds{*first, *last};
}

/// Whether [start, end) meets the inclusive bounds.
bool meets(const Bounds& bounds, PhysRange range) {
  return range.start.raw() <= bounds.last && (range.end() - 1).raw() >= bounds.first;
}

}  // namespace

OptionSpec node_option() { return {"node", OptionSpec::Kind::text, "N", "only node N"}; }

std::vector<OptionSpec> selection_options() {
  return {{"section", OptionSpec::Kind::text, "N[-M]", "only section N, or N to M"},
          node_option(),
          {"block", OptionSpec::Kind::text, "N|memoryN", "only memory block N"},
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
  const std::string section = options.text("section"), node = options.text("node");
  const std::string block = options.text("block"), range = options.text("range");
  if (!section.empty()) {
    auto bounds = parse_bounds("--section", section, "N or N-M");
    if (!bounds) return std::move(bounds).error();
    selection.sections = *bounds;
  }
  if (!node.empty()) {
    selection.node = parse_unsigned(node);
    if (!selection.node) return bad_bounds("--node", node, "N");
  }
  if (!block.empty()) {
    const std::string_view text = block;
    const auto number = parse_unsigned(text.starts_with("memory") ? text.substr(6) : text);
    if (!number) return bad_bounds("--block", text, "N or memoryN");
    selection.blocks = Bounds{*number, *number};
  }
  if (!range.empty()) {
    constexpr std::string_view form = "0xSTART-0xEND";
    auto bounds = parse_bounds("--range", range, form);
    if (!bounds) return std::move(bounds).error();
    if (range.find('-') == std::string::npos) return bad_bounds("--range", range, form);
    selection.phys = *bounds;
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
  if (sections && !sections->contains(section.nr.raw())) return false;
  if (phys && !meets(*phys, model.geometry.section_range(section.nr))) return false;
  if (blocks) {
    const std::uint64_t per_block = model.geometry.sections_per_block;
    if (per_block == 0 || !blocks->contains(section.nr.raw() / per_block)) return false;
  }
  if (!node) return true;
  const auto is_wanted = [&](NodeId id) {
    return raw(id) >= 0 && static_cast<std::uint64_t>(raw(id)) == *node;
  };
  if (section.zones && std::any_of(section.zones->nodes.begin(), section.zones->nodes.end(), is_wanted))
    return true;
  return section.node && is_wanted(*section.node);
}

bool Selection::selects(const MemoryModel& model, const MemoryBlock& block) const {
  const std::uint64_t per_block = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
  const std::uint64_t first = block.start_section.raw();
  if (blocks && !blocks->contains(block.id)) return false;
  if (sections && (sections->last < first || sections->first >= first + per_block)) return false;
  const PhysRange range{model.geometry.section_range(block.start_section).start,
                        per_block * model.geometry.section_size()};
  if (phys && !meets(*phys, range)) return false;
  return !node || (block.node && static_cast<std::uint64_t>(raw(*block.node)) == *node);
}

bool Selection::selects(const Node& candidate) const {
  return !node || (raw(candidate.id) >= 0 && static_cast<std::uint64_t>(raw(candidate.id)) == *node);
}

}  // namespace memsect
