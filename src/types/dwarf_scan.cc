// libdwarf makes an object of each entry, which is fine for the one unit that nearly all is found in and takes half a
// minute for 3,000 of them. Here entries are stepped over: an abbreviation says which attributes an entry has, and the
// form of each how many bytes it takes (DWARF 5, 7.5.6). What has children says where they end (DW_AT_sibling: gcc) or
// is walked through (clang).
#include "types/dwarf_scan.h"

#include <array>

#include "base/byte_reader.h"

namespace memsect {
namespace {

constexpr std::size_t most_codes = 1 << 16;
constexpr std::uint64_t at_sibling = 0x01;
constexpr std::uint64_t form_string = 0x08, form_indirect = 0x16, form_flag_present = 0x19,
                        form_implicit_const = 0x21;

struct Spec {
  std::uint64_t attribute = 0, form = 0;
};
struct Abbreviation {
  std::uint64_t tag = 0;
  bool has_children = false;
  std::size_t first = 0, end = 0;  ///< of the Specs
};
struct Table {
  std::vector<Abbreviation> by_code;
  std::vector<Spec> specs;
};

std::optional<Table> read_table(Bytes bytes) {
  ByteReader reader(bytes, ByteOrder::little);
  Table table;
  while (reader.ok() && reader.remaining() > 0) {
    const std::uint64_t code = read_uleb(reader);
    if (code == 0) return table;
    if (code >= most_codes) break;
    if (code >= table.by_code.size()) table.by_code.resize(code + 1);
    Abbreviation& entry = table.by_code[code];
    entry.tag = read_uleb(reader);
    entry.has_children = reader.u8() != 0;
    entry.first = table.specs.size();
    for (;;) {
      const Spec spec{read_uleb(reader), read_uleb(reader)};
      if (!reader.ok()) return std::nullopt;
      if (spec.form == form_implicit_const) read_uleb(reader);
      if (spec.attribute == 0 && spec.form == 0) break;
      table.specs.push_back(spec);
    }
    entry.end = table.specs.size();
  }
  return std::nullopt;
}

/// How an attribute takes room.
enum class Room : std::uint8_t { unknown, fixed, leb, offset, address, block, text, reference };
struct FormRoom {
  Room room = Room::unknown;
  std::uint8_t size = 0;  ///< of fixed; of the length of a block, 0: LEB128
};

constexpr std::array<FormRoom, 0x2d> make_rooms() {
  std::array<FormRoom, 0x2d> rooms{};
  const auto fixed = [&rooms](std::initializer_list<int> forms, std::uint8_t size) {
    for (const int form : forms) rooms[static_cast<std::size_t>(form)] = {Room::fixed, size};
  };
  fixed({0x19, 0x21}, 0);
  fixed({0x0b, 0x0c, 0x11, 0x25, 0x29}, 1);
  fixed({0x05, 0x12, 0x26, 0x2a}, 2);
  fixed({0x27, 0x2b}, 3);
  fixed({0x06, 0x13, 0x1c, 0x28, 0x2c}, 4);
  fixed({0x07, 0x14, 0x20, 0x24}, 8);
  fixed({0x1e}, 16);
  for (const std::size_t form : {0x0d, 0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23}) rooms[form] = {Room::leb, 0};
  for (const std::size_t form : {0x0e, 0x17, 0x1d, 0x1f}) rooms[form] = {Room::offset, 0};
  rooms[0x01] = {Room::address, 0};
  rooms[0x10] = {Room::reference, 0};
  rooms[0x03] = {Room::block, 2};
  rooms[0x04] = {Room::block, 4};
  rooms[0x0a] = {Room::block, 1};
  rooms[0x09] = rooms[0x18] = {Room::block, 0};
  rooms[form_string] = {Room::text, 0};
  return rooms;
}
constexpr std::array<FormRoom, 0x2d> rooms = make_rooms();

FormRoom room_of(std::uint64_t form) {
  if (form < rooms.size()) return rooms[form];
  if (form == 0x1f01 || form == 0x1f02) return {Room::leb, 0};     // DW_FORM_GNU_addr_index, _str_index
  if (form == 0x1f20 || form == 0x1f21) return {Room::offset, 0};  // DW_FORM_GNU_ref_alt, _strp_alt
  return {};
}

class Scanner {
 public:
  Scanner(const UnitHeader& header, Bytes unit, const Table& table, ByteOrder order, unsigned address_size)
      : header_(header), unit_(unit), table_(table), reader_(unit, order), address_size_(address_size) {
    reader_.seek(header.header_size);
  }
  bool run(const std::function<bool(const ScannedRoot&)>& begin,
           const std::function<void(const ScannedEntry&)>& visit);

 private:
  /// What is of interest of one entry.
  struct Entry {
    RawName name;
    bool is_declaration = false;
    std::optional<std::uint64_t> sibling;
    ScannedRoot root;
  };
  Entry read_entry(const Abbreviation& abbreviation);
  std::uint64_t read_value(std::uint64_t form);
  void note(Entry& entry, std::uint64_t attribute, std::uint64_t form, std::uint64_t value) const;

