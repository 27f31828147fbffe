// The symbol table of a vmlinux.
#pragma once

#include <memory>

#include "base/file.h"
#include "base/result.h"
#include "symbols/symbol_source.h"

namespace memsect {

/// Reads the symbol table of the ELF file and indexes all of it. Addresses are link addresses. `no_symbol`
/// when the file is stripped, `bad_format` when it is no ELF file or its table points outside of it.
Result<std::unique_ptr<SymbolSource>> open_elf_symtab(std::shared_ptr<const File> file);

}  // namespace memsect
