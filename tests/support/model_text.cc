#include "support/model_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/text.h"
#include "support/model_text_parts.h"

namespace memsect {
namespace {

constexpr std::uint64_t direct_map = 0xffff888000000000;
constexpr std::uint64_t default_vmemmap = 0xfffffa1dc0000000;
constexpr std::uint64_t default_pgdat_size =
    171968;  // of a 5.10 distribution kernel: crosses pages, not 4K aligned

constexpr std::array<std::pair<std::string_view, Allocation>, 5> allocations{
    {{"boot", Allocation::boot},
     {"slab", Allocation::slab},
     {"buddy", Allocation::buddy},
     {"altmap", Allocation::altmap},
     {"unknown", Allocation::unknown}}};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// "4K", "128M", "0x1000".
std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view units = "KMGT";
  unsigned shift = 0;
  if (!text.empty()) {
    if (const std::size_t unit = units.find(text.back()); unit != std::string_view::npos) {
      shift = 10 * static_cast<unsigned>(unit + 1);
      text.remove_suffix(1);
    }
  }
  const auto number = parse_unsigned(text);
  if (!number) return std::nullopt;
  return *number << shift;
}

/// Text before and behind a separator; nothing behind if there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

/// Where an object of the notation lies, and what the notation says of it.
struct Placed {
  std::vector<PhysRange> stretches;
  std::optional<Allocation> allocation;
  std::optional<VirtAddr> address;
};

/// Reads the notation line by line. The first complaint ends it.
class ModelParser {
 public:
  Result<MemoryModel> run(std::string_view text) {
    model_.geometry.nr_section_roots = 0;
    model_.geometry.sections_per_root = 256;
    model_.geometry.usage_size = 56;
    model_.vmemmap = VirtAddr(default_vmemmap);
    std::size_t number = 0;
    while (!text.empty()) {
      ++number;
      const auto [line, rest] = cut(text, '\n');
      text = rest;
      const auto words = split(line.substr(0, line.find('#')), ' ');
      if (!words.empty() && !read_line(words))
        return Error{Errc::usage, fmt::format("line {}: {}", number, complaint_), {}};
    }
    const MemoryGeometry& geometry = model_.geometry;
    model_.geometry.nr_section_roots =
        (geometry.nr_mem_sections() + geometry.sections_per_root - 1) / geometry.sections_per_root;
    return std::move(model_);
  }

 private:
  bool complain(std::string text) {
    complaint_ = std::move(text);
    return false;
  }

  bool read_line(const std::vector<std::string_view>& words) {
    const std::string_view keyword = words[0];
    const std::span<const std::string_view> rest = std::span(words).subspan(1);
    if (keyword == "incomplete" && rest.empty()) return model_.incomplete = true;
    if (keyword == "filtered") return read_filtered(rest);
    if (keyword == "geometry") return read_geometry(rest);
    if (keyword == "root_table" && rest.size() == 1) return read_root_table(rest[0]);
    if (rest.empty()) return complain(fmt::format("'{}' alone says nothing", keyword));
    if (keyword == "kernel") return (model_.release = rest[0], true);
    if (keyword == "root" && rest.size() == 2) return read_root(rest[0], rest[1]);
    if (keyword == "node" && rest.size() >= 2) return read_node(rest[0], rest[1], rest.subspan(2));
    if (keyword == "section") return read_sections(rest[0], rest.subspan(1));
    if (keyword == "tail" && rest.size() == 2) return read_tail(rest[0], rest[1]);
    if (keyword == "memory_block" && rest.size() == 2) return read_block(rest[0], rest[1]);
    if (keyword == "device" && rest.size() == 2) return read_device(rest[0], rest[1]);
    if (keyword == "table" && rest.size() >= 3) return read_table(rest);
    return taken_or(take_line(keyword, rest, model_),
                    [&] { return complain(fmt::format("unknown line '{}'", keyword)); });
  }

  /// filtered slab:CACHE=N page_table=N reserved=N not_told=N
  bool read_filtered(std::span<const std::string_view> words) {
    FilteredPages& lost = model_.filtered;
    for (const std::string_view word : words) {
      const auto [name, text] = cut(word, '=');
      const auto pages = parse_unsigned(text);
      if (!pages) return complain(fmt::format("'{}' is no number of pages", word));
      if (name.starts_with("slab:")) lost.slab += lost.caches[std::string(name.substr(5))] = *pages;
      if (name == "page_table") lost.page_tables = *pages;
      if (name == "reserved") lost.reserved = *pages;
      if (name == "not_told") lost.not_told = *pages;
    }
    return true;
  }

