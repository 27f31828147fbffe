// The entries (DIEs) of one unit. All of libdwarf is behind this header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "elf/elf_sections.h"
#include "types/dwarf_units.h"

struct Dwarf_Die_s;  // libdwarf's

namespace memsect {

/// The entries this project looks at; the numbers are DWARF's DW_TAG_*.
enum class DwarfTag : std::uint16_t {
  array_type = 0x01,
  enumeration_type = 0x04,
  formal_parameter = 0x05,
  member = 0x0d,
  pointer_type = 0x0f,
  structure_type = 0x13,
  typedef_type = 0x16,
  union_type = 0x17,
  subrange_type = 0x21,
  base_type = 0x24,
  const_type = 0x26,
  enumerator = 0x28,
  subprogram = 0x2e,
  volatile_type = 0x35,
  restrict_type = 0x37,
  atomic_type = 0x47,
};

/// Their attributes, DW_AT_*.
enum class DwarfAttribute : std::uint16_t {
  byte_size = 0x0b,
  bit_offset = 0x0c,
  bit_size = 0x0d,
  const_value = 0x1c,
  upper_bound = 0x2f,
  count = 0x37,
  data_member_location = 0x38,
  declaration = 0x3c,
  type = 0x49,
  data_bit_offset = 0x6b,
};

struct DieDeleter {
  void operator()(Dwarf_Die_s* die) const;
};
/// One entry; null where there is none. Must not outlive its UnitDies.
using Die = std::unique_ptr<Dwarf_Die_s, DieDeleter>;

/// One unit of .debug_info, opened in libdwarf as if it were all of the section. Offsets count from the start
/// of the unit. Names live as long as the ElfSections and this. Used by one thread.
class UnitDies {
 public:
  enum class Extent {
    whole,
    root_only,  ///< the first few KiB, for the name of the unit
  };
  virtual ~UnitDies() = default;
  /// Reads the unit and its abbreviations. `sections` must outlive what is returned.
  static Result<std::unique_ptr<UnitDies>> open(ElfSections& sections, const UnitHeader& header,
                                                Extent extent);

  /// The unit's own entry, DW_TAG_compile_unit.
  virtual const Die& root() const = 0;
  virtual Result<Die> at(std::uint64_t offset) const = 0;
  /// Calls `visit` for each child of `parent` until it returns false.
  virtual Result<void> for_each_child(const Die& parent,
                                      const std::function<bool(const Die&)>& visit) const = 0;

  virtual DwarfTag tag(const Die& die) const = 0;
  virtual std::uint64_t offset(const Die& die) const = 0;
  /// DW_AT_name, empty when it has none.
  virtual std::string_view name(const Die& die) const = 0;
  virtual bool has(const Die& die, DwarfAttribute attribute) const = 0;
  /// A constant, sign extended where its form has a sign; nothing when it is absent or no constant.
  virtual std::optional<std::int64_t> number(const Die& die, DwarfAttribute attribute) const = 0;
  /// DW_AT_data_member_location, a constant or the one operation that older compilers write; 0 when it is
  /// absent (the members of unions).
  virtual Result<std::uint64_t> member_location(const Die& member) const = 0;
  /// What DW_AT_type refers to; a null Die stands for void. `unsupported` when it lies in another unit.
  virtual Result<Die> type_of(const Die& die) const = 0;
};

}  // namespace memsect
