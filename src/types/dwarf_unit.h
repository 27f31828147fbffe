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
#include "elf/elf_sections.h"
#include "types/dwarf_die.h"
#include "types/dwarf_units.h"
#include "types/type_source.h"

namespace memsect {

/// What is asked for by name. C has one name space for struct, union and enum tags.
enum class DefinitionKind { tag, function, anonymous_enumerator };

/// Definitions only: of what is merely declared in the unit it knows nothing. Names are indexed once, types
/// are read when asked for. Used by one thread.
class DwarfUnit {
 public:
  /// Reads the unit and walks its top-level entries. `sections` must outlive it.
  static Result<std::unique_ptr<DwarfUnit>> open(ElfSections& sections, const UnitHeader& header);

  /// These answer `no_type` when the unit does not define it, other codes when it cannot be read.
  Result<StructLayout> find_struct(std::string_view name) const;
  Result<std::int64_t> find_enumerator(std::string_view enum_name, std::string_view enumerator) const;
  Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const;
  Result<void> find_enum(std::string_view name) const;
  Result<unsigned> parameter_count(std::string_view function) const;

  /// All names there are, in no order.
  Result<void> for_each_definition(const std::function<void(DefinitionKind, std::string_view)>& visit) const;

 private:
  struct Function {
    std::uint64_t offset = 0;
    bool is_definition = false;
  };
  DwarfUnit(std::unique_ptr<UnitDies> dies, ByteOrder order, unsigned address_size)
      : dies_(std::move(dies)), order_(order), address_size_(address_size) {}
  Result<void> index_names();
  void index_entry(const Die& die);
  Result<Die> tagged(std::string_view name) const;
  Result<void> index_anonymous_enums() const;
  Result<void> for_each_enumerator(const Die& enumeration,
                                   const std::function<bool(std::string_view, std::int64_t)>& visit) const;

  std::unique_ptr<UnitDies> dies_;
  ByteOrder order_;
  unsigned address_size_;
  // The names belong to dies_ and the ElfSections behind it.
  std::unordered_map<std::string_view, std::uint64_t> tags_;
  std::unordered_map<std::string_view, Function> functions_;
  std::vector<std::uint64_t> anonymous_enums_;
  /// Made when the first anonymous enumerator is asked for.
  mutable std::optional<std::unordered_map<std::string_view, std::int64_t>> anonymous_enumerators_;
};

}  // namespace memsect