  bool read_geometry(std::span<const std::string_view> words) {
    MemoryGeometry& geometry = model_.geometry;
    const auto log2 = [](std::uint64_t size) {
      unsigned bits = 0;
      while (bits < 63 && (std::uint64_t{1} << bits) < size) ++bits;
      return bits;
    };
    for (const std::string_view word : words) {
      const auto taken = take_geometry_word(word, geometry);
      if (!taken) return complain(taken.error().message);
      if (*taken) continue;
      const auto [key, value] = cut(word, '=');
      const auto size = parse_size(value);
      if (!size) return complain(fmt::format("'{}' has no size", word));
      if (key == "page")
        geometry.page_shift = log2(*size);
      else if (key == "section")
        geometry.section_size_bits = log2(*size);
      else if (key == "physmem_bits")
        geometry.max_physmem_bits = static_cast<unsigned>(*size);
      else if (key == "per_root")
        geometry.sections_per_root = *size;
      else if (key == "struct_page")
        geometry.struct_page_size = *size;
      else if (key == "usage")
        geometry.usage_size = *size;
      else if (key == "per_block")
        geometry.sections_per_block = *size;
      else if (key == "vmemmap")
        model_.vmemmap = VirtAddr(*size);
      else
        return complain(fmt::format("unknown number '{}'", key));
    }
    return true;
  }

  /// One stretch of a place: WHERE[+SIZE].
  bool read_stretch(std::string_view text, SectionNr self, std::uint64_t whole_size, std::uint64_t alignment,
                    Placed& placed) {
    const auto [where, size_text] = cut(text, '+');
    const auto size = size_text.empty() ? std::optional(whole_size) : parse_size(size_text);
    if (!size) return complain(fmt::format("'{}' has no size", text));
    std::optional<std::uint64_t> section;
    if (where == "self") section = self.raw();
    if (where.starts_with("section:")) section = parse_unsigned(where.substr(8));
    if (section) {
      std::uint64_t& next =
          next_free_.try_emplace(*section, *section << model_.geometry.section_size_bits).first->second;
      next = (next + alignment - 1) / alignment * alignment;
      placed.stretches.push_back({PhysAddr(next), *size});
      next += *size;
      return true;
    }
    const auto phys = where.starts_with("0x") ? parse_unsigned(where) : std::nullopt;
    if (!phys) return complain(fmt::format("'{}' is no place", where));
    placed.stretches.push_back({PhysAddr(*phys), *size});
    return true;
  }

  /// STRETCH,STRETCH/ALLOCATION^VIRT.
  bool read_place(std::string_view text, SectionNr self, std::uint64_t whole_size, std::uint64_t alignment,
                  Placed& placed) {
    const auto [place, virt] = cut(text, '^');
    const auto [stretches, allocation] = cut(place, '/');
    if (!virt.empty()) {
      const auto address = parse_unsigned(virt);
      if (!address) return complain(fmt::format("'{}' is no address", virt));
      placed.address = VirtAddr(*address);
    }
    if (!allocation.empty()) {
      for (const auto& [name, known] : allocations) {
        if (name == allocation) placed.allocation = known;
      }
      if (!placed.allocation) return complain(fmt::format("'{}' is no allocator", allocation));
    }
    for (const std::string_view stretch : split(stretches, ',')) {
      if (!read_stretch(stretch, self, whole_size, alignment, placed)) return false;
    }
    return !placed.stretches.empty() || complain("an object without a place");
  }

  bool read_reason(std::string_view text, Error& error) {
    auto reason = reason_named(text);
    if (!reason) return complain(fmt::format("'{}' is no reason", text));
    error = std::move(*reason);
    return true;
  }

  /// Whether the other file's reader took it; `read` where that is none of its words.
  template <class Read>
  bool taken_or(const Result<bool>& taken, const Read& read) {
    if (!taken) return complain(taken.error().message);
    return *taken || read();
  }

