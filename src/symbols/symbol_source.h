// Where the kernel's symbols are: the symbol table of a vmlinux (elf_symtab.cc), later kallsyms and
// System.map.
#pragma once

#include <optional>
#include <string_view>

#include "base/position.h"

namespace memsect {

/// A list of symbols. Addresses are as the list has them: link addresses in a vmlinux, run-time ones in
/// kallsyms.
class SymbolSource {
 public:
  virtual ~SymbolSource() = default;
  /// "symtab", "kallsyms", "system.map" or "vmcoreinfo".
  virtual std::string_view origin() const = 0;
  /// The address of `name`; of several local symbols of one name, the first in the list.
  virtual std::optional<VirtAddr> address_of(std::string_view name) const = 0;
};

}  // namespace memsect