  const UnitHeader& header_;
  Bytes unit_;
  const Table& table_;
  ByteReader reader_;
  unsigned address_size_;
  bool failed_ = false;
};

/// Steps over one attribute; its number where it is one, else where it begins.
std::uint64_t Scanner::read_value(std::uint64_t form) {
  const FormRoom room = room_of(form);
  const std::size_t here = reader_.position();
  switch (room.room) {
    case Room::fixed:
      if (room.size > 8) reader_.skip(room.size);
      return room.size > 8 || room.size == 0 ? here : reader_.word(room.size);
    case Room::leb:
      return read_uleb(reader_);
    case Room::offset:
      return reader_.word(header_.offset_size);
    case Room::address:
      return reader_.word(address_size_);
    case Room::reference:  // DWARF 2 gave DW_FORM_ref_addr the size of an address
      return reader_.word(header_.version == 2 ? address_size_ : header_.offset_size);
    case Room::block:
      reader_.skip(room.size == 0 ? read_uleb(reader_) : reader_.word(room.size));
      return here;
    case Room::text: {
      const Bytes rest = unit_.subspan(here);
      std::size_t end = 0;
      while (end < rest.size() && rest[end] != std::byte{0}) ++end;
      reader_.skip(end + 1);
      return here;
    }
    case Room::unknown:
      break;
  }
  failed_ = true;
  return 0;
}

void Scanner::note(Entry& entry, std::uint64_t attribute, std::uint64_t form, std::uint64_t value) const {
  switch (attribute) {
    case at_sibling:
      entry.sibling = value;
      break;
    case static_cast<std::uint64_t>(DwarfAttribute::name):
      entry.name = {form, value};
      break;
    case static_cast<std::uint64_t>(DwarfAttribute::declaration):
      entry.is_declaration = form == form_flag_present || value != 0;
      break;
    case static_cast<std::uint64_t>(DwarfAttribute::language):
      entry.root.language = value;
      break;
    case static_cast<std::uint64_t>(DwarfAttribute::str_offsets_base):
      entry.root.str_offsets_base = value;
      break;
    case static_cast<std::uint64_t>(DwarfAttribute::dwo_name):
    case static_cast<std::uint64_t>(DwarfAttribute::gnu_dwo_name):
      entry.root.is_split = true;
      break;
    default:
      break;
  }
}

Scanner::Entry Scanner::read_entry(const Abbreviation& abbreviation) {
  Entry entry;
  for (std::size_t i = abbreviation.first; i < abbreviation.end && !failed_; ++i) {
    const Spec& spec = table_.specs[i];
    const std::uint64_t form = spec.form == form_indirect ? read_uleb(reader_) : spec.form;
    note(entry, spec.attribute, form, read_value(form));
  }
  failed_ = failed_ || !reader_.ok();
  return entry;
}

bool Scanner::run(const std::function<bool(const ScannedRoot&)>& begin,
                  const std::function<void(const ScannedEntry&)>& visit) {
  unsigned depth = 0;
  bool in_anonymous_enum = false;
  while (reader_.remaining() > 0) {
    const std::uint64_t code = read_uleb(reader_);
    if (code == 0) {
      if (depth <= 1) return true;
      --depth;
      in_anonymous_enum = in_anonymous_enum && depth > 1;
      continue;
    }
    if (code >= table_.by_code.size() || table_.by_code[code].tag == 0) return false;
    const Abbreviation& abbreviation = table_.by_code[code];
    const std::size_t here = reader_.position();
    const Entry entry = read_entry(abbreviation);
    if (failed_) return false;
    const auto tag = static_cast<DwarfTag>(abbreviation.tag);
    if (depth == 0) {
      if (!begin(entry.root) || !abbreviation.has_children) return true;
      depth = 1;
      continue;
    }
    const bool has_name = entry.name.form != 0 && !entry.is_declaration;
    const bool is_kind = tag == DwarfTag::structure_type || tag == DwarfTag::union_type ||
                         tag == DwarfTag::enumeration_type || tag == DwarfTag::subprogram;
    if (has_name && ((depth == 1 && is_kind) || (depth == 2 && in_anonymous_enum))) visit({tag, entry.name});
    if (!abbreviation.has_children) continue;
    const bool opens_enum = depth == 1 && tag == DwarfTag::enumeration_type && entry.name.form == 0;
    if (entry.sibling && !opens_enum) {
      if (*entry.sibling <= here) return false;  // backwards
      reader_.seek(*entry.sibling);
      continue;
    }
    ++depth;
    in_anonymous_enum = in_anonymous_enum || opens_enum;
  }
  return reader_.ok();
}

}  // namespace

bool scan_unit(const UnitHeader& header, Bytes unit, Bytes abbreviations, ByteOrder order,
               unsigned address_size, const std::function<bool(const ScannedRoot&)>& begin,
               const std::function<void(const ScannedEntry&)>& visit) {
  const auto table = read_table(abbreviations);
  return table && Scanner(header, unit, *table, order, address_size).run(begin, visit);
}

}  // namespace memsect