  /// An object in the direct map: "NAME@PLACE" or "NAME=!REASON", the name already taken off.
  bool read_object(std::string_view text, SectionNr self, std::uint64_t size, std::uint64_t alignment,
                   Allocation allocation, Result<Placement>& object) {
    if (text.starts_with("=!")) {
      Error error;
      if (!read_reason(text.substr(2), error)) return false;
      object = std::move(error);
      return true;
    }
    if (!text.starts_with('@')) return complain(fmt::format("'{}' is neither @PLACE nor =!REASON", text));
    Placed placed;
    if (!read_place(text.substr(1), self, size, alignment, placed)) return false;
    Placement placement;
    placement.phys = std::move(placed.stretches);
    for (const PhysRange& range : placement.phys) placement.bytes += range.size;
    placement.address = placed.address.value_or(VirtAddr(direct_map + placement.first_phys().raw()));
    placement.allocation = placed.allocation.value_or(allocation);
    object = std::move(placement);
    return true;
  }

  bool read_root_table(std::string_view place) {
    const std::uint64_t roots = model_.geometry.nr_mem_sections() / model_.geometry.sections_per_root;
    if (!read_object(place, {}, roots * 8, 64, Allocation::boot, model_.root_table)) return false;
    if (model_.root_table) model_.root_table_address = model_.root_table->address;
    return true;
  }

  bool read_root(std::string_view index, std::string_view place) {
    const auto number = parse_unsigned(index);
    Result<Placement> placement = Error{};
    if (!number) return complain(fmt::format("'{}' is no root", index));
    if (!read_object(place, {}, model_.geometry.page_size(), 64, Allocation::boot, placement)) return false;
    model_.roots.push_back({*number, placement ? std::move(*placement) : Placement{}});
    return true;
  }

  bool read_node(std::string_view id, std::string_view pgdat, std::span<const std::string_view> words) {
    const auto number = parse_unsigned(id);
    if (!number || !pgdat.starts_with("pgdat")) return complain("a node line is: node N pgdat@PLACE");
    Node node;
    node.id = static_cast<NodeId>(*number);
    if (!read_object(pgdat.substr(5), {}, default_pgdat_size, 4096, Allocation::boot, node.placement))
      return false;
    if (node.placement) node.pgdat = node.placement->address;
    node.stated_id = node.id;
    for (const std::string_view word : words) {
      if (auto taken = take_node_word(word, node); !taken) return complain(std::move(taken).error().message);
    }
    model_.nodes.push_back(std::move(node));
    return true;
  }

  bool read_tail(std::string_view id, std::string_view place) {
    const auto number = parse_unsigned(id);
    const auto node = std::find_if(model_.nodes.begin(), model_.nodes.end(), [&](const Node& one) {
      return number && raw(one.id) == static_cast<int>(*number);
    });
    Result<Placement> page = Error{};
    if (node == model_.nodes.end()) return complain("a tail goes behind its node");
    if (!read_object(place, {}, model_.geometry.page_size(), model_.geometry.page_size(), Allocation::buddy,
                     page))
      return false;
    if (!page) return complain("a tail is somewhere");
    if (node->zones.empty()) node->zones.emplace_back().name = "Normal";
    auto& tails = node->zones.front().vmemmap_tails;
    if (!tails) tails = std::vector<SharedPage>();
    tails->push_back({page->first_phys(), page->allocation});
    return true;
  }

  bool read_block(std::string_view id, std::string_view place) {
    const auto number = parse_unsigned(id);
    if (!number) return complain(fmt::format("'{}' is no memory block", id));
    if (!model_.blocks) model_.blocks = std::vector<MemoryBlock>();
    const auto same = [&](const MemoryBlock& block) { return block.id == *number; };
    auto block = std::find_if(model_.blocks->begin(), model_.blocks->end(), same);
    if (block == model_.blocks->end()) {
      block = model_.blocks->insert(block, MemoryBlock());
      block->id = *number;
      block->start_section =
          SectionNr(*number * std::max<std::uint64_t>(model_.geometry.sections_per_block, 1));
      block->state = "online";
    }
    if (!read_object(place, {}, 808, 64, Allocation::slab, block->placement)) return false;
    if (block->placement) block->address = block->placement->address;
    return true;
  }

