// What kind of ELF file a vmlinux is, read from its headers and its notes: nothing of its contents.
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_order.h"
#include "base/file.h"
#include "base/result.h"

namespace memsect {

/// The identity of an ELF file and what it brings along.
struct ElfImage {
  std::string build_id;  ///< lower-case hexadecimal, empty when it has none
  std::uint16_t type =
      0;  ///< ET_*: a vmlinux is ET_EXEC, or ET_DYN where it relocates itself; a dump is ET_CORE
  std::uint16_t machine = 0;  ///< EM_*
  ByteOrder order = ByteOrder::little;
  bool is_64 = true;
  bool has_symtab = false;  ///< a symbol table with contents
  bool has_dwarf = false;   ///< .debug_info with contents, compressed or not
};

/// Reads the headers of `file`; `bad_format` when it is no ELF file.
Result<ElfImage> read_elf_image(const File& file);

}  // namespace memsect
