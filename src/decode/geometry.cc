// Where each number comes from, in the order tried:
//
//   page size            VMCOREINFO PAGESIZE, else the machine's
//   SECTION_SIZE_BITS    VMCOREINFO (5.13+, and stable branches), else the length of subsection_map, else the machine's
//   NR_SECTION_ROOTS     VMCOREINFO LENGTH(mem_section)
//   MAX_PHYSMEM_BITS     VMCOREINFO (5.9+), else from the number of roots. On x86 it follows pgtable_l5 at run time:
//                        never take it from a configuration
//   SECTIONS_PER_ROOT    page size / sizeof(struct mem_section) under EXTREME, 1 under STATIC; LENGTH tells which:
//                        STATIC has as many roots as sections
//   VMEMMAP or classic   vmemmap_populate() or SYMBOL(vmemmap) exist with VMEMMAP only
#include <fmt/format.h>

#include <bit>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// The largest number of roots any machine has: 2^22 (riscv64, Sv57). A claim beyond it is damage.
constexpr std::uint64_t most_section_roots = std::uint64_t{1} << 23;

Error absurd(std::string_view what, std::uint64_t value) {
  return {Errc::corrupt, fmt::format("{} is {}, which no machine has", what, value), {}};
}

Result<void> load_page_size(const Kernel& kernel, MemoryModel& model, MemoryGeometry& geometry) {
  const std::uint64_t size = kernel.page_size();
  if (!std::has_single_bit(size) || size < 4096 || size > 65536) return absurd("the page size", size);
  geometry.page_shift = static_cast<unsigned>(std::countr_zero(size));
  model.origin["page_size"] = kernel.vmcoreinfo().page_size()
                                  ? "vmcoreinfo: PAGESIZE"
                                  : fmt::format("default of {}", kernel.arch().name);
  return {};
}

void load_usage_header(const Kernel& kernel, MemoryGeometry& geometry) {
  // Linux f1eca35a0dc7 ("mm/sparsemem: introduce struct mem_section_usage") (v5.3). The rcu member in front
  // came with 5ec8e8ea8b77 (v6.8) and went into 5.10.y, 5.15.y, 6.1.y and 6.6.y as well: only the type tells.
  // It also made the kmalloc() of a hot-added section's usemap a kzalloc(). (RHEL 8 has both in its 4.18.)
  auto usage = kernel.types().find_struct("mem_section_usage");
  geometry.zeroed_usemaps = usage.has_value();
  if (!usage) return;
  if (const Member* bits = usage->find("pageblock_flags")) geometry.usage_header_size = bits->offset;
  geometry.has_subsection_map = usage->has("subsection_map");
}

/// 21 + log2 of the bits of subsection_map, where the map is a whole number of words (it is not on ppc64).
std::optional<unsigned> section_bits_from_subsection_map(const Kernel& kernel) {
  auto usage = kernel.types().find_struct("mem_section_usage");
  const Member* map = usage ? usage->find("subsection_map") : nullptr;
  if (map == nullptr || map->elements < 1 || !std::has_single_bit(map->size)) return std::nullopt;
  return 21 + static_cast<unsigned>(std::countr_zero(map->size * 8));
}

Result<void> load_section_size(const Kernel& kernel, MemoryModel& model, MemoryGeometry& geometry) {
  std::uint64_t bits = kernel.arch().section_size_bits;
  if (const auto number = kernel.vmcoreinfo().number("SECTION_SIZE_BITS")) {
    bits = static_cast<std::uint64_t>(*number);
    model.origin["section_size_bits"] = "vmcoreinfo: NUMBER(SECTION_SIZE_BITS)";
  } else if (const auto derived = section_bits_from_subsection_map(kernel); derived && *derived > bits) {
    bits = *derived;
    model.origin["section_size_bits"] = "derived: length of mem_section_usage.subsection_map";
  } else {
    model.origin["section_size_bits"] = fmt::format("default of {}", kernel.arch().name);
  }
  if (bits <= geometry.page_shift || bits < 21 || bits > 34) return absurd("SECTION_SIZE_BITS", bits);
  const auto by_map = section_bits_from_subsection_map(kernel);
  if (by_map &&
      (bits > *by_map || (*by_map > 27 && bits != *by_map))) {  // a map of one word may be filled in part
    return Error{Errc::corrupt,
                 fmt::format("SECTION_SIZE_BITS {} does not fit the length of subsection_map, which says {}",
                             bits, *by_map),
                 {}};
  }
  geometry.section_size_bits = static_cast<unsigned>(bits);
  return {};
}

