// A compressed section, read as if it were not.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/block_cache.h"
#include "base/file.h"
#include "base/result.h"
#include "elf/elf_sections.h"

namespace memsect {

/// Inflates from front to back and only as far as is asked for, keeping the last few megabytes. A read
/// further back starts again. Used by one thread.
class InflatedSection {
 public:
  /// `unsupported` for a compression that is not known or not built in.
  static Result<std::unique_ptr<InflatedSection>> open(std::shared_ptr<const File> file,
                                                       const ElfSection& section);
  virtual ~InflatedSection() = default;

  /// Exactly `out.size()` bytes at `offset`; `corrupt` when the data is damaged or ends before them.
  Result<void> read(std::uint64_t offset, std::span<std::byte> out);

 protected:
  InflatedSection(std::shared_ptr<const File> file, const ElfSection& section);
  /// Begins again at the first byte.
  virtual Result<void> restart() = 0;
  /// Inflates from `packed` into `out`, takes off both what was used. Whether the stream has ended.
  virtual Result<bool> inflate(Bytes& packed, std::span<std::byte>& out) = 0;

 private:
  Result<Block> next_block();
  Result<void> refill();

  std::shared_ptr<const File> file_;
  std::uint64_t packed_start_, packed_end_;
  std::uint64_t size_;
  BlockCache blocks_;
  bool started_ = false, ended_ = false;
  std::uint64_t next_index_ = 0;  ///< the block that inflating gives next
  std::uint64_t packed_at_ = 0;   ///< in the file
  std::vector<std::byte> buffer_;
  Bytes packed_;  ///< the unused rest of buffer_
};

}  // namespace memsect
