// The entries (DIEs) of one unit. All of libdwarf is behind this header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "types/dwarf_units.h"

struct Dwarf_Die_s;  // libdwarf's

namespace memsect {

class DwarfFile;
class UnitDies;

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
  imported_unit = 0x3d,
  atomic_type = 0x47,
};

/// Their attributes, DW_AT_*.
enum class DwarfAttribute : std::uint16_t {
  name = 0x03,
  byte_size = 0x0b,
  bit_offset = 0x0c,
  bit_size = 0x0d,
  language = 0x13,
  import = 0x18,
  comp_dir = 0x1b,
  const_value = 0x1c,
  abstract_origin = 0x31,
  upper_bound = 0x2f,
  count = 0x37,
  data_member_location = 0x38,
  declaration = 0x3c,
  type = 0x49,
  data_bit_offset = 0x6b,
  str_offsets_base = 0x72,
  dwo_name = 0x76,
  gnu_dwo_name = 0x2130,
  gnu_dwo_id = 0x2131,
};

struct DieDeleter {
  void operator()(Dwarf_Die_s* die) const;
};

/// One entry, which knows the unit it is in; null where there is none. Must not outlive its UnitDies.
class Die {
 public:
  Die() = default;
  Die(const UnitDies& unit, Dwarf_Die_s* raw) : unit_(&unit), raw_(raw) {}

  explicit operator bool() const { return raw_ != nullptr; }
  Dwarf_Die_s* get() const { return raw_.get(); }
  const UnitDies& unit() const { return *unit_; }

  DwarfTag tag() const;
  /// From the start of its unit.
  std::uint64_t offset() const;
  /// DW_AT_name, empty when it has none. Lives as long as the files of the unit.
  std::string_view name() const;
  bool has(DwarfAttribute attribute) const;
  /// A constant, sign extended where its form has a sign; nothing when it is absent or not a constant.
  std::optional<std::int64_t> number(DwarfAttribute attribute) const;
  /// DW_AT_data_member_location, a constant or the one operation that older compilers write; 0 when it is
  /// absent (the members of unions).
  Result<std::uint64_t> member_location() const;
  /// Where a reference leads: into this unit, into another one, or into the file that dwz moved shared types to. A null
  /// Die where there is no such attribute: for DW_AT_type that stands for void.
  Result<Die> follow(DwarfAttribute attribute) const;
  Result<Die> type() const { return follow(DwarfAttribute::type); }
  /// Calls `visit` for each child until it returns false.
  Result<void> for_each_child(const std::function<bool(const Die&)>& visit) const;

 private:
  const UnitDies* unit_ = nullptr;
  std::unique_ptr<Dwarf_Die_s, DieDeleter> raw_;
};

/// One unit of .debug_info, opened in libdwarf as if it were all of the section. Offsets count from the start
/// of the unit. Used by one thread.
class UnitDies {
 public:
  enum class Extent {
    whole,
    root_only,  ///< the first few KiB, for the name of the unit
  };
  virtual ~UnitDies() = default;
  /// Reads the unit and its abbreviations. `file`, which the unit is in, must outlive what is returned.
  static Result<std::unique_ptr<UnitDies>> open(DwarfFile& file, const UnitHeader& header, Extent extent);

  virtual const UnitHeader& header() const = 0;
  virtual const AbbrevTraits& abbrev_traits() const = 0;
  /// The unit's own entry, DW_TAG_compile_unit or the like.
  virtual const Die& root() const = 0;
  virtual Result<Die> at(std::uint64_t offset) const = 0;
  /// An attribute that is text, empty when there is none.
  virtual std::string_view text(const Die& die, DwarfAttribute attribute) const = 0;

 protected:
  friend class Die;
  virtual DwarfTag tag(const Die& die) const = 0;
  virtual std::uint64_t offset(const Die& die) const = 0;
  virtual std::string_view name(const Die& die) const = 0;
  virtual bool has(const Die& die, DwarfAttribute attribute) const = 0;
  virtual std::optional<std::int64_t> number(const Die& die, DwarfAttribute attribute) const = 0;
  virtual Result<std::uint64_t> member_location(const Die& member) const = 0;
  virtual Result<Die> follow(const Die& die, DwarfAttribute attribute) const = 0;
  virtual Result<void> for_each_child(const Die& parent,
                                      const std::function<bool(const Die&)>& visit) const = 0;
};

inline DwarfTag Die::tag() const { return unit_->tag(*this); }
inline std::uint64_t Die::offset() const { return unit_->offset(*this); }
inline std::string_view Die::name() const { return unit_->name(*this); }
inline bool Die::has(DwarfAttribute attribute) const { return unit_->has(*this, attribute); }
inline std::optional<std::int64_t> Die::number(DwarfAttribute attribute) const {
  return unit_->number(*this, attribute);
}
inline Result<std::uint64_t> Die::member_location() const { return unit_->member_location(*this); }
inline Result<Die> Die::follow(DwarfAttribute attribute) const { return unit_->follow(*this, attribute); }
inline Result<void> Die::for_each_child(const std::function<bool(const Die&)>& visit) const {
  return unit_->for_each_child(*this, visit);
}

}  // namespace memsect
