// From mem_section.usage to subsection maps and pageblock types; and the two numbers no type shows, usage size and
// pageblock_order.
//
// pageblock_order is a constant in most configurations (kernel-wide, in no symbol and no type). It is found as
//   1. the variable pageblock_order, where huge page sizes vary (ppc64);
//   2. what the configuration implies: with HUGETLB_PAGE or THP the order of a PMD, at most MAX_PAGE_ORDER, else
//      MAX_PAGE_ORDER (include/linux/pageblock-flags.h);
//   3. held against the distance of neighbouring usages: those of early sections of one run lie back to back
//      (sparse_init_nid), so the commonest distance is mem_section_usage_size(). Where 2 and 3 disagree, 3 is right.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>

#include "decode/steps.h"
#include "decode/usage.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// MAX_PAGE_ORDER: one less than the free lists of a zone, whatever the macro was called.
std::optional<unsigned> find_max_page_order(const Kernel& kernel) {
  std::uint64_t lists = kernel.vmcoreinfo().length("zone.free_area").value_or(0);
  if (auto zone = kernel.types().find_struct("zone"); zone && lists == 0) {
    if (const Member* free_area = zone->find("free_area")) lists = free_area->elements;
  }
  if (lists < 2 || lists > 32) return std::nullopt;
  return static_cast<unsigned>(lists - 1);
}

std::optional<unsigned> read_pageblock_order_variable(const Kernel& kernel) {
  const auto at = kernel.address_of("pageblock_order");
  std::vector<std::byte> bytes(4);
  if (!at || !kernel.space().read(*at, bytes)) return std::nullopt;
  return static_cast<unsigned>(load_unsigned(bytes, kernel.order()));
}

bool has_huge_pages(const Kernel& kernel) {
  for (const char* symbol : {"hugetlb_max_hstate", "hugetlb_init", "transparent_hugepage_flags"}) {
    if (kernel.address_of(symbol)) return true;
  }
  return false;
}

/// The commonest distance between the usages of neighbouring early sections; 0 when there are no such
/// neighbours.
std::uint64_t common_usage_distance(const std::vector<VirtAddr>& usages, const MemoryModel& model) {
  std::map<std::uint64_t, std::uint64_t> distances;
  for (std::size_t i = 1; i < usages.size(); ++i) {
    const bool neighbours = model.sections[i].nr - model.sections[i - 1].nr == 1;
    const bool both_early = model.sections[i].flags.early && model.sections[i - 1].flags.early;
    if (model.geometry.usage_header_size != 0 && !both_early)
      continue;  // before 5.3 nothing marks boot sections
    if (!neighbours || usages[i] <= usages[i - 1] || usages[i].raw() == 0 || usages[i - 1].raw() == 0)
      continue;
    const std::uint64_t distance = usages[i] - usages[i - 1];
    if (distance <= 65536) ++distances[distance];
  }
  const auto most = std::max_element(distances.begin(), distances.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == distances.end() ? 0 : most->first;
}

/// The pointer in struct mem_section that leads to the usemap.
Result<Field> usage_field(const Kernel& kernel) {
  auto layout = kernel.types().find_struct("mem_section");
  if (!layout) return std::move(layout).error();
  return layout->has("usage") ? layout->field("usage") : layout->field("pageblock_flags");
}

Result<VirtAddr> read_usage_pointer(const AddressSpace& space, const Section& section, const Field& field) {
  std::vector<std::byte> bytes(field.end());
  if (auto done = space.read(section.mem_section, bytes); !done)
    return std::move(done).error().within("mem_section");
  return VirtAddr(field.get(bytes));
}

/// The usage pointers of all sections, 0 where one cannot be read.
std::vector<VirtAddr> read_usage_pointers(const Kernel& kernel, const MemoryModel& model) {
  const AddressSpace space = kernel.space();
  const auto field = usage_field(kernel);
  std::vector<VirtAddr> usages(model.sections.size());
  for (std::size_t i = 0; field && i < usages.size(); ++i) {
    if (const auto pointer = read_usage_pointer(space, model.sections[i], *field)) usages[i] = *pointer;
  }
  return usages;
}

struct OrderFinding {
  unsigned order = 0;
  std::string origin;
};

std::optional<OrderFinding> order_from_configuration(const Kernel& kernel) {
  const auto max_order = find_max_page_order(kernel);
  if (const auto variable = read_pageblock_order_variable(kernel)) {
    return OrderFinding{*variable, "symbol: pageblock_order"};
  }
  if (!max_order) return std::nullopt;
  if (has_huge_pages(kernel)) {
    const auto page_shift = static_cast<unsigned>(std::countr_zero(kernel.page_size()));
    const unsigned pmd_shift = kernel.arch_memory().pmd_shift.value_or(kernel.arch().pmd_shift(page_shift));
    return OrderFinding{std::min(pmd_shift - page_shift, *max_order),
                        "derived: order of a PMD, huge pages are built in"};
  }
  return OrderFinding{*max_order, "derived: MAX_PAGE_ORDER, no huge pages"};
}

}  // namespace

