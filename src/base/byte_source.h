// Bytes with a size, read at random: a file, or one that is made up of pieces of another.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/notes.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// What the readers of dump formats read from. Immutable once open, so `const` means shareable between
/// threads.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// What messages call it: the path of the file.
  virtual const std::string& name() const = 0;
  /// Size in bytes. A file may have shrunk since it was opened; reads say so.
  virtual std::uint64_t size() const = 0;

  /// 1 to `want` bytes at `offset`, contiguous, kept alive by the view. `truncated` when there are none.
  virtual Result<View> view(std::uint64_t offset, std::size_t want) const = 0;
  /// As many bytes at `offset` as there are, up to `out.size()`; fewer only at the end. Leaves no trace in a
  /// cache: for long scans, and for headers that lie far apart.
  virtual Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) const = 0;
  /// The first offset from `offset` on that can hold anything but zeros, size() when there is none. Where that
  /// costs more than a look it is `offset` itself. Lets scans leap over holes that a hostile file claims.
  virtual std::uint64_t next_data(std::uint64_t offset) const { return offset; }
  /// What there is to say of how the bytes were come by (a stream that was cut short, say); null for nothing. Warnings
  /// mean that bytes are missing at the end.
  virtual const Notes* remarks() const { return nullptr; }

  /// Exactly `out.size()` bytes at `offset`; `truncated` when they are not all there.
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) const;
};

}  // namespace memsect
