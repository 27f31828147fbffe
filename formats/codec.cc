// One function per codec, each behind the switch that leaves it out of a build. Every page is a whole stream
// of its own, so the one-call interfaces of the libraries fit; they allocate at most their own context.
#include "formats/codec.h"

#include <fmt/format.h>
#include <zlib.h>

#include <atomic>
#include <utility>
#ifdef MEMSECT_WITH_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef MEMSECT_WITH_SNAPPY
#include <snappy-c.h>
#endif
#ifdef MEMSECT_WITH_ZSTD
#include <zstd.h>
#endif

namespace memsect {
namespace {

Error does_not_decompress(Codec codec, std::string_view reason) {
  return {Errc::corrupt, fmt::format("{} data does not decompress: {}", codec_name(codec), reason), {}};
}

Result<void> check_size(Codec codec, std::size_t got, std::size_t wanted) {
  if (got == wanted) return {};
  return does_not_decompress(codec, fmt::format("it holds {} bytes instead of {}", got, wanted));
}

Result<void> decompress_zlib(Bytes packed, std::span<std::byte> out) {
  uLongf size = out.size();
  const int status = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                                  reinterpret_cast<const Bytef*>(packed.data()), packed.size());
  if (status != Z_OK) return does_not_decompress(Codec::zlib, ::zError(status));
  return check_size(Codec::zlib, size, out.size());
}

#ifdef MEMSECT_WITH_LZO
Result<void> decompress_lzo(Bytes packed, std::span<std::byte> out) {
  lzo_uint size = out.size();
  // lzo_init() is left out on purpose: it only checks the sizes of C types, and keeps nothing.
  const int status =
      ::lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(packed.data()), packed.size(),
                              reinterpret_cast<unsigned char*>(out.data()), &size, nullptr);
  if (status != LZO_E_OK) return does_not_decompress(Codec::lzo, fmt::format("error {}", status));
  return check_size(Codec::lzo, size, out.size());
}
#endif

#ifdef MEMSECT_WITH_SNAPPY
Result<void> decompress_snappy(Bytes packed, std::span<std::byte> out) {
  std::size_t size = out.size();
  const snappy_status status = ::snappy_uncompress(reinterpret_cast<const char*>(packed.data()),
                                                   packed.size(), reinterpret_cast<char*>(out.data()), &size);
  if (status == SNAPPY_BUFFER_TOO_SMALL)
    return does_not_decompress(Codec::snappy, "it holds more than a page");
  if (status != SNAPPY_OK) return does_not_decompress(Codec::snappy, "invalid input");
  return check_size(Codec::snappy, size, out.size());
}
#endif

}  // namespace

#ifdef MEMSECT_WITH_ZSTD
namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
};
using ZstdContext = std::unique_ptr<ZSTD_DCtx, FreeContext>;

}  // namespace

/// One zstd context that is not in use. A thread takes it out of the slot, or makes one when another thread
/// was faster, and puts it back: of several that come back at once, one stays.
struct Decompressor::Spare {
  std::atomic<ZSTD_DCtx*> slot = nullptr;

  ~Spare() { put(ZstdContext()); }
  ZstdContext take() {
    ZstdContext context(slot.exchange(nullptr));
    if (!context) context.reset(::ZSTD_createDCtx());
    return context;
  }
  void put(ZstdContext context) { const ZstdContext replaced(slot.exchange(context.release())); }

  Result<void> decompress_zstd(Bytes packed, std::span<std::byte> out) {
    ZstdContext context = take();
    if (!context) return does_not_decompress(Codec::zstd, "no memory for a context");
    // In one call zstd writes straight into `out`: the window size a hostile frame claims allocates nothing.
    const std::size_t size =
        ::ZSTD_decompressDCtx(context.get(), out.data(), out.size(), packed.data(), packed.size());
    put(std::move(context));
    if (::ZSTD_isError(size) != 0) return does_not_decompress(Codec::zstd, ::ZSTD_getErrorName(size));
    return check_size(Codec::zstd, size, out.size());
  }
};
#else
struct Decompressor::Spare {};
#endif

Decompressor::Decompressor() : spare_(std::make_unique<Spare>()) {}
Decompressor::~Decompressor() = default;

std::string_view codec_name(Codec codec) {
  switch (codec) {
    case Codec::zlib:
      return "zlib";
    case Codec::lzo:
      return "lzo";
    case Codec::snappy:
      return "snappy";
    case Codec::zstd:
      return "zstd";
  }
  return "unknown";
}

bool codec_built_in(Codec codec) {
  bool built_in = codec == Codec::zlib;
#ifdef MEMSECT_WITH_LZO
  built_in = built_in || codec == Codec::lzo;
#endif
#ifdef MEMSECT_WITH_SNAPPY
  built_in = built_in || codec == Codec::snappy;
#endif
#ifdef MEMSECT_WITH_ZSTD
  built_in = built_in || codec == Codec::zstd;
#endif
  return built_in;
}

Result<std::vector<std::byte>> compress_zlib(Bytes bytes) {
  uLongf size = ::compressBound(bytes.size());
  std::vector<std::byte> packed(size);
  const int status =
      ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                  reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), Z_BEST_COMPRESSION);
  if (status != Z_OK) return Error{Errc::io, fmt::format("zlib does not compress: {}", ::zError(status)), {}};
  packed.resize(size);
  return packed;
}

Result<void> Decompressor::decompress(Codec codec, Bytes packed, std::span<std::byte> out) const {
  switch (codec) {
    case Codec::zlib:
      return decompress_zlib(packed, out);
#ifdef MEMSECT_WITH_LZO
    case Codec::lzo:
      return decompress_lzo(packed, out);
#endif
#ifdef MEMSECT_WITH_SNAPPY
    case Codec::snappy:
      return decompress_snappy(packed, out);
#endif
#ifdef MEMSECT_WITH_ZSTD
    case Codec::zstd:
      return spare_->decompress_zstd(packed, out);
#endif
    default:
      break;
  }
  return Error{Errc::unsupported,
               fmt::format("compressed with {}, which this build of memsect leaves out", codec_name(codec)),
               fmt::format("build memsect with {} support", codec_name(codec))};
}

}  // namespace memsect
