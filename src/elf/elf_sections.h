// The sections of an ELF file: where they are, and their bytes, compressed or not.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/file.h"
#include "base/large_buffer.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

class InflatedSection;

/// A section header. Section 0 and sections without bytes in the file (SHT_NOBITS) have size 0.
struct ElfSection {
  std::string name;  ///< ".debug_info" also where the file says ".zdebug_info"
  std::uint32_t type = 0;
  std::uint32_t link = 0;  ///< sh_link: of a symbol table, the section of its names
  std::uint64_t offset = 0;
  std::uint64_t stored_size = 0;  ///< bytes in the file
  std::uint64_t size = 0;         ///< bytes it holds: more than stored_size when it is compressed
  enum class Compression { none, zlib, zstd, unknown } compression = Compression::none;
  std::uint64_t compressed_at = 0;  ///< where in the file the compressed data begins
};

/// Gives out bytes of sections. Never applies relocations: Debian's vmlinux of 5.10 and 6.1 carry leftover
/// .rela.debug_* (--emit-relocs), and what a linked file holds is final. Used by one thread.
class ElfSections {
 public:
  /// Reads the section headers. `bad_format` when it is no ELF file. Reading from a section that reaches
  /// beyond the end of the file is `truncated`.
  static Result<std::unique_ptr<ElfSections>> open(std::shared_ptr<const File> file);
  ~ElfSections();

  const std::shared_ptr<const File>& file() const { return file_; }
  ByteOrder order() const { return order_; }
  bool is_64() const { return is_64_; }
  unsigned address_size() const { return is_64_ ? 8 : 4; }
  /// Whether it is an object file that was not linked (.o, .ko): its sections have no addresses yet.
  bool is_relocatable() const { return is_relocatable_; }
  /// All of them, by number.
  const std::vector<ElfSection>& all() const { return sections_; }
  /// The first one of that name that has bytes, or null.
  const ElfSection* find(std::string_view name) const;
  /// Bytes in the section, 0 when there is none.
  std::uint64_t size_of(std::string_view name) const;

  /// `size` bytes at `offset` of the section; `corrupt` when it has not that many.
  Result<std::vector<std::byte>> read(std::string_view name, std::uint64_t offset, std::uint64_t size) const;
  /// The whole section, read once and kept. Empty when there is none.
  Result<Bytes> whole(std::string_view name);

 private:
  explicit ElfSections(std::shared_ptr<const File> file);
  Result<void> read_headers();
  Result<void> read_compression(ElfSection& section, bool has_header) const;
  Result<void> fill(const ElfSection& section, std::uint64_t offset, std::span<std::byte> out) const;

  std::shared_ptr<const File> file_;
  ByteOrder order_ = ByteOrder::little;
  bool is_64_ = true;
  bool is_relocatable_ = false;
  std::vector<ElfSection> sections_;
  std::map<std::string, LargeBuffer, std::less<>> loaded_;
  /// Of compressed sections that were read from: where inflating them has got to.
  mutable std::map<const ElfSection*, std::unique_ptr<InflatedSection>> inflated_;
};

}  // namespace memsect
