#include "answer/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "answer/bounds.h"
#include "base/text.h"

namespace memsect {
namespace {

struct Form {
  std::string_view prefix;
  Target::Kind kind;
};
constexpr std::array<Form, 7> forms{{{"memory", Target::Kind::block},
                                     {"section:", Target::Kind::section},
                                     {"node:", Target::Kind::node},
                                     {"pfn:", Target::Kind::pfn},
                                     {"phys:", Target::Kind::phys},
                                     {"virt:", Target::Kind::virt},
                                     {"range:", Target::Kind::range}}};

constexpr const char* forms_hint =
    "a target is memory35, memory32-35, section:35, node:1, pfn:0x100000, phys:0x100000000, "
    "virt:0xffff888000000000 or range:4G-5G, and comes before the files";

Error no_target(std::string_view text, std::string_view why) {
  return {Errc::usage, fmt::format("{}: {}", text, why), forms_hint};
}

/// 0xffff...: no physical address, pfn or section number is that large.
bool is_kernel_address(std::string_view text) {
  constexpr std::uint64_t lowest = std::uint64_t{0xffff} << 48;
  const auto number = parse_unsigned(text);
  return text.starts_with("0x") && number && *number >= lowest;
}

/// What stands after the prefix of a target. Pages, nodes and addresses are one; blocks, sections and ranges several.
std::optional<Bounds> parse_numbers(Target::Kind kind, std::string_view text) {
  using Kind = Target::Kind;
  if (kind == Kind::range) return parse_address_range(text);
  if (kind == Kind::block || kind == Kind::section) return parse_bounds(text);
  if (kind == Kind::phys) {
    const auto at = parse_size(text);
    return at ? std::optional(Bounds{at->bytes, at->bytes}) : std::nullopt;
  }
  const auto number = parse_unsigned(text);
  return number ? std::optional(Bounds{*number, *number}) : std::nullopt;
}

Error too_large(const Target& target) {
  return no_target(target.text, "the number is larger than any physical address");
}

Result<PhysRange> range_of_pages(const MemoryGeometry& geometry, const Target& target, Pfn first,
                                 std::uint64_t pages) {
  if (first.raw() > ~std::uint64_t{0} >> geometry.page_shift) return too_large(target);
  return PhysRange{geometry.pfn_to_phys(first), pages << geometry.page_shift};
}

Result<PhysRange> range_of_sections(const MemoryGeometry& geometry, const Target& target, std::uint64_t first,
                                    std::uint64_t count) {
  const std::uint64_t sections = (~std::uint64_t{0} >> geometry.section_size_bits) + 1;
  if (first >= sections || count > sections - first) return too_large(target);
  return PhysRange{geometry.section_range(SectionNr(first)).start, count * geometry.section_size()};
}

/// What there is of a kind, for whoever asked for another one: "its nodes are 0-3".
std::string what_there_is(std::string_view kind, const std::vector<std::uint64_t>& numbers) {
  if (numbers.empty()) return fmt::format("it has no {}s", kind);
  return fmt::format("its {} {}",
                     numbers.size() == 1 ? fmt::format("only {} is", kind) : fmt::format("{}s are", kind),
                     ranges(numbers));
}

Result<PhysRange> range_of_node(const MemoryModel& model, const Target& target) {
  for (const Node& node : model.nodes) {
    if (raw(node.id) < 0 || static_cast<std::uint64_t>(raw(node.id)) != target.first) continue;
    if (!node.numbers) return node.numbers.error();
    if (node.spanned_pages == 0) return no_target(target.text, "this node has no memory");
    return range_of_pages(model.geometry, target, node.start_pfn, node.spanned_pages);
  }
  std::vector<std::uint64_t> there;
  for (const Node& node : model.nodes) {
    if (raw(node.id) >= 0) there.push_back(static_cast<std::uint64_t>(raw(node.id)));
  }
  return Error{Errc::usage, target.text + ": this kernel has no such node", what_there_is("node", there)};
}

Result<PhysRange> range_of_block(const MemoryModel& model, const Target& target) {
  const std::uint64_t per_block = model.geometry.sections_per_block;
  if (model.geometry.kind == MemoryModelKind::flatmem)
    return Error{
        Errc::usage, target.text + ": this kernel has no memory blocks, and no sections (FLATMEM)", {}};
  if (model.hot_plug == HotPlug::none) {
    return Error{Errc::usage,
                 target.text + ": this kernel has no memory blocks: it was built without memory hot-plug",
                 "ask for a section: section:N"};
  }
  if (per_block == 0)
    return Error{Errc::unsupported, target.text + ": the size of memory blocks is not known",
                 "try section:N"};
  if (target.last >= ~std::uint64_t{0} / per_block) return too_large(target);
  const bool is_listed = model.blocks && !model.incomplete;
  const auto is_there = [&](const MemoryBlock& block) {
    return target.first <= block.id && block.id <= target.last;
  };
  if (is_listed && std::none_of(model.blocks->begin(), model.blocks->end(), is_there)) {
    std::vector<std::uint64_t> there;
    for (const MemoryBlock& block : *model.blocks) there.push_back(block.id);
    return Error{Errc::usage, target.text + ": this kernel has no such memory block",
                 what_there_is("block", there)};
  }
  return range_of_sections(model.geometry, target, target.first * per_block,
                           (target.last - target.first + 1) * per_block);
}

}  // namespace

std::string_view target_kind_name(Target::Kind kind) {
  if (kind == Target::Kind::block) return "block";
  for (const Form& form : forms) {
    if (form.kind == kind) return form.prefix.substr(0, form.prefix.size() - 1);
  }
  return "";
}

bool looks_like_target(std::string_view text) {
  if (is_kernel_address(text)) return true;
  return std::any_of(forms.begin(), forms.end(), [text](const Form& form) {
    return text.starts_with(form.prefix) && text.size() > form.prefix.size();
  });
}

Result<Target> parse_target(std::string_view text) {
  if (is_kernel_address(text)) {
    const std::uint64_t address = *parse_unsigned(text);
    return Target{Target::Kind::virt, address, address, std::string(text)};
  }
  if (parse_unsigned(text)) return no_target(text, "a number alone does not say what it counts");
  for (const Form& form : forms) {
    if (!text.starts_with(form.prefix)) continue;
    const std::string_view rest = text.substr(form.prefix.size());
    const auto bounds = parse_numbers(form.kind, rest);
    if (bounds) return Target{form.kind, bounds->first, bounds->last, std::string(text)};
    if (parse_hex(rest) && !parse_unsigned(rest)) {
      return Error{Errc::usage, fmt::format("{}: hexadecimal numbers begin with 0x", text),
                   fmt::format("{}0x{}?", form.prefix, rest)};
    }
    return no_target(text, form.kind == Target::Kind::range
                               ? "expected START-END after \"range:\""
                               : fmt::format("expected a number after \"{}\"", form.prefix));
  }
  return no_target(text, "not a target");
}

Result<PhysRange> range_of_target(const MemoryModel& model, const Target& target) {
  switch (target.kind) {
    case Target::Kind::block:
      return range_of_block(model, target);
    case Target::Kind::section:
      if (target.last == ~std::uint64_t{0}) return too_large(target);
      return range_of_sections(model.geometry, target, target.first, target.last - target.first + 1);
    case Target::Kind::node:
      return range_of_node(model, target);
    case Target::Kind::pfn:
      return range_of_pages(model.geometry, target, Pfn(target.first), 1);
    case Target::Kind::phys:
      return PhysRange{PhysAddr(target.first), 1};
    case Target::Kind::range:
      return PhysRange{PhysAddr(target.first), target.last - target.first + 1};
    case Target::Kind::virt:
      break;
  }
  return Error{Errc::usage, target.text + ": a virtual address is no physical range", {}};
}

}  // namespace memsect