  /// "3" or "3-7".
  bool read_span(std::string_view text, SectionNr& first, SectionNr& last) {
    const auto [first_text, last_text] = cut(text, '-');
    const auto low = parse_unsigned(first_text);
    const auto high = last_text.empty() ? low : parse_unsigned(last_text);
    if (!low || !high || *high < *low) return complain(fmt::format("'{}' are no sections", text));
    first = SectionNr(*low);
    last = SectionNr(*high);
    return true;
  }

  bool read_device(std::string_view numbers, std::string_view place) {
    SectionNr first, last;
    Result<Placement> map = Error{};
    if (!read_span(numbers, first, last) || !read_object(place, {}, 152, 8, Allocation::slab, map))
      return false;
    if (!map) return complain("a dev_pagemap is somewhere");
    const std::uint64_t size = model_.geometry.section_size();
    DeviceMap device;
    device.placement = std::move(*map);
    device.ranges = {{PhysAddr(first.raw() * size), (last - first + 1) * size}};
    if (!model_.device_maps) model_.device_maps = std::vector<DeviceMap>();
    model_.device_maps->push_back(std::move(device));
    return true;
  }

  /// table vmemmap:DEPTH SECTIONS @PLACE [kept]
  bool read_table(std::span<const std::string_view> words) {
    const auto [maps, depth] = cut(words[0], ':');
    const auto number = parse_unsigned(depth);
    const bool kept = words.size() == 4 && words[3] == "kept";
    if ((maps != "vmemmap" && maps != "direct_map") || !number || (words.size() > 3 && !kept))
      return complain(fmt::format("'{}' is no page table", words[0]));
    TableRun run;
    run.maps = maps == "vmemmap" ? TableRun::Maps::vmemmap : TableRun::Maps::direct_map;
    run.depth = static_cast<unsigned>(*number);
    run.permanent = kept;
    Result<Placement> place = Error{};
    if (!read_span(words[1], run.first, run.last) ||
        !read_object(words[2], {}, model_.geometry.page_size(), model_.geometry.page_size(),
                     Allocation::buddy, place))
      return false;
    if (!place || place->phys.size() != 1) return complain("a page table is somewhere");
    run.phys = place->phys.front();
    run.address = place->address;
    run.allocation = place->allocation;
    if (!model_.page_tables) model_.page_tables = std::vector<TableRun>();
    model_.page_tables->push_back(run);
    return true;
  }

  bool read_sections(std::string_view numbers, std::span<const std::string_view> words) {
    const auto [first_text, last_text] = cut(numbers, '-');
    const auto first = parse_unsigned(first_text);
    const auto last = last_text.empty() ? first : parse_unsigned(last_text);
    if (!first || !last || *last < *first) return complain(fmt::format("'{}' are no sections", numbers));
    if (*last >= model_.geometry.nr_mem_sections()) return complain("sections beyond physmem_bits");
    if (!model_.sections.empty() && model_.sections.back().nr.raw() >= *first)
      return complain("sections not ascending");
    for (std::uint64_t nr = *first; nr <= *last; ++nr) {
      if (!read_section(SectionNr(nr), words)) return false;
    }
    return true;
  }

  bool read_section(SectionNr nr, std::span<const std::string_view> words) {
    Section section;
    section.nr = nr;
    section.flags.present = section.flags.has_mem_map = true;
    for (const std::string_view word : words) {
      if (word == "online")
        section.flags.online = true;
      else if (word == "early")
        section.flags.early = true;
      else if (word == "device")
        section.flags.taint_zone_device = true;
      else if (word == "preinit")
        section.flags.vmemmap_preinit = true;
      else if (word == "no_map")
        section.flags.has_mem_map = false;
      else if (!read_part(word, section))
        return false;
    }
    if (section.coded_mem_map == 0) section.coded_mem_map = model_.vmemmap->raw();
    section.mem_map = VirtAddr(section.coded_mem_map) + nr.raw() * memmap_size();
    section.section_mem_map = section.coded_mem_map | section.stray_bits | 1U |
                              (section.flags.has_mem_map ? 2U : 0U) | (section.flags.online ? 4U : 0U) |
                              (section.flags.early ? 8U : 0U);
    if (section.memmap && section.memmap->address == VirtAddr()) section.memmap->address = section.mem_map;
    model_.sections.push_back(std::move(section));
    return true;
  }

