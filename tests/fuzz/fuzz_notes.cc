// ELF notes, walked in a file and parsed in memory, and the text of VMCOREINFO.
#include <cstdint>

#include "formats/vmcoreinfo_note.h"
#include "memory/elf_notes.h"
#include "memory/vmcoreinfo.h"
#include "support/memory_file.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const memsect::Bytes bytes = std::as_bytes(std::span(data, size));
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto file = memsect::testing::file_of(text);
  if (!file) return -1;
  for (const auto order : {memsect::ByteOrder::little, memsect::ByteOrder::big}) {
    static_cast<void>(memsect::gnu_build_id(memsect::parse_elf_notes(bytes, order)));
    const auto found = memsect::find_vmcoreinfo_notes(*file, 0, size, order, memsect::most_vmcoreinfo_notes);
    for (std::size_t i = 0; found && i < found->size(); ++i)
      static_cast<void>(memsect::Vmcoreinfo::parse((*found)[i]));
    std::vector<memsect::CpuNote> cpus;
    memsect::find_cpu_notes(*file, 0, size, order, cpus);
  }
  const auto info = memsect::Vmcoreinfo::parse(text);
  if (!info) return 0;
  static_cast<void>(info->release());
  static_cast<void>(info->page_size());
  static_cast<void>(info->kernel_offset());
  static_cast<void>(info->symbol("_stext"));
  static_cast<void>(info->number("phys_base"));
  static_cast<void>(info->contradictions());
  return 0;
}
