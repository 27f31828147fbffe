// The notes of an ELF PT_NOTE segment or SHT_NOTE section.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_order.h"
#include "base/view.h"

namespace memsect {

/// One note. `description` points into the bytes that were parsed.
struct ElfNote {
  std::string name;
  std::uint32_t type = 0;
  Bytes description;
};

/// The notes in `bytes`, name and description padded to 4 bytes (what Linux and QEMU write whatever p_align
/// says). Stops quietly at the first note that does not fit: a cut dump ends so. The bytes must outlive the
/// notes.
std::vector<ElfNote> parse_elf_notes(Bytes bytes, ByteOrder order);

/// The GNU build ID among `notes` as lower-case hexadecimal digits, empty when there is none.
std::string gnu_build_id(const std::vector<ElfNote>& notes);

}  // namespace memsect
