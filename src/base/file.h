// An input file, read with pread through a block cache and never mapped: a mapped file that shrinks kills the
// process with SIGBUS, a read one yields an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/block_cache.h"
#include "base/byte_source.h"
#include "base/notes.h"

namespace memsect {

/// A regular file, open for reading. Thread-safe; all reads name their offset.
class File final : public ByteSource {
 public:
  /// Opens `path`. Pipes, sockets, terminals and directories are refused: dumps are read at random.
  static Result<std::shared_ptr<const File>> open(const std::string& path);
  /// A file that is open already and belongs to the object from now on. Messages call it `path`; `remarks` are what
  /// there is to say of how it came about.
  static std::shared_ptr<const File> adopt(std::string path, int descriptor, std::uint64_t size,
                                           Notes remarks);
  ~File() override;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& path() const { return path_; }
  const std::string& name() const override { return path_; }
  std::uint64_t size() const override { return size_; }
  /// The descriptor, for libraries that read files themselves (libelf). Stays owned by the File.
  int descriptor() const { return descriptor_; }

  Result<View> view(std::uint64_t offset, std::size_t want) const override;
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) const override;
  std::uint64_t next_data(std::uint64_t offset) const override;
  const Notes* remarks() const override { return &remarks_; }

 private:
  File(std::string path, int descriptor, std::uint64_t size, Notes remarks);
  Result<Block> load_block(std::uint64_t index) const;

  std::string path_;
  int descriptor_;
  std::uint64_t size_;
  Notes remarks_;
  mutable BlockCache blocks_;
};

}  // namespace memsect
