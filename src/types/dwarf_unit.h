// One unit of .debug_info as a place that knows types: its top-level entries by name.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "types/dwarf_die.h"
#include "types/dwarf_file.h"
#include "types/type_source.h"

namespace memsect {

/// What is asked for by name. C has one name space for struct, union and enum tags.
enum class DefinitionKind { tag, function, anonymous_enumerator };

/// Definitions only: of what is merely declared in the unit it knows nothing. What the unit imports (dwz, link-time
/// optimisation) counts as its own. Names are indexed once, types are read when asked for. Used by one thread.
class DwarfUnit {
 public:
  /// Walks the top-level entries of the unit at `offset`. `file` must outlive it. `no_type` for a unit of another
  /// language than C, whose types of the same names are not the kernel's.
  static Result<std::unique_ptr<DwarfUnit>> open(DwarfFile& file, std::uint64_t offset);

  /// These answer `no_type` when the unit does not define it, other codes when it cannot be read.
  Result<StructLayout> find_struct(std::string_view name) const;
  Result<std::int64_t> find_enumerator(std::string_view enum_name, std::string_view enumerator) const;
  Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const;
  Result<void> find_enum(std::string_view name) const;
  Result<unsigned> parameter_count(std::string_view function) const;

  /// Whether all types that it uses are in it or in what it imports. Clang's link-time optimisation keeps one definition
  /// of each type, in any unit, and has the others refer to it.
  bool is_self_contained() const { return is_self_contained_; }

  /// All names there are, in no order.
  Result<void> for_each_definition(const std::function<void(DefinitionKind, std::string_view)>& visit) const;

 private:
  struct Place {
    const UnitDies* unit = nullptr;
    std::uint64_t offset = 0;
  };
  struct Function {
    Place place;
    bool is_definition = false;
  };
  DwarfUnit(ByteOrder order, unsigned address_size) : order_(order), address_size_(address_size) {}
  Result<void> index_names(const UnitDies& unit);
  void index_entry(const Die& die);
  Error absent(std::string_view kind, std::string_view name) const;
  Result<Die> tagged(std::string_view name) const;
  Result<void> index_anonymous_enums() const;
  Result<void> for_each_enumerator(const Die& enumeration,
                                   const std::function<bool(std::string_view, std::int64_t)>& visit) const;

  ByteOrder order_;
  unsigned address_size_;
  bool is_self_contained_ = true;
  // The names belong to the DwarfFile.
  std::unordered_map<std::string_view, Place> tags_;
  std::unordered_map<std::string_view, Function> functions_;
  std::vector<Place> anonymous_enums_;
  std::vector<Die> imports_;             ///< first entries of units that are imported and not walked yet
  std::optional<Error> import_failure_;  ///< of the first import that could not be followed
  /// Made when the first anonymous enumerator is asked for.
  mutable std::optional<std::unordered_map<std::string_view, std::int64_t>> anonymous_enumerators_;
};

}  // namespace memsect
