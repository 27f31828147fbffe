// Writes small dump files for tests, from a description of what is in them:
//
//   KdumpRecipe recipe;
//   recipe.pages[0x100] = stored_page("hello", Codec::zlib);
//   recipe.pages[0x101] = excluded_page();
//   const auto dump = open_dump(build_kdump(recipe).bytes);
//
// The builders write whatever they are told, sensible or not; they share no code with the readers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/file.h"
#include "base/view.h"
#include "formats/codec.h"
#include "formats/format.h"

namespace memsect::test {

using Buffer = std::vector<std::byte>;

/// The bytes of `text`.
Buffer to_bytes(std::string_view text);
/// `size` bytes that start with `text` and go on with a pattern that compresses, different for each text.
Buffer page_of_text(std::string_view text, std::size_t size = 4096);
/// Overwrites `size` bytes at `at` with the low bytes of `value`.
void put_unsigned(Buffer& buffer, std::size_t at, std::uint64_t value, std::size_t size, ByteOrder order);
/// `packed` by the codec; `bytes` as they are when the build leaves the codec out (nobody can read them
/// then).
Buffer compress(Codec codec, Bytes bytes);

/// One page of a kdump file. What is not told is as makedumpfile would write it.
struct KdumpPage {
  enum class Kind {
    stored,
    excluded,  ///< it exists, and the filter left it out
  };
  Kind kind = Kind::stored;
  Buffer bytes;                         ///< empty: zeros
  std::optional<Codec> codec;           ///< nothing: stored raw
  std::optional<Buffer> packed;         ///< the data as stored, in place of compressing `bytes`
  std::optional<std::uint32_t> flags;   ///< of the descriptor
  std::optional<std::uint32_t> size;    ///< of the descriptor
  std::optional<std::uint64_t> offset;  ///< of the descriptor; 0 stands for "never written"
};

/// A page that holds page_of_text(text), compressed with `codec`, or raw.
KdumpPage stored_page(std::string_view text, std::optional<Codec> codec = std::nullopt,
                      std::size_t size = 4096);
KdumpPage excluded_page();

struct KdumpRecipe {
  std::uint32_t version = 6;
  ByteOrder order = ByteOrder::little;
  std::uint32_t block_size = 4096;
  std::uint32_t status = 0;
  std::string machine = "x86_64";
  std::uint32_t dump_level = 31;
  std::uint32_t split = 0;
  std::uint64_t start_pfn = 0;  ///< of a split dump: only pages from here
  std::uint64_t end_pfn = 0;    ///< up to here have descriptors and data
  unsigned word_bits = 64;      ///< of the machine
  unsigned alignment = 8;  ///< of 64-bit numbers, with 32-bit words: 4 as on i386 and by QEMU, 8 as on arm
  std::string release = "6.1.0-test";
  std::string vmcoreinfo;            ///< written from version 3 on
  bool vmcoreinfo_in_notes = false;  ///< as a note (version 4), not where the sub header points
  std::map<std::uint64_t, KdumpPage> pages;
  std::vector<PhysRange> excluded;       ///< more pages that exist and were left out, many at once
  std::optional<std::uint64_t> max_pfn;  ///< otherwise one more than the last page
};

/// A kdump file and where its parts begin.
struct Kdump {
  Buffer bytes;
  std::uint64_t sub_header_at = 0;
  std::uint64_t existing_at = 0;  ///< 1st bitmap
  std::uint64_t stored_at = 0;    ///< 2nd bitmap
  std::uint64_t descriptors_at = 0;
  std::uint64_t data_at = 0;
};
Kdump build_kdump(const KdumpRecipe& recipe);
/// The parts of a split dump that begin at these page numbers, the first at 0; the last ends with the dump.
std::vector<Buffer> build_split_kdump(KdumpRecipe recipe, const std::vector<std::uint64_t>& starts);

/// A program header and what it stands for. Sizes that are not told are those of the bytes.
struct ElfSegment {
  std::uint32_t type = 1;  ///< PT_LOAD
  std::uint64_t phys = 0;
  std::uint64_t virt = 0;
  Buffer bytes;
  std::optional<std::uint64_t> file_size;
  std::optional<std::uint64_t> memory_size;
  std::optional<std::uint64_t> offset;
};

struct ElfRecipe {
  ByteOrder order = ByteOrder::little;
  std::uint8_t elf_class = 2;  ///< 1: 32-bit headers
  std::uint16_t type = 4;      ///< ET_CORE
  std::uint16_t machine = 62;  ///< EM_X86_64
  std::vector<ElfSegment> segments;
  bool sections_first =
      false;  ///< as QEMU does: a section header table before the program headers, e_ehsize 8
  bool extended_count = false;  ///< e_phnum is PN_XNUM, the number is in section header 0
};
Buffer build_elf_core(const ElfRecipe& recipe);

/// A record of a flattened file.
struct FlatRecord {
  std::uint64_t offset = 0;  ///< in the dump
  Buffer bytes;
  std::optional<std::uint64_t> size;  ///< what the header says, where that is not the number of bytes
};

struct FlatRecipe {
  std::uint64_t type = 1;
  std::uint64_t version = 1;
  std::vector<FlatRecord> records;
  bool end_mark = true;
};
Buffer build_flattened(const FlatRecipe& recipe);
/// `dump` in records of `size` bytes, front to back.
FlatRecipe flat_recipe(Bytes dump, std::size_t size = 1000);

/// The bytes of one ELF note.
Buffer elf_note(std::string_view name, std::uint32_t type, std::string_view description,
                ByteOrder order = ByteOrder::little);
/// A PT_LOAD segment with these bytes.
ElfSegment load_segment(std::uint64_t phys, Buffer bytes);
/// A PT_NOTE segment with these notes.
ElfSegment note_segment(const Buffer& notes);

/// A file with these bytes, gone when the object is.
class TempFile {
 public:
  explicit TempFile(Bytes bytes);
  ~TempFile();
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  TempFile(TempFile&& other) noexcept;
  TempFile& operator=(TempFile&& other) noexcept;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};
TempFile write_temp_file(Bytes bytes);

/// Opens `bytes` as a dump the way the program does: sniff, then open. `bad_format` when no format knows it.
Result<Dump> open_dump(Bytes bytes);
/// The same for the parts of one dump, which all must be of the format of the first.
Result<Dump> open_split_dump(const std::vector<Buffer>& parts);

}  // namespace memsect::test
