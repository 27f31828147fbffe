#include "memory/elf_notes.h"

#include <fmt/format.h>

#include "base/byte_reader.h"

namespace memsect {
namespace {
constexpr std::uint32_t nt_gnu_build_id = 3;
}

std::vector<ElfNote> parse_elf_notes(Bytes bytes, ByteOrder order) {
  std::vector<ElfNote> notes;
  ByteReader reader(bytes, order);
  while (reader.remaining() >= 12) {
    const std::uint32_t name_size = reader.u32();
    const std::uint32_t description_size = reader.u32();
    ElfNote note;
    note.type = reader.u32();
    note.name = reader.text(name_size);
    reader.align(4);
    note.description = reader.bytes(description_size);
    if (!reader.ok()) break;
    notes.push_back(std::move(note));
    if (reader.remaining() > 0 && reader.remaining() < 4) break;
    reader.align(4);
  }
  return notes;
}

std::string gnu_build_id(const std::vector<ElfNote>& notes) {
  for (const ElfNote& note : notes) {
    if (note.name != "GNU" || note.type != nt_gnu_build_id) continue;
    std::string digits;
    for (const std::byte b : note.description) digits += fmt::format("{:02x}", std::to_integer<unsigned>(b));
    return digits;
  }
  return {};
}

}  // namespace memsect