  bool read_part(std::string_view word, Section& section) {
    const Allocation allocation = section.flags.early ? Allocation::boot : Allocation::slab;
    if (word.starts_with("usage")) {
      return read_object(word.substr(5), section.nr, model_.geometry.usage_size, 8, allocation,
                         section.usage);
    }
    if (word.starts_with("memmap")) return read_memmap(word.substr(6), section);
    const std::uint64_t pages = model_.geometry.pages_per_section();
    if (word.starts_with("page_ext"))  // of page_owner, say: 72 bytes a page
      return read_object(word.substr(8), section.nr, pages * 72, 4096, Allocation::buddy, section.page_ext);
    if (word.starts_with("shadow")) {
      return read_object(word.substr(6), section.nr, model_.geometry.section_size() / 8, 4096, allocation,
                         section.kasan_shadow);
    }
    return taken_or(take_section_word(word, model_.geometry, section),
                    [&] { return read_number(word, section); });
  }

  bool read_number(std::string_view word, Section& section) {
    const auto [key, value] = cut(word, '=');
    if (key == "node" && value.starts_with('!')) {
      Error error;
      if (!read_reason(value.substr(1), error)) return false;
      section.node = std::move(error);
      return true;
    }
    const auto number = parse_size(value);
    if (!number || (key != "node" && key != "hosted"))
      return complain(fmt::format("unknown part '{}'", word));
    if (key == "node") section.node = static_cast<NodeId>(*number);
    if (key == "hosted" && !section.memmap) return complain("hosted= goes behind memmap@");
    if (key == "hosted") section.memmap->self_hosted = *number;
    return true;
  }

  bool read_memmap(std::string_view text, Section& section) {
    Result<Placement> placed = Error{};
    const Allocation allocation = section.flags.early ? Allocation::boot : Allocation::buddy;
    if (!read_object(text, section.nr, memmap_size(), 4096, allocation, placed)) return false;
    if (!placed) {
      section.memmap = placed.error();
      return true;
    }
    Memmap memmap;
    memmap.bytes = memmap_size();
    memmap.backing = std::move(placed->phys);
    memmap.allocation = placed->allocation;
    if (text.find('^') != std::string_view::npos) memmap.address = placed->address;
    section.memmap = std::move(memmap);
    return true;
  }

  std::uint64_t memmap_size() const {
    return model_.geometry.pages_per_section() * model_.geometry.struct_page_size;
  }

