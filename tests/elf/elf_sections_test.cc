#include "elf/elf_sections.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "support/dump_builder.h"
#include "support/memory_file.h"

namespace memsect {
namespace {

using test::Buffer;
using ::testing::HasSubstr;

constexpr std::uint32_t shf_compressed = 1U << 11;

/// Five megabytes, more than is kept of an inflated section, that compress and repeat nothing.
const Buffer& content() {
  static const Buffer bytes = [] {
    Buffer all;
    for (std::uint32_t i = 0; all.size() < std::size_t{5} << 20; ++i) {
      const Buffer line = test::to_bytes("line " + std::to_string(i * 2654435761U) + "\n");
      all.insert(all.end(), line.begin(), line.end());
    }
    return all;
  }();
  return bytes;
}

Buffer with_chdr(std::uint32_t type, std::uint64_t size, const Buffer& packed) {
  Buffer bytes(24);
  test::put_unsigned(bytes, 0, type, 4, host_byte_order);
  test::put_unsigned(bytes, 8, size, 8, host_byte_order);
  test::put_unsigned(bytes, 16, 1, 8, host_byte_order);
  bytes.insert(bytes.end(), packed.begin(), packed.end());
  return bytes;
}

Buffer with_old_header(std::uint64_t size, const Buffer& packed) {
  Buffer bytes = test::to_bytes("ZLIB");
  bytes.resize(12);
  test::put_unsigned(bytes, 4, size, 8, ByteOrder::big);
  bytes.insert(bytes.end(), packed.begin(), packed.end());
  return bytes;
}

/// An ELF file with one section beside the table of names.
std::shared_ptr<const File> elf_with(const char* name, std::uint64_t flags, const Buffer& section) {
  std::string names("\0.shstrtab\0", 11);
  const std::size_t name_at = names.size();
  names += std::string(name) + '\0';
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = host_byte_order == ByteOrder::little ? ELFDATA2LSB : ELFDATA2MSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 1;
  header.e_shoff = sizeof header;
  std::array<Elf64_Shdr, 3> sections{};
  const std::uint64_t names_at = sizeof header + sizeof sections;
  sections[1] = {1, SHT_STRTAB, 0, 0, names_at, names.size(), 0, 0, 1, 0};
  sections[2] = {static_cast<Elf64_Word>(name_at),
                 SHT_PROGBITS,
                 flags,
                 0,
                 names_at + names.size(),
                 section.size(),
                 0,
                 0,
                 1,
                 0};
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  file.append(reinterpret_cast<const char*>(sections.data()), sizeof sections);
  file += names;
  file.append(reinterpret_cast<const char*>(section.data()), section.size());
  return testing::file_of(file);
}

std::unique_ptr<ElfSections> open(const std::shared_ptr<const File>& file) {
  auto sections = ElfSections::open(file);
  EXPECT_TRUE(sections) << sections.error().message;
  return std::move(*sections);
}

struct Form {
  const char* what;
  const char* name;
  std::uint64_t flags;
  Buffer (*make)();
};
const Form forms[] = {
    {"plain", ".debug_info", 0, [] { return content(); }},
    {"zlib", ".debug_info", shf_compressed,
     [] { return with_chdr(1, content().size(), test::compress(Codec::zlib, content())); }},
    {"zlib-gnu", ".zdebug_info", 0,
     [] { return with_old_header(content().size(), test::compress(Codec::zlib, content())); }},
#ifdef MEMSECT_WITH_ZSTD
    {"zstd", ".debug_info", shf_compressed,
     [] { return with_chdr(2, content().size(), test::compress(Codec::zstd, content())); }},
#endif
};

TEST(ElfSections, GiveTheSameBytesHoweverTheyAreCompressed) {
  for (const Form& form : forms) {
    const auto sections = open(elf_with(form.name, form.flags, form.make()));
    ASSERT_EQ(sections->size_of(".debug_info"), content().size()) << form.what;
    // Forward, a little back, far back, over block boundaries, and the last byte.
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{9} << 19, (std::uint64_t{9} << 19) - 100, std::uint64_t{65'530},
          std::uint64_t{5} << 18, content().size() - 70'000, content().size() - 1}) {
      const std::uint64_t size = std::min<std::uint64_t>(70'000, content().size() - offset);
      const auto bytes = sections->read(".debug_info", offset, size);
      ASSERT_TRUE(bytes) << form.what << " " << offset << ": " << bytes.error().message;
      EXPECT_TRUE(
          std::equal(bytes->begin(), bytes->end(), content().begin() + static_cast<std::ptrdiff_t>(offset)))
          << form.what << " " << offset;
    }
    const auto whole = sections->whole(".debug_info");
    ASSERT_TRUE(whole);
    EXPECT_TRUE(std::equal(whole->begin(), whole->end(), content().begin(), content().end())) << form.what;
    EXPECT_FALSE(sections->read(".debug_info", content().size(), 1)) << form.what;
  }
}

TEST(ElfSections, SayWhereCompressedDataEndsEarly) {
  Buffer packed = test::compress(Codec::zlib, content());
  packed.resize(packed.size() / 2);
  const auto sections = open(elf_with(".debug_str", shf_compressed, with_chdr(1, content().size(), packed)));
  EXPECT_TRUE(sections->read(".debug_str", 0, 1000));
  const auto late = sections->read(".debug_str", content().size() - 10, 10);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::corrupt);
  EXPECT_THAT(late.error().message, HasSubstr("section .debug_str: the compressed data ends after"));
  EXPECT_TRUE(sections->read(".debug_str", 0, 1000)) << "what lies before the damage is still to be had";
  EXPECT_FALSE(sections->whole(".debug_str"));
}

TEST(ElfSections, SurviveDamagedCompressedData) {
  const Buffer small(content().begin(), content().begin() + 300'000);
  const Buffer sound = test::compress(Codec::zlib, small);
  for (std::size_t at = 0; at < 200; ++at) {
    Buffer packed = sound;
    packed[at * 371 % packed.size()] ^= std::byte{0x55};
    const auto sections = open(elf_with(".debug_str", shf_compressed, with_chdr(1, small.size(), packed)));
    const auto whole = sections->read(".debug_str", 299'000, 100);
    EXPECT_TRUE(whole || whole.error().code == Errc::corrupt);
  }
}

TEST(ElfSections, DoNotBelieveASizeThatNoKernelHas) {
  const Buffer packed = test::compress(Codec::zlib, content());
  for (const std::uint64_t size : {std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    const auto sections = open(elf_with(".debug_str", shf_compressed, with_chdr(1, size, packed)));
    EXPECT_EQ(sections->whole(".debug_str").error().code, Errc::corrupt);
    EXPECT_FALSE(sections->read(".debug_str", 0, size));
    EXPECT_EQ(sections->read(".debug_str", 0, 1000).error().code, Errc::corrupt);
  }
}

TEST(ElfSections, DoNotBelieveASizeThatTheirCompressedBytesCannotBecome) {
  const Buffer packed = test::compress(Codec::zlib, Buffer(100));
  const auto sections = open(elf_with(".debug_str", shf_compressed, with_chdr(1, 100 << 20, packed)));
  EXPECT_THAT(sections->whole(".debug_str").error().message, HasSubstr("compressed bytes can become"));
}

TEST(ElfSections, NameACompressionThatTheyDoNotKnow) {
  const Buffer packed = test::compress(Codec::zlib, content());
  for (const Buffer& bytes : {with_chdr(77, 1000, packed), Buffer(8)}) {
    const auto sections = open(elf_with(".debug_str", shf_compressed, bytes));
    const auto read = sections->read(".debug_str", 0, 1);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::unsupported);
    EXPECT_THAT(read.error().hint, HasSubstr("objcopy --decompress-debug-sections"));
  }
}

}  // namespace
}  // namespace memsect
