// A damaged vmlinux, from its ELF header to the last type: every question gets an answer or an error.
#include <cstdint>

#include "elf/elf_image.h"
#include "support/memory_file.h"
#include "symbols/elf_symtab.h"
#include "types/dwarf.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = memsect::testing::file_of({reinterpret_cast<const char*>(data), size});
  if (!file) return -1;
  static_cast<void>(memsect::read_elf_image(*file));
  auto table = memsect::open_elf_symtab(file);
  const std::shared_ptr<memsect::SymbolSource> symbols = table ? std::move(*table) : nullptr;
  const auto types = memsect::open_dwarf(file, [&symbols](std::string_view name) {
    return symbols ? symbols->address_of(name) : std::optional<memsect::VirtAddr>();
  });
  if (!types) return 0;
  for (const char* name : {"mem_section", "mem_section_usage", "page", "zone", "pglist_data", "memory_block",
                           "arrays", "bits", "nested", "scalars"}) {
    static_cast<void>((*types)->find_struct(name));
  }
  static_cast<void>((*types)->find_enumerator("migratetype", "MIGRATE_ISOLATE"));
  static_cast<void>((*types)->find_enumerator("", "SECTION_IS_ONLINE_BIT"));
  static_cast<void>((*types)->parameter_count("get_pfnblock_flags_mask"));
  return 0;
}
