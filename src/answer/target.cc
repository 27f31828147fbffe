#include "answer/target.h"

#include <fmt/format.h>

#include <array>

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
    "a target is memory35, section:35, node:1, pfn:0x100000, phys:0x100000000, virt:0xffff888000000000 or "
    "range:0x100000000-0x13fffffff, and comes before the files";

Error no_target(std::string_view text, std::string_view why) {
  return {Errc::usage, fmt::format("{}: {}", text, why), forms_hint};
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
  if (first > ~std::uint64_t{0} >> geometry.section_size_bits) return too_large(target);
  return PhysRange{geometry.section_range(SectionNr(first)).start, count * geometry.section_size()};
}

Result<PhysRange> range_of_node(const MemoryModel& model, const Target& target) {
  for (const Node& node : model.nodes) {
    if (raw(node.id) < 0 || static_cast<std::uint64_t>(raw(node.id)) != target.first) continue;
    if (!node.numbers) return node.numbers.error();
    if (node.spanned_pages == 0) return no_target(target.text, "this node has no memory");
    return range_of_pages(model.geometry, target, node.start_pfn, node.spanned_pages);
  }
  return no_target(target.text, "this kernel has no such node");
}

Result<PhysRange> range_of_block(const MemoryModel& model, const Target& target) {
  const std::uint64_t per_block = model.geometry.sections_per_block;
  if (per_block == 0)
    return Error{Errc::unsupported,
                 target.text + (model.hot_plug == HotPlug::none ? ": this kernel has no memory blocks"
                                                                : ": the size of memory blocks is not known"),
                 "try section:N"};
  if (target.first > ~std::uint64_t{0} / per_block) return too_large(target);
  return range_of_sections(model.geometry, target, target.first * per_block, per_block);
}

}  // namespace

std::string_view target_kind_name(Target::Kind kind) {
  if (kind == Target::Kind::block) return "block";
  for (const Form& form : forms) {
    if (form.kind == kind) return form.prefix.substr(0, form.prefix.size() - 1);
  }
  return "";
}

Result<Target> parse_target(std::string_view text) {
  if (parse_unsigned(text)) return no_target(text, "a number alone does not say what it counts");
  for (const Form& form : forms) {
    if (!text.starts_with(form.prefix)) continue;
    const std::string_view rest = text.substr(form.prefix.size());
    const std::size_t dash = form.kind == Target::Kind::range ? rest.find('-') : std::string_view::npos;
    if (form.kind == Target::Kind::range && dash == std::string_view::npos)
      return no_target(text, "a range has two bounds");
    const auto first = parse_unsigned(rest.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_unsigned(rest.substr(dash + 1));
    if (!first || !last) return no_target(text, "not a number behind the kind");
    if (*last < *first) return no_target(text, "the range ends before it begins");
    return Target{form.kind, *first, *last, std::string(text)};
  }
  return no_target(text, "not a target");
}

Result<PhysRange> range_of_target(const MemoryModel& model, const Target& target) {
  switch (target.kind) {
    case Target::Kind::block:
      return range_of_block(model, target);
    case Target::Kind::section:
      return range_of_sections(model.geometry, target, target.first, 1);
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
