// Where the kernel's symbols are: the symbol table of a vmlinux (elf_symtab.cc), later kallsyms and
// System.map.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"

namespace memsect {

/// A place in code: how far behind which function.
struct CodeSymbol {
  std::string name;
  std::uint64_t offset = 0;
};

/// A list of symbols. Addresses are as the list has them: link addresses in a vmlinux, run-time ones in
/// kallsyms.
class SymbolSource {
 public:
  virtual ~SymbolSource() = default;
  /// "symtab", "kallsyms", "system.map" or "vmcoreinfo".
  virtual std::string_view origin() const = 0;
  /// The address of `name`; of several local symbols of one name, the first in the list.
  virtual std::optional<VirtAddr> address_of(std::string_view name) const = 0;
  /// The functions that the addresses lie in, one answer for each, as far as the list knows where functions begin: it
  /// does not know where they end. One pass for all, which takes milliseconds.
  virtual std::vector<std::optional<CodeSymbol>> code_at(std::span<const VirtAddr> addresses) const = 0;
};

}  // namespace memsect
