// The entries of a unit in the order of their bytes, at the speed of a skim: what defines a name, and nothing more.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/view.h"
#include "types/dwarf_die.h"
#include "types/dwarf_units.h"

namespace memsect {

/// DW_AT_name as it stands in an entry.
struct RawName {
  std::uint64_t form = 0;   ///< DW_FORM_*; 0 when the entry has none
  std::uint64_t value = 0;  ///< an offset or an index, for DW_FORM_string of its first byte in the unit
};

/// An entry at the top level of a unit that defines something, or an enumerator of such an enum without a name.
struct ScannedEntry {
  DwarfTag tag;
  RawName name;
};

/// What the unit's own entry says.
struct ScannedRoot {
  std::optional<std::uint64_t> language, str_offsets_base;
  bool is_split = false;  ///< its entries are in a .dwo file
};

/// Calls `visit` for each, until it returns false after the unit's own entry. False when the unit makes no sense; what
/// came before is right. `abbreviations` is the unit's own table.
bool scan_unit(const UnitHeader& header, Bytes unit, Bytes abbreviations, ByteOrder order,
               unsigned address_size, const std::function<bool(const ScannedRoot&)>& begin,
               const std::function<void(const ScannedEntry&)>& visit);

}  // namespace memsect
