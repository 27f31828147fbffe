// The two classes have the same fields, narrower in ELFCLASS32 and p_flags elsewhere:
//
//   Ehdr: e_ident[16] e_type e_machine e_version e_entry e_phoff e_shoff e_flags e_ehsize e_phentsize e_phnum ...
//   Phdr, 64 bits: p_type p_flags p_offset p_vaddr p_paddr p_filesz p_memsz p_align
//   Phdr, 32 bits: p_type p_offset p_vaddr p_paddr p_filesz p_memsz p_flags p_align
//
// With more than 65,534 program headers e_phnum is PN_XNUM and section header 0's sh_info holds their number.
#include "formats/elf_headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_reader.h"

namespace memsect {
namespace {

constexpr std::string_view elf_magic = "\177ELF";
constexpr std::size_t class_at = 4;  // EI_CLASS: 1 for 32-bit, 2 for 64-bit
constexpr std::size_t data_at = 5;   // EI_DATA: 1 for little-endian, 2 for big-endian
constexpr std::size_t type_at = 16;
constexpr std::uint16_t et_core = 4;
constexpr std::uint16_t pn_xnum = 0xffff;

std::optional<ByteOrder> order_of(std::byte data) {
  if (data == std::byte{1}) return ByteOrder::little;
  if (data == std::byte{2}) return ByteOrder::big;
  return std::nullopt;
}

/// The number of program headers when e_phnum cannot hold it.
Result<std::uint64_t> extended_count(const ByteSource& file, std::uint64_t section_headers_at,
                                     const ElfHeader& header) {
  std::array<std::byte, 4> info{};
  if (section_headers_at > file.size()) {
    return Error{Errc::truncated,
                 fmt::format("e_phnum is PN_XNUM and section header 0 at {:#x} is beyond the end of the file",
                             section_headers_at),
                 {}};
  }
  if (auto read = file.read(section_headers_at + header.elf.section_info, info); !read) {
    return std::move(read).error().within("section header 0");
  }
  return load_unsigned(info, header.order);
}

/// Whether one of the sections has the name of those that Xen puts the pages into. `header` begins with the ELF header.
bool has_xen_pages(const ByteSource& file, Bytes header, const ElfHeader& elf,
                   std::uint64_t section_headers_at) {
  constexpr std::uint64_t largest_names = 4096;
  const bool wide = elf.elf.word == 8;
  ByteReader reader(header, elf.order);
  reader.seek(header.size() - 4);
  reader.skip(2);  // e_shnum
  const std::uint16_t names_index = reader.u16();
  std::array<std::byte, 64> entry{};
  const std::uint64_t entry_size = wide ? 64 : 40;
  if (!file.read(section_headers_at + names_index * entry_size, entry)) return false;
  ByteReader section(entry, elf.order);
  section.seek(wide ? 24 : 16);
  const std::uint64_t names_at = section.word(elf.elf.word);
  std::string names(static_cast<std::size_t>(std::min(section.word(elf.elf.word), largest_names)), '\0');
  return file.read(names_at, std::as_writable_bytes(std::span(names))) &&
         names.find(".xen_pages") != std::string::npos;
}

/// A core file that brings sections in place of program headers.
Error without_program_headers(bool by_xen) {
  if (!by_xen) return {Errc::bad_format, "is an ELF core file without program headers: it has no memory", {}};
  return {Errc::unsupported,
          "is a dump that Xen wrote (xl dump-core: pages in sections, and no program headers), a form that "
          "is not read",
          "crash opens it; a dump that memsect reads is made by kdump in the guest"};
}

/// Whether the program headers can be where the header says.
Result<void> check(const ElfHeader& header, std::uint16_t entry_size, std::uint64_t file_size) {
  if (entry_size != header.elf.program_header) {
    return Error{
        Errc::bad_format,
        fmt::format("ELF header: e_phentsize is {} instead of {}", entry_size, header.elf.program_header),
        {}};
  }
  if (header.program_headers > most_program_headers) {
    return Error{
        Errc::bad_format,
        fmt::format("ELF header: {} program headers are more than any dump has", header.program_headers),
        {}};
  }
  if (header.program_headers_at > file_size ||
      header.program_headers > (file_size - header.program_headers_at) / header.elf.program_header) {
    return Error{
        Errc::truncated,
        fmt::format(
            "ELF header: {} program headers at offset {:#x} reach beyond the end of the file ({:#x} bytes)",
            header.program_headers, header.program_headers_at, file_size),
        {}};
  }
  return {};
}

}  // namespace

bool is_elf_core(std::span<const std::byte> head) {
  if (head.size() < type_at + 2 || std::memcmp(head.data(), elf_magic.data(), elf_magic.size()) != 0)
    return false;
  const auto order = order_of(head[data_at]);
  return order && load_unsigned(head.subspan(type_at, 2), *order) == et_core;
}

Result<ElfHeader> read_elf_header(const ByteSource& file) {
  std::array<std::byte, elf_64.header> bytes{};
  const auto ident = std::span(bytes).first(type_at);
  if (auto read = file.read(0, ident); !read) return std::move(read).error().within("ELF header");
  if (bytes[class_at] != std::byte{1} && bytes[class_at] != std::byte{2}) {
    return Error{Errc::bad_format,
                 fmt::format("ELF header: class {}, where 1 is 32-bit and 2 is 64-bit",
                             std::to_integer<unsigned>(bytes[class_at])),
                 {}};
  }
  ElfHeader header;
  header.elf = bytes[class_at] == std::byte{1} ? elf_32 : elf_64;
  const auto whole = std::span(bytes).first(header.elf.header);
  if (auto read = file.read(0, whole); !read) return std::move(read).error().within("ELF header");
  header.order = order_of(bytes[data_at]).value_or(ByteOrder::little);
  ByteReader reader(whole, header.order);
  reader.seek(type_at + 2);
  header.machine = reader.u16();
  reader.skip(4 + header.elf.word);  // e_version, e_entry
  header.program_headers_at = reader.word(header.elf.word);
  const std::uint64_t section_headers_at = reader.word(header.elf.word);
  reader.skip(4 + 2);  // e_flags, e_ehsize
  const std::uint16_t entry_size = reader.u16();
  header.program_headers = reader.u16();
  if (header.program_headers == pn_xnum) {
    auto count = extended_count(file, section_headers_at, header);
    if (!count) return std::move(count).error();
    header.program_headers = *count;
  }
  if (header.program_headers == 0)
    return without_program_headers(has_xen_pages(file, whole, header, section_headers_at));
  if (auto sane = check(header, entry_size, file.size()); !sane) return std::move(sane).error();
  return header;
}

Result<ElfProgramHeader> read_program_header(const ByteSource& file, const ElfHeader& header,
                                             std::uint64_t index) {
  std::array<std::byte, elf_64.program_header> buffer{};
  const auto bytes = std::span(buffer).first(header.elf.program_header);
  if (auto read = file.read(header.program_headers_at + index * bytes.size(), bytes); !read) {
    return std::move(read).error().within(fmt::format("program header {}", index));
  }
  ByteReader reader(bytes, header.order);
  const std::size_t word = header.elf.word;
  ElfProgramHeader entry;
  entry.type = reader.u32();
  if (word == 8) reader.skip(4);  // p_flags, which stands behind p_memsz in 32 bits
  entry.offset = reader.word(word);
  entry.virt = reader.word(word);
  entry.phys = reader.word(word);
  entry.file_size = reader.word(word);
  entry.memory_size = reader.word(word);
  if (entry.phys == header.elf.no_address) entry.phys = no_elf_address;
  return entry;
}

}  // namespace memsect
