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

// Two or three for each of 8,192 CPUs would be more than it takes to tell which kernel they run.
constexpr std::size_t most_cpu_notes = 4096;
constexpr std::uint64_t largest_cpu_note = 4096;
constexpr std::array<std::string_view, 3> cpu_note_names{"CORE", "LINUX", "QEMU"};

std::uint64_t padded(std::uint64_t size) { return (size + 3) / 4 * 4; }

struct NoteHeader {
  std::string name;  ///< as much of it as the longest one that is looked for has
  std::uint32_t type = 0;
  std::uint64_t at = 0, description_at = 0, description_size = 0;
  bool is_cut = false;
};

/// Calls `take` with each note until it says false or fails.
template <class Take>
Result<void> walk_notes(const ByteSource& file, std::uint64_t offset, std::uint64_t size, ByteOrder order,
                        const Take& take) {
  const std::uint64_t end = offset + std::min(size, file.size() - std::min(offset, file.size()));
  for (int i = 0; i < most_notes && offset < end && end - offset >= note_header_size; ++i) {
    // The header and, in the same read, a name as long as the one looked for.
    std::array<std::byte, note_header_size + vmcoreinfo_name.size() + 1> buffer{};
    const auto head = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - offset)));
    if (auto read = file.read(offset, head); !read) return std::move(read).error().within("ELF notes");
    ByteReader reader(buffer, order);
    NoteHeader note;
    note.at = offset;
    const std::uint64_t name_size = reader.u32();
    note.description_size = reader.u32();
    note.type = reader.u32();
    if (name_size == 0) break;
    const std::uint64_t description = note_header_size + padded(name_size);
    // Names count their NUL; some writers leave it out.
    if (name_size <= vmcoreinfo_name.size() + 1)
      note.name = reader.text(vmcoreinfo_name.size() + 1).substr(0, static_cast<std::size_t>(name_size));
    note.description_at = offset + description;
    note.is_cut = description + note.description_size > end - offset;
    auto more = take(note);
    if (!more) return std::move(more).error();
    const std::uint64_t whole = description + padded(note.description_size);
    if (!*more || whole >= end - offset) break;
    offset += whole;
  }
  return {};
}

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

Result<std::vector<std::string>> find_vmcoreinfo_notes(const ByteSource& file, std::uint64_t offset,
                                                       std::uint64_t size, ByteOrder order,
                                                       std::size_t most) {
  std::vector<std::string> texts;
  auto done = walk_notes(file, offset, size, order, [&](const NoteHeader& note) -> Result<bool> {
    if (note.name != vmcoreinfo_name) return true;
    if (note.is_cut) {
      return Error{
          Errc::truncated, fmt::format("the VMCOREINFO note at offset {:#x} is cut off", note.at), {}};
    }
    auto text = read_vmcoreinfo(file, note.description_at, note.description_size);
    if (!text) return std::move(text).error();
    texts.push_back(*std::move(text));
    return texts.size() < most;
  });
  if (!done && texts.empty()) return std::move(done).error();
  return texts;
}

void find_cpu_notes(const ByteSource& file, std::uint64_t offset, std::uint64_t size, ByteOrder order,
                    std::vector<CpuNote>& notes) {
  const auto done = walk_notes(file, offset, size, order, [&](const NoteHeader& note) -> Result<bool> {
    const bool known =
        std::find(cpu_note_names.begin(), cpu_note_names.end(), note.name) != cpu_note_names.end();
    if (!known || note.is_cut || note.description_size > largest_cpu_note) return true;
    CpuNote found{note.name, note.type,
                  std::vector<std::byte>(static_cast<std::size_t>(note.description_size))};
    if (file.read(note.description_at, found.bytes)) notes.push_back(std::move(found));
    return notes.size() < most_cpu_notes;
  });
  static_cast<void>(done);  // there are those that were found
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
