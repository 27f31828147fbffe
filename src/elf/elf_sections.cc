// libelf finds the sections, File reads them: libelf would keep what it read, a whole .debug_info of 160 MB
// with it. Compressed ones come in two forms:
//
//   SHF_COMPRESSED   Elf64_Chdr: u32 type (1 zlib, 2 zstd), u32 0, u64 size, u64 alignment; Elf32_Chdr: three u32
//   .zdebug_NAME     "ZLIB", u64 size in big-endian; binutils before 2.26
#include "elf/elf_sections.h"

#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <array>
#include <cstring>

#include "base/byte_reader.h"
#include "elf/inflated_section.h"

namespace memsect {
namespace {

constexpr std::uint32_t type_zlib = 1;
constexpr std::uint32_t type_zstd = 2;  // gABI of 2022; elf.h of Debian 12 does not know it yet
constexpr std::string_view old_magic = "ZLIB";
constexpr std::size_t old_header_size = 12;
constexpr std::uint64_t largest_section = std::uint64_t{4} << 30;
/// A section that is read as a whole is names or abbreviations, 20 MB in the largest kernels.
constexpr std::uint64_t largest_whole = std::uint64_t{128} << 20;

/// No stream makes more of one byte: deflate a run of 258 from 2 bits, zstd a block of 128 KiB from 4 bytes.
constexpr std::uint64_t most_from_a_byte_zlib = 1032;
constexpr std::uint64_t most_from_a_byte_zstd = 32768;

struct ElfDeleter {
  void operator()(Elf* elf) const { elf_end(elf); }
};

Error beyond_end(const ElfSection& section) {
  return {Errc::truncated,
          fmt::format("section {} ({:#x} bytes at offset {:#x}) reaches beyond the end of the file",
                      section.name, section.stored_size, section.offset),
          {}};
}

/// A size out of a damaged header must be refused before anything is allocated for it.
Result<void> check_claim(const ElfSection& section) {
  if (section.size > largest_section) {
    return Error{
        Errc::corrupt,
        fmt::format("section {} claims {:#x} bytes, more than any kernel's", section.name, section.size),
        {}};
  }
  const std::uint64_t most = section.compression == ElfSection::Compression::zlib   ? most_from_a_byte_zlib
                             : section.compression == ElfSection::Compression::zstd ? most_from_a_byte_zstd
                                                                                    : largest_section;
  if (section.size / most > section.stored_size) {
    return Error{Errc::corrupt,
                 fmt::format("section {} claims {:#x} bytes, more than {:#x} compressed bytes can become",
                             section.name, section.size, section.stored_size),
                 {}};
  }
  return {};
}

}  // namespace

ElfSections::ElfSections(std::shared_ptr<const File> file) : file_(std::move(file)) {}
ElfSections::~ElfSections() = default;

Result<std::unique_ptr<ElfSections>> ElfSections::open(std::shared_ptr<const File> file) {
  std::unique_ptr<ElfSections> sections(new ElfSections(std::move(file)));
  if (auto headers = sections->read_headers(); !headers) return std::move(headers).error();
  return sections;
}

Result<void> ElfSections::read_headers() {
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, ElfDeleter> elf(elf_begin(file_->descriptor(), ELF_C_READ, nullptr));
  GElf_Ehdr ehdr;
  std::size_t names = 0;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &ehdr) == nullptr) {
    return Error{Errc::bad_format, "is no ELF file", {}};
  }
  if (elf_getshdrstrndx(elf.get(), &names) != 0) return Error{Errc::bad_format, "has no section names", {}};
  order_ = ehdr.e_ident[EI_DATA] == ELFDATA2MSB ? ByteOrder::big : ByteOrder::little;
  is_64_ = ehdr.e_ident[EI_CLASS] == ELFCLASS64;
  is_relocatable_ = ehdr.e_type == ET_REL;

  sections_.resize(1);
  for (Elf_Scn* scn = elf_nextscn(elf.get(), nullptr); scn != nullptr; scn = elf_nextscn(elf.get(), scn)) {
    ElfSection& section = sections_.emplace_back();
    GElf_Shdr header;
    if (gelf_getshdr(scn, &header) == nullptr) continue;
    const char* name = elf_strptr(elf.get(), names, header.sh_name);
    section.name = name == nullptr ? "" : name;
    section.type = header.sh_type;
    section.link = header.sh_link;
    if (header.sh_type == SHT_NOBITS) continue;
    section.offset = header.sh_offset;
    section.stored_size = section.size = header.sh_size;
    // Sections of bad place are an error only for who wants them: many tools leave such headers behind.
    if (section.offset > file_->size() || section.size > file_->size() - section.offset) continue;
    const bool old_form = section.name.starts_with(".zdebug_");
    if (old_form) section.name = ".debug_" + section.name.substr(std::string_view(".zdebug_").size());
    const bool has_header = (header.sh_flags & SHF_COMPRESSED) != 0;
    if (!old_form && !has_header) continue;
    if (auto read = read_compression(section, has_header); !read) return read;
  }
  return {};
}

