// Files that were compressed as a whole, by gzip and the like: unpacked front to back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/byte_source.h"
#include "base/file.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

enum class Packing { gzip, xz, zstd, bzip2, lzop };

/// "gzip", "xz", ...
std::string_view packing_name(Packing packing);
/// The command that unpacks it: "gunzip --keep FILE".
std::string_view unpack_command(Packing packing);
/// Whether this build can unpack it (MEMSECT_WITH_ZSTD, _LZMA, _BZIP2, _LZO at configuration; gzip always).
bool packing_built_in(Packing packing);
/// How a file that begins with `head` is compressed; nothing when it is not.
std::optional<Packing> packing_of(Bytes head);

/// Gives the bytes of one compressed file, front to back.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  /// Fills the beginning of `out`: how many bytes, 0 at the end. `truncated` where the file ends within the stream,
  /// after all that came before it was given; `corrupt` where the stream makes no sense.
  virtual Result<std::size_t> read(std::span<std::byte> out) = 0;
  /// How far the file has been read.
  virtual std::uint64_t position() const = 0;
};

/// `unsupported` when this build cannot. The source must outlive the result.
Result<std::unique_ptr<Unpacker>> make_unpacker(Packing packing, const ByteSource& source);

struct UnpackRequest {
  std::uint64_t at_most = 0;  ///< bytes when unpacked: a small file can hold any number of zeros
  /// Told how many bytes of the file have been read.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// Unpacks `packed` into a temporary file (base/temp_file.h), which is called by the name of `packed`. A stream that was
/// cut off is used as far as it goes, with a warning in the result's remarks. `unsupported` for more than `at_most` bytes.
Result<std::shared_ptr<const File>> unpack_file(const File& packed, Packing packing,
                                                const UnpackRequest& request);

// The parts: one file a family.
Result<std::unique_ptr<Unpacker>> make_stream_unpacker(Packing packing, const ByteSource& source);
std::unique_ptr<Unpacker> make_lzop_unpacker(const ByteSource& source);

}  // namespace memsect
