// A damaged ELF file, as a vmlinux is looked at before it is believed: headers, notes, the bytes of its sections
// (compressed ones too), .gnu_debuglink and the symbol table.
#include <cstdint>

#include "elf/debug_file.h"
#include "elf/elf_image.h"
#include "elf/elf_sections.h"
#include "support/memory_file.h"
#include "symbols/elf_symtab.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = memsect::testing::file_of({reinterpret_cast<const char*>(data), size});
  if (!file) return -1;
  if (const auto image = memsect::read_elf_image(*file))
    static_cast<void>(memsect::find_debug_file(file, *image));
  if (const auto symbols = memsect::open_elf_symtab(file)) {
    for (const char* name : {"_stext", "mem_section", ""}) static_cast<void>((*symbols)->address_of(name));
  }
  auto sections = memsect::ElfSections::open(file);
  if (!sections) return 0;
  constexpr std::uint64_t most = 1 << 20;  // what whole() may keep of a section that claims more, here
  for (const memsect::ElfSection& section : (*sections)->all()) {
    static_cast<void>((*sections)->read(section.name, section.size / 2, 16));  // forwards
    static_cast<void>((*sections)->read(section.name, 0, 16));                 // and back again
    if (section.size < most) static_cast<void>((*sections)->whole(section.name));
  }
  return 0;
}
