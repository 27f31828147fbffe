// A memory section as the kernel describes it: struct mem_section, its usage, its memmap.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/placement.h"

namespace memsect {

/// The flag bits of section_mem_map (include/linux/mmzone.h), whatever their position in this kernel.
struct SectionFlags {
  bool present = false;            ///< SECTION_MARKED_PRESENT
  bool has_mem_map = false;        ///< SECTION_HAS_MEM_MAP: the kernel's "valid"
  bool online = false;             ///< SECTION_IS_ONLINE, 4.13+
  bool early = false;              ///< SECTION_IS_EARLY, 5.3+: boot memory
  bool taint_zone_device = false;  ///< SECTION_TAINT_ZONE_DEVICE, 5.12+: shared with a device
  bool vmemmap_preinit = false;    ///< SECTION_IS_VMEMMAP_PREINIT, 6.15+
};

/// Which 2 MiB units of the section exist: bit 0 of word 0 is the first one.
struct SubsectionMap {
  std::vector<std::uint64_t> words;
  std::uint64_t total = 0;
  bool test(std::uint64_t unit) const { return (words[unit / 64] >> (unit % 64) & 1) != 0; }
  std::uint64_t populated() const;
};

/// What a subsection is: not populated, memory from boot, memory added later, a device's; or it cannot be told.
enum class SubsectionKind { none, boot_ram, hot_added_ram, zone_device, unknown };
/// "none", "boot_ram", "hot_added_ram", "zone_device", "unknown".
std::string_view subsection_kind_name(SubsectionKind kind);

/// The kinds of a section's subsections, one for each bit of its map.
struct SubsectionKinds {
  std::vector<SubsectionKind> of_unit;
  std::optional<Error> why_unknown;  ///< why the first unknown one is
};

/// What the usemap says of one pageblock.
struct Pageblock {
  std::uint8_t migratetype = 0;  ///< index into MemoryModel::migratetypes, isolation already applied
  bool skip = false;             ///< compaction's hint
  bool isolated = false;
  bool stray = false;  ///< bits are set that mean nothing in this kernel, or the type that is never stored
};

/// The struct pages of a section and what backs them.
struct Memmap {
  VirtAddr address;
  std::uint64_t bytes = 0;
  std::vector<PhysRange> backing;  ///< of the mapped part, in virtual order
  std::uint64_t self_hosted =
      0;  ///< bytes that lie in memory which hosts its own memmap (memmap_on_memory, altmap)
  Allocation allocation = Allocation::unknown;  ///< of the first backing page
  std::uint64_t mapped_bytes() const;
};

/// Nodes and zones seen at the first pages of a section's online pageblocks.
struct SectionZones {
  std::vector<NodeId> nodes;
  std::vector<std::string> zones;
};

/// One present section. Parts that a command did not ask for are `not_applicable`; parts that could not be
/// read carry their reason.
struct Section {
  SectionNr nr;
  VirtAddr mem_section;               ///< address of its struct mem_section
  std::uint64_t section_mem_map = 0;  ///< the raw word
  std::uint64_t coded_mem_map = 0;    ///< flags cleared
  std::uint64_t stray_bits = 0;  ///< bits that are set between the flags and the coded map, where none is
  VirtAddr mem_map;              ///< decoded: its first struct page
  SectionFlags flags;
  Result<Placement> usage = Error{Errc::not_applicable, "not asked for", {}};
  Result<SubsectionMap> subsections = Error{Errc::not_applicable, "not asked for", {}};
  Result<SubsectionKinds> subsection_kinds = Error{Errc::not_applicable, "not asked for", {}};
  Result<std::vector<Pageblock>> pageblocks = Error{Errc::not_applicable, "not asked for", {}};
  Result<Memmap> memmap = Error{Errc::not_applicable, "not asked for", {}};
  /// Its table of struct page_ext (page_owner and others); `not_applicable` where it has none.
  Result<Placement> page_ext = Error{Errc::not_applicable, "not asked for", {}};
  /// The shadow that KASAN keeps of its memory, the mapped part in virtual order.
  Result<Placement> kasan_shadow = Error{Errc::not_applicable, "not asked for", {}};
  Result<NodeId> node = Error{Errc::not_applicable, "not asked for", {}};
  Result<SectionZones> zones = Error{Errc::not_applicable, "not asked for", {}};
};

/// A page of mem_section roots: SECTIONS_PER_ROOT entries, allocated as one object and never freed.
struct SectionRoot {
  std::uint64_t index = 0;
  Placement placement;
};

}  // namespace memsect
