// Finding units in .debug_info without reading it: headers, .debug_aranges, abbreviation tables. Pure
// functions of bytes, and one walk over the headers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/byte_order.h"
#include "base/byte_reader.h"
#include "base/position.h"
#include "base/result.h"
#include "base/view.h"
#include "elf/elf_sections.h"

namespace memsect {

/// The header of a unit in .debug_info.
struct UnitHeader {
  std::uint64_t offset = 0;  ///< of the unit in .debug_info
  std::uint64_t size = 0;    ///< of the whole unit, its length field included
  std::uint16_t version = 0;
  std::uint8_t kind = 0;  ///< DW_UT_*; DW_UT_compile up to DWARF 4
  std::uint64_t id = 0;   ///< of a skeleton and of the unit in a .dwo file it stands for; DWARF 5
  std::uint64_t abbrev_offset = 0;
  unsigned offset_size = 4;      ///< 8 in 64-bit DWARF
  std::size_t abbrev_field = 0;  ///< where in the unit abbrev_offset stands
  std::size_t header_size = 0;   ///< where its first entry begins

  bool is_compile_unit() const;
  /// Whether it holds types that compile units refer to: what dwz moved out of several of them.
  bool is_partial_unit() const;
  /// Whether it stands for a unit in a .dwo file.
  bool is_skeleton() const;
};

/// DW_FORM_strx, _strx1 to _strx4, _GNU_str_index.
constexpr bool is_indexed_string(std::uint64_t form) {
  return form == 0x1a || (form >= 0x25 && form <= 0x28) || form == 0x1f02;
}
/// DW_FORM_strp_sup, _GNU_strp_alt: in the file that dwz made for several.
constexpr bool is_alternate_string(std::uint64_t form) { return form == 0x1d || form == 0x1f21; }

/// Attributes by the lists of one abbreviation table.
struct AbbrevTraits {
  std::size_t size = 0;              ///< of the table
  bool has_indexed_strings = false;  ///< DW_FORM_strx and the like: through .debug_str_offsets
  bool has_unit_references = false;  ///< DW_FORM_ref_addr: entries of other units
  bool has_foreign_strings = false;  ///< DW_FORM_GNU_strp_alt, DW_FORM_strp_sup: in another file
};

/// No header is longer.
constexpr std::size_t largest_unit_header = 40;

/// The header at the start of `head`, which lies at `offset` of .debug_info. `corrupt` when the unit does not
/// fit into `section_size`, `unsupported` for a DWARF version other than 2 to 5.
Result<UnitHeader> parse_unit_header(Bytes head, ByteOrder order, std::uint64_t offset,
                                     std::uint64_t section_size);
/// The header of the unit at `offset` of `section`.
Result<UnitHeader> read_unit_header(const ElfSections& sections, std::string_view section,
                                    std::uint64_t offset);

/// Where in .debug_info the unit is whose code or data covers `address`, by .debug_aranges; nothing when none
/// does.
std::optional<std::uint64_t> find_in_aranges(Bytes aranges, ByteOrder order, VirtAddr address);

/// Length of the abbreviation table at the start of `bytes`, and which forms it has; nothing when it does not end inside
/// of them.
std::optional<AbbrevTraits> scan_abbrev_table(Bytes bytes);
/// ULEB128; bits beyond 64 are dropped.
std::uint64_t read_uleb(ByteReader& reader);

/// Calls `visit` for each unit of `section` in order, of whatever kind, until it returns false. Reads headers only.
/// Stops with an error at a header that makes no sense, since nothing says where the next one begins.
Result<void> walk_units(const ElfSections& sections, std::string_view section,
                        const std::function<bool(const UnitHeader&)>& visit);

}  // namespace memsect
