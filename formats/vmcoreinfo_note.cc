// Walks the notes of a dump in the file, header by header, instead of loading them for parse_elf_notes(): the
// notes of a crash kernel can hold whole device dumps (NT_VMCOREDD, CONFIG_PROC_VMCORE_DEVICE_DUMP, from
// v4.18 on), hundreds of megabytes of them, and those come first.
//
//   u32 name size   u32 description size   u32 type   name, padded to 4   description, padded to 4
//
// A note without a name ends the list, as it does for the kernel (fs/proc/vmcore.c,
// update_note_header_size_elf64): notes of CPUs that never came up are zeros.
#include "formats/vmcoreinfo_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/byte_reader.h"

namespace memsect {
namespace {

constexpr std::uint64_t note_header_size = 12;
constexpr std::string_view vmcoreinfo_name = "VMCOREINFO";
// A few notes per CPU: far more than any machine has, and few enough to walk in no time.
constexpr int most_notes = 1 << 20;

std::uint64_t padded(std::uint64_t size) { return (size + 3) / 4 * 4; }

}  // namespace

Result<std::string> read_vmcoreinfo(const ByteSource& file, std::uint64_t offset, std::uint64_t size) {
  if (size > largest_vmcoreinfo) {
    return Error{Errc::corrupt,
                 fmt::format("VMCOREINFO of {:#x} bytes at offset {:#x}: too large to be true", size, offset),
                 {}};
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  if (auto read = file.read(offset, std::as_writable_bytes(std::span(text))); !read) {
    return std::move(read).error().within("VMCOREINFO");
  }
  text.erase(text.find_last_not_of('\0') + 1);
  return text;
}

Result<std::string> find_vmcoreinfo_note(const ByteSource& file, std::uint64_t offset, std::uint64_t size,
                                         ByteOrder order) {
  const std::uint64_t end = offset + std::min(size, file.size() - std::min(offset, file.size()));
  for (int i = 0; i < most_notes && offset < end && end - offset >= note_header_size; ++i) {
    // The header and, in the same read, a name as long as the one looked for.
    std::array<std::byte, note_header_size + vmcoreinfo_name.size() + 1> buffer{};
    const auto head = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - offset)));
    if (auto read = file.read(offset, head); !read) return std::move(read).error().within("ELF notes");
    ByteReader reader(buffer, order);
    const std::uint64_t name_size = reader.u32();
    const std::uint64_t description_size = reader.u32();
    reader.skip(4);  // the type, 0 for VMCOREINFO
    if (name_size == 0) break;
    const std::uint64_t description = note_header_size + padded(name_size);
    // Names count their NUL; some writers leave it out.
    const bool sized_alike = name_size == vmcoreinfo_name.size() || name_size == vmcoreinfo_name.size() + 1;
    if (sized_alike && reader.text(vmcoreinfo_name.size() + 1).substr(0, name_size) == vmcoreinfo_name) {
      if (description + description_size > end - offset) {
        return Error{
            Errc::truncated, fmt::format("the VMCOREINFO note at offset {:#x} is cut off", offset), {}};
      }
      return read_vmcoreinfo(file, offset + description, description_size);
    }
    const std::uint64_t whole = description + padded(description_size);
    if (whole >= end - offset) break;
    offset += whole;
  }
  return std::string();
}

ByteWriter make_vmcoreinfo_note(std::string_view text, ByteOrder order) {
  ByteWriter note(order);
  note.u32(static_cast<std::uint32_t>(vmcoreinfo_name.size() + 1));
  note.u32(static_cast<std::uint32_t>(text.size()));
  note.u32(0);  // type
  note.text(vmcoreinfo_name, vmcoreinfo_name.size() + 1);
  note.align(4);
  note.bytes(std::as_bytes(std::span(text)));
  note.align(4);
  return note;
}

}  // namespace memsect
