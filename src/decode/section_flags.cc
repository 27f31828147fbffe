// section_mem_map, low bits (include/linux/mmzone.h):
//
//   bit 0 MARKED_PRESENT   2.6.13+
//   bit 1 HAS_MEM_MAP      2.6.13+
//   bit 2 IS_ONLINE        4.13+  2d070eab2e82 ("mm: consider zone which is not fully populated to have holes")
//   bit 3 IS_EARLY         5.3+   326e1b8f83a4 ("mm/sparsemem: introduce a SECTION_IS_EARLY flag")
//   bit 4 TAINT_ZONE_DEVICE 5.12+ 1f90a3477df3 ("mm: teach pfn_to_online_page() about ZONE_DEVICE section collisions")
//   next  IS_VMEMMAP_PREINIT 6.15+
//
// From 6.0 on they are enumerators of an anonymous enum (ed7802dd48f7), and a configuration without ZONE_DEVICE moves
// the last one: only the enumerators tell.
#include "decode/section_flags.h"

#include <algorithm>

namespace memsect {
namespace {

std::uint64_t enumerator_mask(const TypeSource& types, std::string_view name) {
  const auto bit = types.find_enumerator("", name);
  return bit && *bit >= 0 && *bit < 12 ? std::uint64_t{1} << *bit : 0;
}

}  // namespace

SectionFlagBits find_section_flag_bits(const TypeSource& types, const MemoryGeometry& geometry) {
  SectionFlagBits bits;
  // The low min(PAGE_SHIFT, PFN_SECTION_SHIFT) bits of a coded map are zero by construction and hold the
  // flags, in every release (SECTION_MAP_LAST_BIT <= PFN_SECTION_SHIFT is a compile-time assertion).
  const unsigned flag_width = std::min(geometry.page_shift, geometry.section_size_bits - geometry.page_shift);
  bits.map_mask = ~((std::uint64_t{1} << flag_width) - 1);
  if (types.find_enumerator("", "SECTION_MARKED_PRESENT_BIT")) {
    bits.present = enumerator_mask(types, "SECTION_MARKED_PRESENT_BIT");
    bits.has_mem_map = enumerator_mask(types, "SECTION_HAS_MEM_MAP_BIT");
    bits.online = enumerator_mask(types, "SECTION_IS_ONLINE_BIT");
    bits.early = enumerator_mask(types, "SECTION_IS_EARLY_BIT");
    bits.taint_zone_device = enumerator_mask(types, "SECTION_TAINT_ZONE_DEVICE_BIT");
    bits.vmemmap_preinit = enumerator_mask(types, "SECTION_IS_VMEMMAP_PREINIT_BIT");
    // One flag more than this program knows is still below SECTION_MAP_LAST_BIT.
    if (const std::uint64_t last = enumerator_mask(types, "SECTION_MAP_LAST_BIT"); last != 0)
      bits.unused = ~bits.map_mask & ~(last - 1);
    return bits;
  }
  // Macros leave no trace in the types. A flag that a kernel does not know is never set, so asking for it is
  // safe.
  bits.online = 1U << 2;
  if (geometry.usage_header_size != 0 || geometry.has_subsection_map)
    bits.early = 1U << 3;  // came with the usage, 5.3
  bits.taint_zone_device = 1U << 4;
  bits.unused = ~bits.map_mask & ~std::uint64_t{0x1f};  // 5 flags are the most that any release had as macros
  return bits;
}

SectionFlags SectionFlagBits::decode(std::uint64_t section_mem_map) const {
  SectionFlags flags;
  flags.present = (section_mem_map & present) != 0;
  flags.has_mem_map = (section_mem_map & has_mem_map) != 0;
  flags.online = (section_mem_map & online) != 0;
  flags.early = (section_mem_map & early) != 0;
  flags.taint_zone_device = (section_mem_map & taint_zone_device) != 0;
  flags.vmemmap_preinit = (section_mem_map & vmemmap_preinit) != 0;
  return flags;
}

}  // namespace memsect
