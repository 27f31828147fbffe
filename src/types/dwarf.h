// The types of a kernel out of the DWARF of its vmlinux.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/file.h"
#include "base/position.h"
#include "base/result.h"
#include "types/type_source.h"

namespace memsect {

/// Where a symbol was linked to in the vmlinux, before KASLR.
using AddressLookup = std::function<std::optional<VirtAddr>(std::string_view)>;

/// Opens the debug information of `file`, an ELF file of any architecture. `symbols` finds the few units that
/// matter without reading the others; without it (an empty function) they are found by their names, which is
/// slower. Units are read when first needed, inside const calls: one thread at a time. `no_type` when the
/// file has no debug information, `unsupported` when it is not linked. Other files that it refers to (of dwz, .dwo, .dwp)
/// are opened here as far as the few units need them.
Result<std::unique_ptr<TypeSource>> open_dwarf(std::shared_ptr<const File> file, AddressLookup symbols);

/// The same in two steps, for others to be asked in between.
struct DwarfSources {
  std::unique_ptr<TypeSource> nearby;  ///< the few units
  std::unique_ptr<TypeSource>
      everywhere;  ///< all units: read once, about a second for a kernel, when first asked
};
Result<DwarfSources> open_dwarf_sources(std::shared_ptr<const File> file, AddressLookup symbols);

}  // namespace memsect
