// The debug sections of an ELF file: where they are, and their bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/file.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// Gives out bytes of .debug_* sections. Never applies relocations: Debian's vmlinux of 5.10 and 6.1 carry
/// leftover .rela.debug_* (--emit-relocs), and what a linked file holds is final. Used by one thread.
class DebugSections {
 public:
  /// Reads the section headers. `no_type` without .debug_info, `unsupported` for object files (.o, .ko),
  /// whose debug sections are not linked yet, and for compressed debug sections.
  static Result<std::unique_ptr<DebugSections>> open(std::shared_ptr<const File> file);

  ByteOrder order() const { return order_; }
  unsigned address_size() const { return address_size_; }
  /// Bytes in the section, 0 when there is none.
  std::uint64_t size_of(std::string_view name) const;
  /// `size` bytes at `offset` of the section; `corrupt` when it has not that many.
  Result<std::vector<std::byte>> read(std::string_view name, std::uint64_t offset, std::uint64_t size) const;
  /// The whole section, read once and kept. Empty when there is none.
  Result<Bytes> whole(std::string_view name);

 private:
  struct Section {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    bool compressed = false;
  };
  struct Loaded {
    std::unique_ptr<std::byte[]> bytes;
    std::uint64_t size = 0;
  };
  explicit DebugSections(std::shared_ptr<const File> file) : file_(std::move(file)) {}
  Result<void> read_headers();
  Result<void> fill(std::string_view name, std::uint64_t offset, std::span<std::byte> out) const;

  std::shared_ptr<const File> file_;
  ByteOrder order_ = ByteOrder::little;
  unsigned address_size_ = 8;
  std::map<std::string, Section, std::less<>> sections_;
  std::map<std::string, Loaded, std::less<>> loaded_;
};

}  // namespace memsect
