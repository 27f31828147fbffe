// The build ID lies in a note, and the note in one of two places:
//
//   section  .notes, .note.gnu.build-id, ... (SHT_NOTE)   vmlinux and its debug file
//   segment  PT_NOTE                                      where the section headers were cut off
//
// Debug files made with `objcopy --only-keep-debug` keep their notes; a note section turned into NOBITS has
// no bytes.
#include "elf/elf_image.h"

#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "memory/elf_notes.h"

namespace memsect {
namespace {

constexpr std::uint64_t largest_note_section = 1 << 20;

struct ElfDeleter {
  void operator()(Elf* elf) const { elf_end(elf); }
};

/// The build ID among the notes at [offset, offset + size), or empty.
std::string build_id_at(const File& file, ByteOrder order, std::uint64_t offset, std::uint64_t size) {
  if (offset > file.size()) return {};
  std::vector<std::byte> bytes(std::min({size, file.size() - offset, largest_note_section}));
  if (!file.read(offset, bytes)) return {};
  return gnu_build_id(parse_elf_notes(bytes, order));
}

void read_sections(Elf* elf, const File& file, ElfImage& image) {
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return;
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
       section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const bool stored = header.sh_type != SHT_NOBITS && header.sh_size > 0;
    if (!stored) continue;
    if (header.sh_type == SHT_SYMTAB) image.has_symtab = true;
    if (header.sh_type == SHT_NOTE && image.build_id.empty()) {
      image.build_id = build_id_at(file, image.order, header.sh_offset, header.sh_size);
    }
    const char* raw_name = elf_strptr(elf, names, header.sh_name);
    const std::string_view name = raw_name == nullptr ? "" : raw_name;
    if (name == ".debug_info" || name == ".zdebug_info") image.has_dwarf = true;
  }
}

void read_segments(Elf* elf, const File& file, ElfImage& image) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  for (std::size_t i = 0; i < count && image.build_id.empty(); ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) return;
    if (header.p_type != PT_NOTE) continue;
    image.build_id = build_id_at(file, image.order, header.p_offset, header.p_filesz);
  }
}

}  // namespace

Result<ElfImage> read_elf_image(const File& file) {
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, ElfDeleter> elf(elf_begin(file.descriptor(), ELF_C_READ, nullptr));
  GElf_Ehdr header;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return Error{Errc::bad_format, "is no ELF file", {}};
  }
  const std::uint64_t headers_size = std::uint64_t{header.e_shnum} * header.e_shentsize;
  if (header.e_shoff > file.size() || headers_size > file.size() - header.e_shoff) {
    return Error{Errc::truncated,
                 fmt::format("is cut off: its section headers at {:#x} lie beyond its end at {:#x}",
                             header.e_shoff, file.size()),
                 {}};
  }
  ElfImage image;
  image.type = header.e_type;
  image.machine = header.e_machine;
  image.order = header.e_ident[EI_DATA] == ELFDATA2MSB ? ByteOrder::big : ByteOrder::little;
  image.is_64 = header.e_ident[EI_CLASS] == ELFCLASS64;
  read_sections(elf.get(), file, image);
  if (image.build_id.empty()) read_segments(elf.get(), file, image);
  return image;
}

}  // namespace memsect
