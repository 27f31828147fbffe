// An input file, read with pread through a block cache and never mapped: a mapped file that shrinks kills the
// process with SIGBUS, a read one yields an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/block_cache.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// A regular file, open for reading. Thread-safe; all reads name their offset.
class File {
 public:
  /// Opens `path`. Pipes, sockets, terminals and directories are refused: dumps are read at random.
  static Result<std::shared_ptr<const File>> open(const std::string& path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  /// Size in bytes when it was opened. The file may have shrunk since; reads say so.
  std::uint64_t size() const { return size_; }
  /// The descriptor, for libraries that read files themselves (libelf). Stays owned by the File.
  int descriptor() const { return descriptor_; }

  /// 1 to `want` bytes at `offset`, contiguous, inside one cached block. `truncated` when there are none.
  Result<View> view(std::uint64_t offset, std::size_t want) const;
  /// Exactly `out.size()` bytes at `offset`; `truncated` when the file ends before them.
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  File(std::string path, int descriptor, std::uint64_t size);
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) const;
  Result<Block> load_block(std::uint64_t index) const;

  std::string path_;
  int descriptor_;
  std::uint64_t size_;
  mutable BlockCache blocks_;
};

}  // namespace memsect
