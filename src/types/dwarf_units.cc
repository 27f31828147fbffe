// Three tables of DWARF, read as the standard draws them (DWARF 5, sections 6.1.2, 7.5.1 and 7.5.3):
//
//   .debug_info     unit_length 4 (or 0xffffffff and 8: 64-bit DWARF)    counts from behind itself
//                   version 2
//      2 to 4:      abbrev_offset 4/8, address_size 1
//      5:           unit_type 1, address_size 1, abbrev_offset 4/8  [+ 8: id of a skeleton; + 8 + 4/8: type unit]
//
//   .debug_aranges  one set a unit: unit_length, version 2 (= 2), debug_info_offset 4/8, address_size 1,
//                   segment_size 1, padding up to twice the address size, then pairs {address, length} until {0, 0}
//
//   .debug_abbrev   code, tag (ULEB128), has_children 1, pairs {attribute, form} (ULEB128; DW_FORM_implicit_const
//                   is followed by its value) until {0, 0}; a table ends with code 0
//
// The section .debug_aranges of a vmlinux has 150 to 195 KB; gcc writes it always, clang only on request.
#include "types/dwarf_units.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"

namespace memsect {
namespace {

constexpr std::uint32_t is_64_bit_dwarf = 0xffffffff;
constexpr std::uint32_t first_reserved_length = 0xfffffff0;
// DW_UT_*
constexpr std::uint8_t unit_compile = 1;
constexpr std::uint8_t unit_type = 2;
constexpr std::uint8_t unit_partial = 3;
constexpr std::uint8_t unit_skeleton = 4;
constexpr std::uint8_t unit_split_compile = 5;
constexpr std::uint8_t unit_split_type = 6;

constexpr std::uint64_t form_ref_addr = 0x10;
constexpr std::uint64_t form_implicit_const = 0x21;

/// unit_length, in both its forms. Fails the reader for the reserved values.
struct UnitLength {
  std::uint64_t size = 0;
  unsigned offset_size = 4;
};
std::optional<UnitLength> read_length(ByteReader& reader) {
  const std::uint32_t length = reader.u32();
  if (length == is_64_bit_dwarf) return UnitLength{reader.u64(), 8};
  if (length >= first_reserved_length) return std::nullopt;
  return UnitLength{length, 4};
}

/// Whether one of the pairs in `set`, a whole set behind its length, covers the address.
bool set_covers(ByteReader reader, std::size_t pairs_alignment, unsigned address_size, VirtAddr address) {
  reader.align(pairs_alignment);
  while (reader.remaining() >= std::size_t{2} * address_size && reader.ok()) {
    const VirtRange range{VirtAddr(reader.word(address_size)), reader.word(address_size)};
    if (range.start.raw() == 0 && range.empty()) break;
    if (range.contains(address)) return true;
  }
  return false;
}

}  // namespace

std::uint64_t read_uleb(ByteReader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; reader.ok(); shift += 7) {
    const std::uint8_t byte = reader.u8();
    if (shift < 64) value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

bool UnitHeader::is_compile_unit() const { return kind == unit_compile; }
bool UnitHeader::is_partial_unit() const { return kind == unit_partial; }
bool UnitHeader::is_skeleton() const { return kind == unit_skeleton; }

Result<UnitHeader> parse_unit_header(Bytes head, ByteOrder order, std::uint64_t offset,
                                     std::uint64_t section_size) {
  ByteReader reader(head, order);
  const auto length = read_length(reader);
  const std::size_t length_size = reader.position();
  UnitHeader unit;
  unit.offset = offset;
  unit.version = reader.u16();
  const std::uint64_t left = offset <= section_size ? section_size - offset : 0;
  const std::uint64_t room = left - std::min<std::uint64_t>(left, length_size);
  if (!length || !reader.ok() || length->size > room || length->size < 7) {
    return Error{Errc::corrupt,
                 fmt::format(".debug_info: the unit at {:#x} does not fit into the section", offset),
                 {}};
  }
  unit.size = length_size + length->size;
  unit.offset_size = length->offset_size;
  if (unit.version < 2 || unit.version > 5) {
    return Error{Errc::unsupported,
                 fmt::format(".debug_info: the unit at {:#x} is of DWARF version {}", offset, unit.version),
                 {}};
  }
  unit.kind = unit_compile;
  if (unit.version >= 5) {
    unit.kind = reader.u8();
    reader.skip(1);
  }
  unit.abbrev_field = reader.position();
  unit.abbrev_offset = reader.word(unit.offset_size);
  if (unit.version < 5) reader.skip(1);
  if (unit.kind == unit_skeleton || unit.kind == unit_split_compile) unit.id = reader.u64();
  if (unit.kind == unit_type || unit.kind == unit_split_type) reader.skip(8 + unit.offset_size);
  unit.header_size = reader.position();
  if (!reader.ok() || unit.header_size >= unit.size) {
    return Error{
        Errc::corrupt, fmt::format(".debug_info: the unit at {:#x} ends inside its header", offset), {}};
  }
  return unit;
}

Result<UnitHeader> read_unit_header(const ElfSections& sections, std::string_view section,
                                    std::uint64_t offset) {
  const std::uint64_t section_size = sections.size_of(section);
  const std::uint64_t room = offset <= section_size ? section_size - offset : 0;
  auto head = sections.read(section, offset, std::min<std::uint64_t>(room, largest_unit_header));
  if (!head) return std::move(head).error();
  return parse_unit_header(*head, sections.order(), offset, section_size);
}

std::optional<std::uint64_t> find_in_aranges(Bytes aranges, ByteOrder order, VirtAddr address) {
  ByteReader reader(aranges, order);
  while (reader.remaining() > 0) {
    const std::size_t start = reader.position();
    const auto length = read_length(reader);
    if (!length || !reader.ok() || length->size > reader.remaining()) break;
    const std::size_t end = reader.position() + length->size;
    // The pairs are aligned from the start of the set, so the set is read from there.
    ByteReader set(aranges.subspan(start, end - start), order);
    set.seek(reader.position() - start);
    reader.seek(end);
    const std::uint16_t version = set.u16();
    const std::uint64_t unit_offset = set.word(length->offset_size);
    const unsigned address_size = set.u8();
    const unsigned segment_size = set.u8();
    const bool known = version == 2 && segment_size == 0 && (address_size == 4 || address_size == 8);
    if (!set.ok() || !known) continue;
    if (set_covers(set, std::size_t{2} * address_size, address_size, address)) return unit_offset;
  }
  return std::nullopt;
}

std::optional<AbbrevTraits> scan_abbrev_table(Bytes bytes) {
  ByteReader reader(bytes, ByteOrder::little);
  AbbrevTraits traits;
  while (reader.ok() && reader.remaining() > 0) {
    if (read_uleb(reader) == 0) {
      traits.size = reader.position();
      return reader.ok() ? std::optional(traits) : std::nullopt;
    }
    read_uleb(reader);
    reader.skip(1);
    for (std::uint64_t attribute = 1, form = 1; reader.ok() && (attribute != 0 || form != 0);) {
      attribute = read_uleb(reader);
      form = read_uleb(reader);
      if (form == form_implicit_const) read_uleb(reader);
      traits.has_unit_references = traits.has_unit_references || form == form_ref_addr;
      traits.has_indexed_strings = traits.has_indexed_strings || is_indexed_string(form);
      traits.has_foreign_strings = traits.has_foreign_strings || is_alternate_string(form);
    }
  }
  return std::nullopt;
}

Result<void> walk_units(const ElfSections& sections, std::string_view section,
                        const std::function<bool(const UnitHeader&)>& visit) {
  const std::uint64_t end = sections.size_of(section);
  for (std::uint64_t offset = 0; offset < end;) {
    auto unit = read_unit_header(sections, section, offset);
    if (!unit) return std::move(unit).error();
    if (!visit(*unit)) break;
    offset += unit->size;
  }
  return {};
}

}  // namespace memsect
