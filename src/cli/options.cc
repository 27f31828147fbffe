#include "cli/options.h"

#include <fmt/format.h>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
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

/// An empty text, as a shell variable that is not set leaves it, would select everything, or name no dump.
std::string not_empty(const std::string& text) { return text.empty() ? "its value is empty" : ""; }

/// Whether [start, end) meets the inclusive bounds.
bool meets(const Bounds& bounds, PhysRange range) {
  return range.start.raw() <= bounds.last && (range.end() - 1).raw() >= bounds.first;
}

}  // namespace

std::string_view CommonOptions::chosen_format() const {
  if (json) return "json";
  if (pairs) return "pairs";
  if (raw) return "raw";
  return format;
}

std::vector<std::string> CommonOptions::column_names() const {
  std::vector<std::string> names;
  std::string_view rest = columns;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(','));
    if (!name.empty()) names.emplace_back(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return names;
}

void add_target_option(CLI::App& app, CommonOptions& options) {
  app.add_option("TARGET", options.target, "pfn:N, phys:ADDRESS, virt:ADDRESS, section:N, memoryN, node:N")
      ->type_name("")
      ->required();
}

void add_common_options(CLI::App& app, CommonOptions& options, const std::vector<std::string>& formats) {
  app.add_option("FILE", options.input.files,
                 "a dump, and what there is of its kernel: vmlinux, System.map, BTF")
      ->type_name("")
      ->check(not_empty);
  app.add_option("-c,--core", options.input.core, "the dump")->type_name("FILE")->check(not_empty);
  app.add_option("-s,--vmlinux", options.input.vmlinux, "the vmlinux of the dumped kernel")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--symbols", options.input.symbols, "a System.map or a saved /proc/kallsyms of the kernel")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--btf", options.input.btf, "types: a copy of the kernel's /sys/kernel/btf/vmlinux")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--types", options.types, "where types come from: auto, dwarf, btf or vmcoreinfo")
      ->type_name("FROM")
      ->check(CLI::IsMember({"auto", "dwarf", "btf", "vmcoreinfo"}));
  app.add_flag("--debuginfod", options.input.debuginfod,
               "fetch a vmlinux that is not at hand (DEBUGINFOD_URLS)");
  app.add_flag("--no-search", options.no_search, "do not look for a vmlinux when none is named");
  app.add_flag("--force", options.input.force, "go on though dump and vmlinux do not match");
  auto* format = app.add_option("--format", options.format, fmt::format("{}", fmt::join(formats, ", ")));
  format->type_name("FORMAT")->check(CLI::IsMember(formats));
  auto* json = app.add_flag("-J,--json", options.json, "same as --format json");
  auto* pairs = app.add_flag("-P,--pairs", options.pairs, "same as --format pairs (KEY=\"value\")");
  auto* raw = app.add_flag("-r,--raw", options.raw, "same as --format raw");
  json->excludes(pairs)->excludes(raw)->excludes(format);
  pairs->excludes(raw)->excludes(format);
  raw->excludes(format);
  app.add_flag("-n,--noheadings", options.no_headings, "no line of column names");
  app.add_option("-o,--output,--columns", options.columns,
                 "columns, comma separated; +COL adds to the default")
      ->type_name("LIST");
  app.add_flag("-b,--bytes", options.bytes, "sizes in bytes");
  app.add_option("--to", options.to, "write there, not to standard output")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--color", options.color, "auto, always or never (NO_COLOR is honoured)")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_option("--threads", options.threads, "how many, of what goes over all pages; 0: all CPUs")
      ->type_name("N")
      ->check(CLI::Range(0U, 1024U).description(""));
  app.add_flag("--no-cage", options.no_cage, "keep all privileges while the dump is decoded");
  app.add_flag("--verbose", options.verbose, "say what was decided on the way");
}

void add_watch_option(CLI::App& app, CommonOptions& options) {
  app.add_option("--watch", options.watch_seconds,
                 "of the running kernel: again every N seconds, and what changed")
      ->type_name("N")
      ->check(CLI::Range(1U, 86400U).description(""));
}

void add_selection_options(CLI::App& app, SelectionOptions& options) {
  app.add_option("--section", options.section, "only section N, or N to M")
      ->type_name("N[-M]")
      ->check(not_empty);
  add_node_option(app, options);
  app.add_option("--block", options.block, "only memory block N")->type_name("N|memoryN")->check(not_empty);
  app.add_option("--range", options.range, "only what meets these addresses (physical, inclusive)")
      ->type_name("PHYS-PHYS")
      ->check(not_empty);
}

void add_node_option(CLI::App& app, SelectionOptions& options) {
  app.add_option("--node", options.node, "only node N")->type_name("N")->check(not_empty);
}

Result<Selection> parse_selection(const SelectionOptions& options) {
  Selection selection;
  if (!options.section.empty()) {
    auto bounds = parse_bounds("--section", options.section, "N or N-M");
    if (!bounds) return std::move(bounds).error();
    selection.sections = *bounds;
  }
  if (!options.node.empty()) {
    selection.node = parse_unsigned(options.node);
    if (!selection.node) return bad_bounds("--node", options.node, "N");
  }
  if (!options.block.empty()) {
    const std::string_view text = options.block;
    const auto number = parse_unsigned(text.starts_with("memory") ? text.substr(6) : text);
    if (!number) return bad_bounds("--block", text, "N or memoryN");
    selection.blocks = Bounds{*number, *number};
  }
  if (!options.range.empty()) {
    constexpr std::string_view form = "0xSTART-0xEND";
    auto bounds = parse_bounds("--range", options.range, form);
    if (!bounds) return std::move(bounds).error();
    if (options.range.find('-') == std::string::npos) return bad_bounds("--range", options.range, form);
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
