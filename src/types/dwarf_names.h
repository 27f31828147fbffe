// Which unit of a file defines a name, for types that are not where they are expected.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "types/dwarf_file.h"
#include "types/dwarf_unit.h"

namespace memsect {

/// The names that all units of a file define. Units are read in order, each once, and no further than the name that is
/// asked for: about a second for all 3,000 of a kernel, 150 to 200 MB. Used by one thread.
class DwarfNames {
 public:
  explicit DwarfNames(DwarfFile& file) : file_(file) {}
  /// Where the first unit begins that defines it, nothing when none does.
  Result<std::optional<std::uint64_t>> find(DefinitionKind kind, std::string_view name);

 private:
  using Names = std::unordered_map<std::string_view, std::uint64_t>;

  void read_unit(const UnitHeader& header);
  bool is_new(std::size_t kind, std::uint64_t offset);
  void read_split_unit(const UnitHeader& header);

  DwarfFile& file_;
  std::size_t next_unit_ = 0;
  std::array<Names, 3> names_;             ///< by DefinitionKind
  std::array<std::vector<bool>, 3> seen_;  ///< the same, by their places in .debug_str
  std::deque<std::string> kept_;           ///< names that no section holds
  std::optional<Error> failure_;  ///< of a unit that could not be read: what is not found may be in it
};

}  // namespace memsect
