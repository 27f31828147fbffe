// libelf finds the sections, File reads them: libelf would keep what it read, a whole .debug_info of 160 MB
// with it.
#include "types/dwarf_sections.h"

#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

namespace memsect {
namespace {

struct ElfDeleter {
  void operator()(Elf* elf) const { elf_end(elf); }
};

/// Under which name a section is asked for, or empty: ".zdebug_info", the compression of binutils before 2.26
/// that changes the name, is .debug_info.
std::string debug_name(const char* name) {
  const std::string_view text = name == nullptr ? "" : name;
  if (text.starts_with(".debug_")) return std::string(text);
  if (text.starts_with(".zdebug_")) return "." + std::string(text.substr(2));
  return {};
}

}  // namespace

Result<std::unique_ptr<DebugSections>> DebugSections::open(std::shared_ptr<const File> file) {
  std::unique_ptr<DebugSections> sections(new DebugSections(std::move(file)));
  if (auto headers = sections->read_headers(); !headers) return std::move(headers).error();
  if (sections->size_of(".debug_info") == 0) {
    return Error{Errc::no_type, "has no debug information (.debug_info)",
                 "the vmlinux of the debug package has it"};
  }
  for (const std::string_view needed : {".debug_info", ".debug_abbrev"}) {
    if (auto readable = sections->fill(needed, 0, {}); !readable) return std::move(readable).error();
  }
  return sections;
}

Result<void> DebugSections::read_headers() {
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, ElfDeleter> elf(elf_begin(file_->descriptor(), ELF_C_READ, nullptr));
  GElf_Ehdr ehdr;
  std::size_t names = 0;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &ehdr) == nullptr) {
    return Error{Errc::bad_format, "is no ELF file", {}};
  }
  if (ehdr.e_type == ET_REL) {
    return Error{Errc::unsupported,
                 "is an object file that was not linked, its debug information has no addresses",
                 "name the vmlinux instead"};
  }
  if (elf_getshdrstrndx(elf.get(), &names) != 0) return Error{Errc::bad_format, "has no section names", {}};
  order_ = ehdr.e_ident[EI_DATA] == ELFDATA2MSB ? ByteOrder::big : ByteOrder::little;
  address_size_ = ehdr.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;

  for (Elf_Scn* scn = elf_nextscn(elf.get(), nullptr); scn != nullptr; scn = elf_nextscn(elf.get(), scn)) {
    GElf_Shdr header;
    if (gelf_getshdr(scn, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
    const char* raw_name = elf_strptr(elf.get(), names, header.sh_name);
    const std::string name = debug_name(raw_name);
    if (name.empty()) continue;
    if (header.sh_offset > file_->size() || header.sh_size > file_->size() - header.sh_offset) {
      return Error{Errc::truncated,
                   fmt::format("section {} ({:#x} bytes at offset {:#x}) reaches beyond the end of the file",
                               name, header.sh_size, header.sh_offset),
                   {}};
    }
    const bool compressed = name != raw_name || (header.sh_flags & SHF_COMPRESSED) != 0;
    sections_.try_emplace(name, Section{header.sh_offset, header.sh_size, compressed});
  }
  return {};
}

std::uint64_t DebugSections::size_of(std::string_view name) const {
  const auto found = sections_.find(name);
  return found == sections_.end() ? 0 : found->second.size;
}

/// The one place where bytes of sections come from. Compressed sections are to be inflated here.
Result<void> DebugSections::fill(std::string_view name, std::uint64_t offset,
                                 std::span<std::byte> out) const {
  const auto found = sections_.find(name);
  const Section section = found == sections_.end() ? Section{} : found->second;
  if (section.compressed) {
    return Error{Errc::unsupported, fmt::format("section {} is compressed", name),
                 "uncompress it: objcopy --decompress-debug-sections VMLINUX NEW_FILE"};
  }
  if (offset > section.size || out.size() > section.size - offset) {
    return Error{Errc::corrupt,
                 fmt::format("section {} has {:#x} bytes, {:#x} at {:#x} were asked for", name, section.size,
                             out.size(), offset),
                 {}};
  }
  if (auto read = file_->read(section.offset + offset, out); !read) {
    return std::move(read).error().within(fmt::format("section {}", name));
  }
  return {};
}

Result<std::vector<std::byte>> DebugSections::read(std::string_view name, std::uint64_t offset,
                                                   std::uint64_t size) const {
  // A size out of a damaged file must not be allocated before it is known to be there.
  const std::uint64_t there = size_of(name);
  if (offset > there || size > there - offset) {
    return Error{
        Errc::corrupt,
        fmt::format("{:#x} bytes at {:#x} reach beyond section {} ({:#x} bytes)", size, offset, name, there),
        {}};
  }
  std::vector<std::byte> bytes(size);
  if (auto filled = fill(name, offset, bytes); !filled) return std::move(filled).error();
  return bytes;
}

Result<Bytes> DebugSections::whole(std::string_view name) {
  if (const auto found = loaded_.find(name); found != loaded_.end()) {
    return Bytes(found->second.bytes.get(), found->second.size);
  }
  Loaded section;
  section.size = size_of(name);
  section.bytes = std::make_unique_for_overwrite<std::byte[]>(section.size);
  if (auto filled = fill(name, 0, {section.bytes.get(), section.size}); !filled)
    return std::move(filled).error();
  const Loaded& kept = loaded_.emplace(name, std::move(section)).first->second;
  return Bytes(kept.bytes.get(), kept.size);
}

}  // namespace memsect
