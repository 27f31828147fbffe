#include "support/model_text_parts.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/text.h"

namespace memsect {
namespace {

constexpr std::array<std::pair<std::string_view, Errc>, 8> reasons{
    {{"excluded", Errc::excluded},
     {"not_in_dump", Errc::not_in_dump},
     {"truncated", Errc::truncated},
     {"not_mapped", Errc::not_mapped},
     {"corrupt", Errc::corrupt},
     {"in_flux", Errc::in_flux},
     {"unsupported", Errc::unsupported},
     {"not_applicable", Errc::not_applicable}}};
constexpr std::array<std::pair<std::string_view, MemoryModelKind>, 4> kinds{
    {{"vmemmap", MemoryModelKind::sparsemem_vmemmap},
     {"classic", MemoryModelKind::sparsemem_extreme},
     {"static", MemoryModelKind::sparsemem_static},
     {"flatmem", MemoryModelKind::flatmem}}};

Error complaint(std::string text) { return {Errc::usage, std::move(text), {}}; }

std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// Takes `value` as "!REASON" or by `read`, which gives nothing for what it cannot read.
template <class T, class Read>
Result<bool> take(std::string_view value, Result<T>& target, const Read& read) {
  if (value.starts_with('!')) {
    const auto error = reason_named(value.substr(1));
    if (!error) return complaint(fmt::format("'{}' is no reason", value));
    target = *error;
    return true;
  }
  auto taken = read(value);
  if (!taken) return complaint(fmt::format("'{}' cannot be read", value));
  target = std::move(*taken);
  return true;
}

/// A plain number, which has no reason.
Result<bool> take(std::string_view value, std::uint64_t& target) {
  const auto number = parse_unsigned(value);
  if (!number) return complaint(fmt::format("'{}' is no number", value));
  target = *number;
  return true;
}

std::optional<NodeId> node_id(std::string_view text) {
  const auto number = parse_unsigned(text);
  return number ? std::optional(NodeId{static_cast<int>(*number)}) : std::nullopt;
}

/// START+COUNT, in pages.
Result<bool> take_span(std::string_view value, Pfn& start, std::uint64_t& count) {
  const auto [from, size] = cut(value, '+');
  const auto first = parse_unsigned(from);
  const auto pages = parse_unsigned(size);
  if (!first || !pages) return complaint(fmt::format("'{}' is no span", value));
  start = Pfn(*first);
  count = *pages;
  return true;
}

std::optional<SubsectionMap> subsection_map(std::string_view text, std::uint64_t total) {
  SubsectionMap map;
  map.total = total;
  for (const std::string_view word : split(text, ',')) {
    const auto number = parse_unsigned(word);
    if (!number) return std::nullopt;
    map.words.push_back(*number);
  }
  if (map.words.size() != (total + 63) / 64) return std::nullopt;
  return map;
}

/// TYPE[!][?][xCOUNT],...
std::optional<std::vector<Pageblock>> pageblocks(std::string_view text) {
  std::vector<Pageblock> blocks;
  for (const std::string_view word : split(text, ',')) {
    auto [type, count_text] = cut(word, 'x');
    Pageblock block;
    for (; type.ends_with('?') || type.ends_with('!'); type.remove_suffix(1)) {
      (type.back() == '?' ? block.stray : block.isolated) = true;
    }
    const auto value = parse_unsigned(type);
    const auto count = count_text.empty() ? std::optional<std::uint64_t>(1) : parse_unsigned(count_text);
    if (!value || *value > 7 || !count || *count > 65536) return std::nullopt;
    block.migratetype = static_cast<std::uint8_t>(*value);
    blocks.insert(blocks.end(), *count, block);
  }
  return blocks;
}

/// NODE,NODE/ZONE,ZONE
std::optional<SectionZones> section_zones(std::string_view text) {
  SectionZones seen;
  const auto [nodes, zones] = cut(text, '/');
  for (const std::string_view node : split(nodes, ',')) {
    const auto id = node_id(node);
    if (!id) return std::nullopt;
    seen.nodes.push_back(*id);
  }
  for (const std::string_view zone : split(zones, ',')) seen.zones.emplace_back(zone);
  return seen;
}

std::optional<std::vector<std::uint64_t>> numbers(std::string_view text) {
  std::vector<std::uint64_t> all;
  for (const std::string_view word : split(text, ',')) {
    const auto number = parse_unsigned(word);
    if (!number) return std::nullopt;
    all.push_back(*number);
  }
  return all;
}

Result<bool> take_numbers_reason(std::string_view value, Result<void>& numbers) {
  const auto error = value.starts_with('!') ? reason_named(value.substr(1)) : std::nullopt;
  if (!error) return complaint(fmt::format("'{}' is no reason", value));
  numbers = *error;
  return true;
}

Result<bool> take_zone_word(std::string_view word, Zone& zone) {
  const auto [key, value] = cut(word, '=');
  if (key == "index") {
    std::uint64_t index = 0;
    auto done = take(value, index);
    zone.index = static_cast<unsigned>(index);
    return done;
  }
  if (key == "span") return take_span(value, zone.start_pfn, zone.spanned_pages);
  if (key == "present") return take(value, zone.present_pages);
  if (key == "managed") return take(value, zone.managed_pages);
  if (key == "isolated") return take(value, zone.isolated, parse_unsigned);
  if (key == "counts") return take(value, zone.pageblocks, numbers);
  if (key == "numbers") return take_numbers_reason(value, zone.numbers);
  if (key == "pgdat") {
    return take(value, zone.pgdat, [](std::string_view text) {
      const auto at = parse_unsigned(text);
      return at ? std::optional(VirtAddr(*at)) : std::nullopt;
    });
  }
  return complaint(fmt::format("unknown word '{}' of a zone", word));
}

Result<bool> take_zone(std::span<const std::string_view> words, MemoryModel& model) {
  const auto id = words.size() < 2 ? std::nullopt : node_id(words[0]);
  if (!id || model.nodes.empty() || model.nodes.back().id != *id)
    return complaint("a zone line is: zone N NAME WORDS, behind its node");
  Node& node = model.nodes.back();
  Zone zone;
  zone.index = static_cast<unsigned>(node.zones.size());
  zone.name = words[1];
  zone.pgdat = node.pgdat;
  for (const std::string_view word : words.subspan(2)) {
    if (auto done = take_zone_word(word, zone); !done) return done;
  }
  node.zones.push_back(std::move(zone));
  return true;
}

Result<bool> take_block_word(std::string_view word, MemoryBlock& block) {
  const auto [key, value] = cut(word, '=');
  if (key == "start") {
    std::uint64_t start = 0;
    auto done = take(value, start);
    block.start_section = SectionNr(start);
    return done;
  }
  if (key == "node") return take(value, block.node, node_id);
  if (key == "zone") {
    return take(value, block.zone, [](std::string_view text) {
      return std::optional(text == "-" ? std::string() : std::string(text));
    });
  }
  if (key == "altmap") return take(value, block.altmap_pages, parse_unsigned);
  if (!value.empty()) return complaint(fmt::format("unknown word '{}' of a block", word));
  block.state = word;
  return true;
}

Result<bool> take_block(std::span<const std::string_view> words, MemoryModel& model) {
  const auto id = parse_unsigned(words[0]);
  if (!id) return complaint(fmt::format("'{}' is no block", words[0]));
  if (!model.blocks) model.blocks = std::vector<MemoryBlock>();
  MemoryBlock block;
  block.id = *id;
  block.start_section = SectionNr(*id * model.geometry.sections_per_block);
  block.state = "online";
  for (const std::string_view word : words.subspan(1)) {
    if (auto done = take_block_word(word, block); !done) return done;
  }
  model.blocks->push_back(std::move(block));
  return true;
}

bool was_asked_for(const Error& error) { return error.code != Errc::not_applicable; }

/// " key=TEXT" or " key=!REASON"; nothing for what was not asked for.
template <class T, class Text>
std::string word_of(std::string_view key, const Result<T>& result, const Text& text) {
  if (result) return fmt::format(" {}={}", key, text(*result));
  if (!was_asked_for(result.error())) return {};
  return fmt::format(" {}=!{}", key, reason_text(result.error()));
}

std::string number_text(std::uint64_t number) { return fmt::format("{}", number); }
std::string node_text(NodeId id) { return fmt::format("{}", raw(id)); }

std::string map_text(const SubsectionMap& map) {
  std::string text;
  for (const std::uint64_t word : map.words) text += fmt::format("{}{:#x}", text.empty() ? "" : ",", word);
  return text;
}

std::string pageblocks_text(const std::vector<Pageblock>& blocks) {
  std::string text;
  for (const Pageblock& block : blocks) {
    text += fmt::format("{}{}{}{}", text.empty() ? "" : ",", unsigned{block.migratetype},
                        block.isolated ? "!" : "", block.stray ? "?" : "");
  }
  return text;
}

std::string zones_text(const SectionZones& seen) {
  std::string nodes, zones;
  for (const NodeId id : seen.nodes) nodes += fmt::format("{}{}", nodes.empty() ? "" : ",", raw(id));
  for (const std::string& zone : seen.zones) zones += (zones.empty() ? "" : ",") + zone;
  return nodes + "/" + zones;
}

std::string numbers_text(const std::vector<std::uint64_t>& all) {
  std::string text;
  for (const std::uint64_t number : all) text += fmt::format("{}{}", text.empty() ? "" : ",", number);
  return text;
}

}  // namespace

std::optional<Error> reason_named(std::string_view name) {
  for (const auto& [known, code] : reasons) {
    if (name == known) return Error{code, "so says the text", {}};
  }
  return std::nullopt;
}

std::string reason_text(const Error& error) {
  for (const auto& [name, code] : reasons) {
    if (code == error.code) return std::string(name);
  }
  return "corrupt";
}

Result<bool> take_geometry_word(std::string_view word, MemoryGeometry& geometry) {
  const auto [key, value] = cut(word, '=');
  if (key == "kind") {
    for (const auto& [name, kind] : kinds) {
      if (name != value) continue;
      geometry.kind = kind;
      return true;
    }
    return complaint(fmt::format("'{}' is no memory model", value));
  }
  const auto number = parse_unsigned(value);
  if (!number) return false;
  if (key == "subsection_map")
    geometry.has_subsection_map = *number != 0;
  else if (key == "zeroed_usemaps")
    geometry.zeroed_usemaps = *number != 0;
  else if (key == "pageblock_order")
    geometry.pageblock_order = static_cast<unsigned>(*number);
  else if (key == "pageblock_bits")
    geometry.pageblock_bits = static_cast<unsigned>(*number);
  else
    return false;
  return true;
}

Result<bool> take_section_word(std::string_view word, const MemoryGeometry& geometry, Section& section) {
  const auto [key, value] = cut(word, '=');
  if (key == "coded") return take(value, section.coded_mem_map);
  if (key == "stray") return take(value, section.stray_bits);
  if (key == "types") return take(value, section.pageblocks, pageblocks);
  if (key == "seen") return take(value, section.zones, section_zones);
  if (key == "subsect") {
    const std::uint64_t total = geometry.subsections_per_section();
    return take(value, section.subsections,
                [total](std::string_view text) { return subsection_map(text, total); });
  }
  return false;
}

Result<bool> take_node_word(std::string_view word, Node& node) {
  if (word == "online" || word == "offline") {
    node.online = word == "online";
    return true;
  }
  const auto [key, value] = cut(word, '=');
  if (key == "id") return take(value, node.stated_id, node_id);
  if (key == "span") return take_span(value, node.start_pfn, node.spanned_pages);
  if (key == "present") return take(value, node.present_pages);
  if (key == "numbers") return take_numbers_reason(value, node.numbers);
  return complaint(fmt::format("unknown word '{}' of a node", word));
}

Result<bool> take_line(std::string_view keyword, std::span<const std::string_view> words,
                       MemoryModel& model) {
  if (keyword == "zone") return take_zone(words, model);
  if (keyword == "block") return take_block(words, model);
  if (keyword == "blocks" && words.size() == 1) {
    return take(words[0], model.blocks, [](std::string_view text) {
      return text == "none" ? std::optional(std::vector<MemoryBlock>()) : std::nullopt;
    });
  }
  if (keyword != "migratetypes") return false;
  model.migratetypes.assign(words.begin(), words.end());
  return true;
}

std::string geometry_words(const MemoryGeometry& geometry) {
  std::string text;
  for (const auto& [name, kind] : kinds) {
    if (kind == geometry.kind && kind != MemoryModelKind::sparsemem_vmemmap)
      text += fmt::format(" kind={}", name);
  }
  if (geometry.has_subsection_map) text += " subsection_map=1";
  if (!geometry.zeroed_usemaps) text += " zeroed_usemaps=0";
  if (geometry.pageblock_order != 0) text += fmt::format(" pageblock_order={}", geometry.pageblock_order);
  if (geometry.pageblock_bits != 0) text += fmt::format(" pageblock_bits={}", geometry.pageblock_bits);
  return text;
}

std::string section_words(const MemoryModel& model, const Section& section) {
  std::string text;
  if (section.coded_mem_map != model.vmemmap.value_or(VirtAddr()).raw())
    text += fmt::format(" coded={:#x}", section.coded_mem_map);
  if (section.stray_bits != 0) text += fmt::format(" stray={:#x}", section.stray_bits);
  return text + word_of("subsect", section.subsections, map_text) +
         word_of("types", section.pageblocks, pageblocks_text) + word_of("seen", section.zones, zones_text);
}

std::string node_words(const Node& node) {
  std::string text;
  if (node.online) text += *node.online ? " online" : " offline";
  if (!node.stated_id || *node.stated_id != node.id) text += word_of("id", node.stated_id, node_text);
  if (node.spanned_pages != 0)
    text += fmt::format(" span={:#x}+{}", node.start_pfn.raw(), node.spanned_pages);
  if (node.present_pages != 0) text += fmt::format(" present={}", node.present_pages);
  if (!node.numbers) text += " numbers=!" + reason_text(node.numbers.error());
  return text;
}

std::string zone_lines(const Node& node) {
  std::string text;
  for (const Zone& zone : node.zones) {
    text += fmt::format("zone {} {} index={} span={:#x}+{} present={} managed={}", raw(node.id), zone.name,
                        zone.index, zone.start_pfn.raw(), zone.spanned_pages, zone.present_pages,
                        zone.managed_pages);
    if (!zone.pgdat || *zone.pgdat != node.pgdat)
      text += word_of("pgdat", zone.pgdat, [](VirtAddr at) { return hex(at.raw()); });
    text +=
        word_of("isolated", zone.isolated, number_text) + word_of("counts", zone.pageblocks, numbers_text);
    if (!zone.numbers) text += " numbers=!" + reason_text(zone.numbers.error());
    text += "\n";
  }
  return text;
}

std::string block_lines(const MemoryModel& model) {
  if (!model.blocks)
    return was_asked_for(model.blocks.error())
               ? fmt::format("blocks !{}\n", reason_text(model.blocks.error()))
               : "";
  if (model.blocks->empty()) return "blocks none\n";
  std::string text;
  for (const MemoryBlock& block : *model.blocks) {
    text += fmt::format("block {} {} start={}", block.id, block.state, block.start_section.raw());
    text += word_of("node", block.node, node_text) + word_of("altmap", block.altmap_pages, number_text) +
            word_of("zone", block.zone, [](const std::string& zone) { return zone.empty() ? "-" : zone; }) +
            "\n";
  }
  return text;
}

std::string migratetype_line(const MemoryModel& model) {
  if (model.migratetypes.empty()) return {};
  std::string text = "migratetypes";
  for (const std::string& name : model.migratetypes) text += " " + name;
  return text + "\n";
}

}  // namespace memsect