Result<void> ElfSections::read_compression(ElfSection& section, bool has_header) const {
  std::array<std::byte, 24> bytes{};
  const std::size_t size = !has_header ? old_header_size : is_64_ ? 24 : 12;
  section.compression = ElfSection::Compression::unknown;
  if (section.stored_size < size) return {};
  if (auto got = file_->read(section.offset, std::span(bytes).first(size)); !got) return got;
  section.compressed_at = section.offset + size;
  if (!has_header) {
    ByteReader reader(bytes, ByteOrder::big);
    const Bytes magic = reader.bytes(old_magic.size());
    section.size = reader.u64();
    if (std::memcmp(magic.data(), old_magic.data(), old_magic.size()) == 0)
      section.compression = ElfSection::Compression::zlib;
    return {};
  }
  ByteReader reader(bytes, order_);
  const std::uint32_t type = reader.u32();
  if (is_64_) reader.skip(4);
  section.size = reader.word(address_size());
  if (type == type_zlib) section.compression = ElfSection::Compression::zlib;
  if (type == type_zstd) section.compression = ElfSection::Compression::zstd;
  return {};
}

const ElfSection* ElfSections::find(std::string_view name) const {
  for (const ElfSection& section : sections_) {
    if (section.size > 0 && section.name == name) return &section;
  }
  return nullptr;
}

std::uint64_t ElfSections::size_of(std::string_view name) const {
  const ElfSection* section = find(name);
  return section == nullptr ? 0 : section->size;
}

/// The one place where bytes of sections come from.
Result<void> ElfSections::fill(const ElfSection& section, std::uint64_t offset,
                               std::span<std::byte> out) const {
  const auto within = [&section](Result<void> done) {
    return done ? done
                : Result<void>(std::move(done).error().within(fmt::format("section {}", section.name)));
  };
  if (section.offset > file_->size() || section.stored_size > file_->size() - section.offset)
    return beyond_end(section);
  if (offset > section.size || out.size() > section.size - offset) {
    return Error{Errc::corrupt,
                 fmt::format("section {} has {:#x} bytes, {:#x} at {:#x} were asked for", section.name,
                             section.size, out.size(), offset),
                 {}};
  }
  if (auto possible = check_claim(section); !possible) return possible;
  if (section.compression == ElfSection::Compression::none)
    return within(file_->read(section.offset + offset, out));
  auto& inflated = inflated_[&section];
  if (!inflated) {
    auto opened = InflatedSection::open(file_, section);
    if (!opened) return within(std::move(opened).error());
    inflated = std::move(*opened);
  }
  return within(inflated->read(offset, out));
}

Result<std::vector<std::byte>> ElfSections::read(std::string_view name, std::uint64_t offset,
                                                 std::uint64_t size) const {
  // A size out of a damaged file must not be allocated before it is known to be there.
  const ElfSection* section = find(name);
  const std::uint64_t there = section == nullptr ? 0 : section->size;
  if (offset > there || size > there - offset || size > largest_whole) {
    return Error{
        Errc::corrupt,
        fmt::format("{:#x} bytes at {:#x} reach beyond section {} ({:#x} bytes)", size, offset, name, there),
        {}};
  }
  if (const auto kept = loaded_.find(name); kept != loaded_.end()) {
    const Bytes part = Bytes(kept->second.span()).subspan(offset, size);
    return std::vector<std::byte>(part.begin(), part.end());
  }
  std::vector<std::byte> bytes(size);
  if (section == nullptr) return bytes;
  if (auto filled = fill(*section, offset, bytes); !filled) return std::move(filled).error();
  return bytes;
}

Result<Bytes> ElfSections::whole(std::string_view name) {
  if (const auto found = loaded_.find(name); found != loaded_.end()) return Bytes(found->second.span());
  const ElfSection* section = find(name);
  const std::uint64_t size = section == nullptr ? 0 : section->size;
  if (size > largest_whole) {
    return Error{
        Errc::corrupt, fmt::format("section {} claims {:#x} bytes, more than any kernel's", name, size), {}};
  }
  if (section != nullptr) {
    if (auto possible = check_claim(*section); !possible) return std::move(possible).error();
  }
  LargeBuffer bytes(size);
  if (section != nullptr) {
    if (auto filled = fill(*section, 0, bytes.span()); !filled) return std::move(filled).error();
  }
  return Bytes(loaded_.emplace(name, std::move(bytes)).first->second.span());
}

}  // namespace memsect