  MemoryModel model_;
  std::map<std::uint64_t, std::uint64_t> next_free_;  ///< by section: physical address behind its last object
  std::string complaint_;
};

std::string_view allocation_word(Allocation allocation) {
  for (const auto& [name, known] : allocations) {
    if (known == allocation) return name;
  }
  return "unknown";
}

std::string place_text(std::span<const PhysRange> stretches, Allocation allocation, VirtAddr address) {
  std::string text = "@";
  for (const PhysRange& range : stretches) {
    text += fmt::format("{}{:#x}+{}", text.size() > 1 ? "," : "", range.start.raw(), range.size);
  }
  return text + fmt::format("/{}^{:#x}", allocation_word(allocation), address.raw());
}

std::string object_text(const Result<Placement>& object) {
  if (!object) return "=!" + reason_text(object.error());
  return place_text(object->phys, object->allocation, object->address);
}

bool asked_for(const Error& error) { return error.code != Errc::not_applicable; }

std::string section_text(const MemoryModel& model, const Section& section) {
  std::string line = fmt::format("section {}", section.nr.raw());
  const SectionFlags& flags = section.flags;
  const std::array<std::pair<bool, std::string_view>, 5> words{{{!flags.has_mem_map, "no_map"},
                                                                {flags.online, "online"},
                                                                {flags.early, "early"},
                                                                {flags.taint_zone_device, "device"},
                                                                {flags.vmemmap_preinit, "preinit"}}};
  for (const auto& [set, word] : words) {
    if (set) line += fmt::format(" {}", word);
  }
  if (section.node)
    line += fmt::format(" node={}", raw(*section.node));
  else if (asked_for(section.node.error()))
    line += " node=!" + reason_text(section.node.error());
  if (section.usage || asked_for(section.usage.error())) line += " usage" + object_text(section.usage);
  if (section.memmap) {
    const Memmap& memmap = *section.memmap;
    line += " memmap" + place_text(memmap.backing, memmap.allocation, memmap.address);
    if (memmap.self_hosted != 0) line += fmt::format(" hosted={}", memmap.self_hosted);
  } else if (asked_for(section.memmap.error())) {
    line += " memmap=!" + reason_text(section.memmap.error());
  }
  if (section.page_ext || asked_for(section.page_ext.error()))
    line += " page_ext" + object_text(section.page_ext);
  if (section.kasan_shadow || asked_for(section.kasan_shadow.error()))
    line += " shadow" + object_text(section.kasan_shadow);
  return line + section_words(model, section) + "\n";
}

std::string tails_text(const Node& node) {
  std::string text;
  for (const Zone& zone : node.zones) {
    if (!zone.vmemmap_tails) continue;
    for (const SharedPage& tail : *zone.vmemmap_tails)
      text +=
          fmt::format("tail {} @{:#x}/{}\n", raw(node.id), tail.phys.raw(), allocation_word(tail.allocation));
  }
  return text;
}

std::string metadata_text(const MemoryModel& model) {
  std::string text;
  if (model.blocks) {
    for (const MemoryBlock& block : *model.blocks) {
      if (block.placement || asked_for(block.placement.error()))
        text += fmt::format("memory_block {} {}\n", block.id, object_text(block.placement));
    }
  }
  if (model.page_tables) {
    for (const TableRun& run : *model.page_tables) {
      text += fmt::format(
          "table {}:{} {}-{} {}{}\n", run.maps == TableRun::Maps::vmemmap ? "vmemmap" : "direct_map",
          run.depth, run.first.raw(), run.last.raw(),
          place_text(std::span(&run.phys, 1), run.allocation, run.address.value_or(VirtAddr())),
          run.permanent ? " kept" : "");
    }
  }
  if (model.device_maps) {
    for (const DeviceMap& device : *model.device_maps) {
      const Placement& at = device.placement;
      text += fmt::format("device {}-{} {}\n",
                          model.geometry.phys_to_section_nr(device.ranges.front().start).raw(),
                          model.geometry.phys_to_section_nr(device.ranges.front().end() - 1).raw(),
                          place_text(at.phys, at.allocation, at.address));
    }
  }
  return text;
}

}  // namespace

Result<MemoryModel> parse_model(std::string_view text) { return ModelParser().run(text); }

namespace {

std::string filtered_text(const FilteredPages& lost) {
  std::string text;
  for (const auto& [cache, pages] : lost.caches) text += fmt::format(" slab:{}={}", cache, pages);
  for (const auto& [name, pages] :
       {std::pair("page_table", lost.page_tables), std::pair("reserved", lost.reserved),
        std::pair("not_told", lost.not_told)}) {
    if (pages > 0) text += fmt::format(" {}={}", name, pages);
  }
  return text.empty() ? "" : "filtered" + text + "\n";
}

}  // namespace

std::string print_model(const MemoryModel& model) {
  const MemoryGeometry& geometry = model.geometry;
  std::string text;
  if (!model.release.empty()) text += fmt::format("kernel {}\n", model.release);
  text += fmt::format(
      "geometry page={} section={} physmem_bits={} per_root={} struct_page={} usage={} per_block={} "
      "vmemmap={:#x}{}\n",
      geometry.page_size(), geometry.section_size(), geometry.max_physmem_bits, geometry.sections_per_root,
      geometry.struct_page_size, geometry.usage_size, geometry.sections_per_block,
      model.vmemmap.value_or(VirtAddr()).raw(), geometry_words(geometry));
  text += migratetype_line(model);
  if (model.root_table || asked_for(model.root_table.error())) {
    text += fmt::format("root_table {}\n", object_text(model.root_table));
  }
  for (const SectionRoot& root : model.roots) {
    const Placement& at = root.placement;
    text += fmt::format("root {} {}\n", root.index,
                        at.phys.empty() ? "=!corrupt" : place_text(at.phys, at.allocation, at.address));
  }
  for (const Section& section : model.sections) text += section_text(model, section);
  for (const Node& node : model.nodes) {
    text += fmt::format("node {} pgdat{}{}\n", raw(node.id), object_text(node.placement), node_words(node));
    text += zone_lines(node) + tails_text(node);
  }
  text += block_lines(model) + metadata_text(model);
  if (model.incomplete) text += "incomplete\n";
  text += filtered_text(model.filtered);
  return text;
}

}  // namespace memsect