Result<void> load_mem_section_size(const Kernel& kernel, MemoryModel& model, MemoryGeometry& geometry) {
  if (auto layout = kernel.types().find_struct("mem_section")) {
    geometry.mem_section_size = layout->size;
    model.origin["mem_section_size"] = layout->origin;
  } else if (const auto size = kernel.vmcoreinfo().size("mem_section")) {
    geometry.mem_section_size = *size;
    model.origin["mem_section_size"] = "vmcoreinfo: SIZE(mem_section)";
  } else {
    return std::move(layout).error();
  }
  const std::uint64_t size = geometry.mem_section_size;
  if (!std::has_single_bit(size) || size < 8 || size > 64) return absurd("sizeof(struct mem_section)", size);
  return {};
}

Result<void> load_roots(const Kernel& kernel, MemoryModel& model, MemoryGeometry& geometry) {
  const auto length = kernel.vmcoreinfo().length("mem_section");
  const auto physmem_bits = kernel.vmcoreinfo().number("MAX_PHYSMEM_BITS");
  if (!length && !physmem_bits) {
    return Error{
        Errc::unsupported, "VMCOREINFO has neither LENGTH(mem_section) nor NUMBER(MAX_PHYSMEM_BITS)", {}};
  }
  std::uint64_t per_root = geometry.page_size() / geometry.mem_section_size;
  if (physmem_bits) {
    const auto bits = static_cast<std::uint64_t>(*physmem_bits);
    if (bits <= geometry.section_size_bits || bits > 58) return absurd("MAX_PHYSMEM_BITS", bits);
    geometry.max_physmem_bits = static_cast<unsigned>(bits);
    model.origin["max_physmem_bits"] = "vmcoreinfo: NUMBER(MAX_PHYSMEM_BITS)";
  } else {
    if (*length == 0 || *length > most_section_roots) return absurd("LENGTH(mem_section)", *length);
    const auto sections_bits = static_cast<unsigned>(std::bit_width(*length * per_root - 1));
    geometry.max_physmem_bits = geometry.section_size_bits + sections_bits;
    model.origin["max_physmem_bits"] = "derived: LENGTH(mem_section) x SECTIONS_PER_ROOT";
  }
  if (length && physmem_bits && *length == geometry.nr_mem_sections() && per_root > 1) {
    geometry.kind = MemoryModelKind::sparsemem_static;
    per_root = 1;
  }
  geometry.sections_per_root = per_root;
  const std::uint64_t expected = (geometry.nr_mem_sections() + per_root - 1) / per_root;
  if (length && *length != expected) {
    model.incomplete = true;
    model.notes.warn(
        fmt::format("VMCOREINFO contradicts itself: LENGTH(mem_section) is {}, MAX_PHYSMEM_BITS {} needs {}",
                    *length, geometry.max_physmem_bits, expected));
  }
  geometry.nr_section_roots = length ? *length : (geometry.nr_mem_sections() + per_root - 1) / per_root;
  model.origin["nr_section_roots"] = length ? "vmcoreinfo: LENGTH(mem_section)" : "derived: MAX_PHYSMEM_BITS";
  if (geometry.nr_section_roots == 0 || geometry.nr_section_roots > most_section_roots) {
    return absurd("the number of section roots", geometry.nr_section_roots);
  }
  return {};
}

bool has_vmemmap(const Kernel& kernel) {
  return kernel.vmcoreinfo().symbol("vmemmap") || kernel.address_of("vmemmap_populate");
}

}  // namespace

Result<MemoryGeometry> load_geometry(const Kernel& kernel, MemoryModel& model) {
  MemoryGeometry geometry;
  geometry.word_size = kernel.arch().word_size;
  if (auto done = load_page_size(kernel, model, geometry); !done) return std::move(done).error();
  const bool sparse = kernel.vmcoreinfo().symbol("mem_section") || kernel.address_of("mem_section");
  if (!sparse) {
    // Linux: mm/Kconfig, FLATMEM: neither the symbol nor the type exists.
    geometry.kind = MemoryModelKind::flatmem;
    model.origin["memory_model"] = "derived: this kernel has no mem_section";
    return geometry;
  }
  geometry.kind = MemoryModelKind::sparsemem_extreme;
  load_usage_header(kernel, geometry);
  if (auto done = load_section_size(kernel, model, geometry); !done) return std::move(done).error();
  if (auto done = load_mem_section_size(kernel, model, geometry); !done) return std::move(done).error();
  if (auto done = load_roots(kernel, model, geometry); !done) return std::move(done).error();
  if (geometry.kind == MemoryModelKind::sparsemem_extreme && has_vmemmap(kernel)) {
    geometry.kind = MemoryModelKind::sparsemem_vmemmap;
  }
  model.origin["memory_model"] = "derived: vmemmap_populate, LENGTH(mem_section)";
  auto page = kernel.types().find_struct("page");
  if (!page) return std::move(page).error();
  if (page->size < 16 || page->size > 1024) return absurd("sizeof(struct page)", page->size);
  geometry.struct_page_size = page->size;
  model.origin["struct_page_size"] = page->origin;
  return geometry;
}

}  // namespace memsect
