// The codecs kdump pages are compressed with.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/view.h"

namespace memsect {

enum class Codec { zlib, lzo, snappy, zstd };

/// "zlib", "lzo", "snappy" or "zstd".
std::string_view codec_name(Codec codec);
/// Whether this build can decompress it (MEMSECT_WITH_ZSTD, _LZO, _SNAPPY at configuration; zlib always).
bool codec_built_in(Codec codec);

/// `bytes` compressed with zlib, which every reader of kdump files knows. Fails for want of memory only.
Result<std::vector<std::byte>> compress_zlib(Bytes bytes);

/// Decompresses pages, for any number of threads at once. Keeps a zstd context between pages: making one
/// costs more than decompressing a page with it.
class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  /// Decompresses all of `packed` into exactly `out`. `corrupt` when it does not decompress or has another
  /// size, `unsupported` when the codec is not built in.
  Result<void> decompress(Codec codec, Bytes packed, std::span<std::byte> out) const;

 private:
  struct Spare;
  std::unique_ptr<Spare> spare_;
};

}  // namespace memsect