void load_pageblock_geometry(const Kernel& kernel, MemoryModel& model) {
  MemoryGeometry& geometry = model.geometry;
  const auto bits = find_pageblock_bits(kernel.types());
  if (!bits) {
    model.notes.warn("pageblock types cannot be decoded: " + bits.error().message);
    return;
  }
  const unsigned section_order = geometry.section_size_bits - geometry.page_shift;
  auto finding = order_from_configuration(kernel);
  if (finding && (finding->order > section_order || section_order - finding->order > 16)) finding.reset();

  const std::uint64_t distance = common_usage_distance(read_usage_pointers(kernel, model), model);
  const auto fits = [&](unsigned order) {
    return geometry.usage_header_size + usemap_size(geometry, order, *bits) == distance;
  };
  if (finding && distance != 0 && fits(finding->order)) {
    finding->origin += "; the distance of neighbouring usages agrees";
  } else if (distance != 0) {
    for (unsigned order = section_order > 16 ? section_order - 16 : 0; order <= section_order; ++order) {
      if (!fits(order)) continue;
      finding = OrderFinding{order, fmt::format("derived: neighbouring usages lie {} bytes apart", distance)};
    }
  }
  if (!finding) {
    model.notes.warn("pageblock_order cannot be found: pageblock types are not decoded");
    return;
  }
  geometry.pageblock_order = finding->order;
  geometry.pageblock_bits = *bits;
  geometry.usage_size = geometry.usage_header_size + usemap_size(geometry, finding->order, *bits);
  model.origin["pageblock_order"] = finding->origin;
  model.origin["pageblock_bits"] = fmt::format("{}: enum pageblock_bits", kernel.types().origin());
  model.origin["usage_size"] = "derived: sizeof(struct mem_section_usage) + usemap";
}

namespace {

struct UsageReader {
  AddressSpace space;
  Field pointer;
  UsemapLayout usemap;
  Result<Member> subsection_map;
  ByteOrder order;
};

Result<UsageReader> make_usage_reader(const Kernel& kernel, const MemoryGeometry& geometry) {
  auto pointer = usage_field(kernel);
  if (!pointer) return std::move(pointer).error();
  auto usemap = find_usemap_layout(kernel.types(), geometry, kernel.order());
  if (!usemap) return std::move(usemap).error();
  Result<Member> map = Error{
      Errc::not_applicable, "this kernel has no subsection map (5.3+; only with VMEMMAP since 5.7)", {}};
  if (auto layout = kernel.types().find_struct("mem_section_usage");
      layout && layout->has("subsection_map")) {
    map = layout->member("subsection_map");
  }
  return UsageReader{kernel.space(), *pointer, *usemap, std::move(map), kernel.order()};
}

Result<SubsectionMap> decode_subsections(const UsageReader& reader, const MemoryGeometry& geometry,
                                         Bytes usage) {
  if (!reader.subsection_map) return reader.subsection_map.error();
  SubsectionMap map;
  map.total = geometry.subsections_per_section();
  const std::uint64_t word_bits = geometry.word_bits(), word_bytes = geometry.word_size;
  const std::uint64_t words = (map.total + word_bits - 1) / word_bits;
  const std::uint64_t start = reader.subsection_map->offset;
  if (start + words * word_bytes > usage.size())
    return Error{Errc::corrupt, "subsection_map reaches beyond the usage", {}};
  map.words.resize((map.total + 63) / 64);
  for (std::uint64_t i = 0; i < words; ++i) {
    const std::uint64_t word = load_unsigned(usage.subspan(start + i * word_bytes, word_bytes), reader.order);
    map.words[i * word_bits / 64] |= word << i * word_bits % 64;
  }
  const std::uint64_t in_last_word = map.total % 64;
  if (in_last_word != 0 && map.words.back() >> in_last_word != 0) {
    return Error{Errc::corrupt,
                 fmt::format("subsection_map has bits beyond the {} subsections of a section", map.total),
                 {}};
  }
  return map;
}

std::vector<Pageblock> decode_pageblocks(const UsageReader& reader, const MemoryGeometry& geometry,
                                         Bytes usage) {
  std::vector<Pageblock> blocks;
  const Bytes usemap = usage.subspan(geometry.usage_header_size);
  const std::uint64_t count = geometry.pageblocks_per_section();
  blocks.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) blocks.push_back(reader.usemap.decode(usemap, i));
  return blocks;
}

void load_usage(const UsageReader& reader, const PageReader& pages, MemoryModel& model, Section& section) {
  const MemoryGeometry& geometry = model.geometry;
  const auto fail = [&section](const Error& error) {
    section.usage = error;
    section.subsections = error;
    section.pageblocks = error;
  };
  auto pointer = read_usage_pointer(reader.space, section, reader.pointer);
  if (!pointer) return fail(pointer.error());
  if (pointer->raw() == 0) return fail({Errc::not_applicable, "the section has no usage", {}});
  if (geometry.usage_size == 0)
    return fail({Errc::unsupported, "the size of mem_section_usage is not known", {}});

  auto phys = reader.space.translate_range(*pointer, geometry.usage_size);
  if (!phys) return fail(std::move(phys).error().within("usage"));
  Placement placement{*pointer, geometry.usage_size, std::move(*phys), Allocation::unknown};
  placement.allocation = pages.allocation_at(model, placement.first_phys(), Allocation::unknown);
  section.usage = std::move(placement);

  std::vector<std::byte> bytes(geometry.usage_size);
  if (auto done = reader.space.read(*pointer, bytes); !done) {
    section.subsections = done.error();
    section.pageblocks = done.error();
    return;
  }
  section.subsections = decode_subsections(reader, geometry, bytes);
  section.pageblocks = decode_pageblocks(reader, geometry, bytes);
}

}  // namespace

void load_usages(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  auto reader = make_usage_reader(kernel, model.geometry);
  for (Section& section : model.sections) {
    if (reader) {
      load_usage(*reader, pages, model, section);
    } else {
      section.usage = reader.error();
      section.subsections = reader.error();
      section.pageblocks = reader.error();
    }
  }
}

}  // namespace memsect
