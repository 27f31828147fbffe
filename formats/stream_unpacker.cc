// gzip, xz, zstd and bzip2, each by its library. A file may hold several streams, one after the other (pigz, pbzip2,
// zstd of several threads, cat a.gz b.gz). What follows the last one and begins like none is left out, as the tools do.
//
// Memory is bounded by the windows that streams ask for: 256 MiB for xz (`xz -9` asks for 65), 128 MiB for zstd, as its
// own tool does; gzip and bzip2 know no larger ones than 32 KiB and 900 KB.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#ifdef MEMSECT_WITH_BZIP2
#include <bzlib.h>
#endif
#ifdef MEMSECT_WITH_LZMA
#include <lzma.h>
#endif
#ifdef MEMSECT_WITH_ZSTD
#include <zstd.h>
#endif

#include "formats/packed_input.h"
#include "formats/packing.h"

namespace memsect {
namespace {

/// What one call of a library did.
struct Step {
  std::size_t consumed = 0;
  std::size_t produced = 0;
  bool ended = false;  ///< the stream, and another may follow
};

/// One library.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// `in` is empty at the end of the file.
  virtual Result<Step> step(Bytes in, std::span<std::byte> out) = 0;
  /// Makes ready for the next stream.
  virtual Result<void> restart() = 0;
  /// Whether a stream can begin with that byte.
  virtual bool begins_with(std::byte first) const = 0;
};

Error damaged(std::string_view reason) {
  return {Errc::corrupt, fmt::format("does not unpack: {}", reason), {}};
}

// The library takes const away and does not write.
template <class Byte>
Byte* mutable_bytes(Bytes bytes) {
  return reinterpret_cast<Byte*>(const_cast<std::byte*>(bytes.data()));
}

constexpr std::size_t largest_call = std::size_t{1} << 30;  // libraries count in 32 bits

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() {
    constexpr int with_gzip_header = 16;
    ready_ = ::inflateInit2(&stream_, MAX_WBITS + with_gzip_header) == Z_OK;
  }
  ~GzipDecoder() override { ::inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  Result<Step> step(Bytes in, std::span<std::byte> out) override {
    if (!ready_) return damaged("no memory for zlib");
    stream_.next_in = mutable_bytes<Bytef>(in);
    stream_.avail_in = static_cast<uInt>(std::min(in.size(), largest_call));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), largest_call));
    const uInt had = stream_.avail_in, room = stream_.avail_out;
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      return damaged(stream_.msg != nullptr ? stream_.msg : ::zError(status));
    return Step{had - stream_.avail_in, room - stream_.avail_out, status == Z_STREAM_END};
  }
  Result<void> restart() override {
    return ::inflateReset(&stream_) == Z_OK ? Result<void>() : damaged("zlib cannot start again");
  }
  bool begins_with(std::byte first) const override { return first == std::byte{0x1f}; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

#ifdef MEMSECT_WITH_BZIP2
class Bzip2Decoder final : public Decoder {
 public:
  Bzip2Decoder() { ready_ = ::BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK; }
  ~Bzip2Decoder() override {
    if (ready_) ::BZ2_bzDecompressEnd(&stream_);
  }
  Bzip2Decoder(const Bzip2Decoder&) = delete;
  Bzip2Decoder& operator=(const Bzip2Decoder&) = delete;

  Result<Step> step(Bytes in, std::span<std::byte> out) override {
    if (!ready_) return damaged("no memory for bzip2");
    stream_.next_in = mutable_bytes<char>(in);
    stream_.avail_in = static_cast<unsigned>(std::min(in.size(), largest_call));
    stream_.next_out = reinterpret_cast<char*>(out.data());
    stream_.avail_out = static_cast<unsigned>(std::min(out.size(), largest_call));
    const unsigned had = stream_.avail_in, room = stream_.avail_out;
    const int status = ::BZ2_bzDecompress(&stream_);
    if (status != BZ_OK && status != BZ_STREAM_END) return damaged(fmt::format("bzip2 error {}", status));
    return Step{had - stream_.avail_in, room - stream_.avail_out, status == BZ_STREAM_END};
  }
  Result<void> restart() override {
    if (ready_) ::BZ2_bzDecompressEnd(&stream_);
    stream_ = {};
    ready_ = ::BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK;
    return ready_ ? Result<void>() : damaged("no memory for bzip2");
  }
  bool begins_with(std::byte first) const override { return first == std::byte{'B'}; }

 private:
  bz_stream stream_{};
  bool ready_ = false;
};
#endif

#ifdef MEMSECT_WITH_LZMA
class XzDecoder final : public Decoder {
 public:
  XzDecoder() { start(); }
  ~XzDecoder() override { ::lzma_end(&stream_); }
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;

  Result<Step> step(Bytes in, std::span<std::byte> out) override {
    if (!ready_) return damaged("no memory for liblzma");
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_out = out.size();
    const lzma_ret status = ::lzma_code(&stream_, in.empty() ? LZMA_FINISH : LZMA_RUN);
    const Step step{in.size() - stream_.avail_in, out.size() - stream_.avail_out, status == LZMA_STREAM_END};
    if (status == LZMA_OK || status == LZMA_STREAM_END || status == LZMA_BUF_ERROR) return step;
    if (status == LZMA_MEMLIMIT_ERROR) {
      return Error{Errc::unsupported,
                   fmt::format("takes {} MiB of memory to unpack, and {} are allowed",
                               (::lzma_memusage(&stream_) + (1U << 20) - 1) >> 20, memory_limit >> 20),
                   "unpack it first: unxz --keep FILE"};
    }
    return damaged(status == LZMA_DATA_ERROR     ? "the data is damaged"
                   : status == LZMA_FORMAT_ERROR ? "what follows is not xz"
                                                 : fmt::format("xz error {}", static_cast<int>(status)));
  }
  Result<void> restart() override {
    start();
    return ready_ ? Result<void>() : damaged("no memory for liblzma");
  }
  // Zeros may lie between streams, to multiples of four; the library reads them with the stream.
  bool begins_with(std::byte) const override { return false; }

 private:
  static constexpr std::uint64_t memory_limit = std::uint64_t{256} << 20;

  void start() { ready_ = ::lzma_stream_decoder(&stream_, memory_limit, LZMA_CONCATENATED) == LZMA_OK; }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false;
};
#endif

#ifdef MEMSECT_WITH_ZSTD
class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(::ZSTD_createDCtx()) {}

  Result<Step> step(Bytes in, std::span<std::byte> out) override {
    if (!context_) return damaged("no memory for zstd");
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t left = ::ZSTD_decompressStream(context_.get(), &to, &from);
    if (::ZSTD_isError(left) != 0) {
      const std::string_view reason = ::ZSTD_getErrorName(left);
      if (reason.find("memory") == std::string_view::npos) return damaged(reason);
      return Error{Errc::unsupported, fmt::format("does not unpack: {}", reason),
                   "unpack it first: unzstd --long=31 FILE"};
    }
    return Step{from.pos, to.pos, left == 0};
  }
  Result<void> restart() override { return {}; }  // the library goes on by itself
  /// A frame (0xfd2fb528) or one to be skipped (0x184d2a50 to 5f).
  bool begins_with(std::byte first) const override {
    return first == std::byte{0x28} || (first & std::byte{0xf0}) == std::byte{0x50};
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_;
};
#endif

class StreamUnpacker final : public Unpacker {
 public:
  StreamUnpacker(std::unique_ptr<Decoder> decoder, const ByteSource& source)
      : decoder_(std::move(decoder)), input_(source) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size() && !ended_) {
      auto in = input_.peek();
      if (!in) return std::move(in).error();
      auto step = decoder_->step(*in, out.subspan(done));
      if (!step) return std::move(step).error();
      input_.consume(step->consumed);
      done += step->produced;
      if (step->ended) {
        if (auto next = find_next_stream(); !next) return std::move(next).error();
      } else if (step->consumed == 0 && step->produced == 0) {
        if (done > 0) return done;  // the next call comes here again
        return in->empty() ? Error{Errc::truncated, "ends within the stream", {}}
                           : damaged("the stream does not go on");
      }
    }
    return done;
  }
  std::uint64_t position() const override { return input_.position(); }

 private:
  Result<void> find_next_stream() {
    auto in = input_.peek();
    if (!in) return std::move(in).error();
    ended_ = in->empty() || !decoder_->begins_with(in->front());
    return ended_ ? Result<void>() : decoder_->restart();
  }

  std::unique_ptr<Decoder> decoder_;
  PackedInput input_;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Unpacker>> make_stream_unpacker(Packing packing, const ByteSource& source) {
  std::unique_ptr<Decoder> decoder;
  if (packing == Packing::gzip) decoder = std::make_unique<GzipDecoder>();
#ifdef MEMSECT_WITH_BZIP2
  if (packing == Packing::bzip2) decoder = std::make_unique<Bzip2Decoder>();
#endif
#ifdef MEMSECT_WITH_LZMA
  if (packing == Packing::xz) decoder = std::make_unique<XzDecoder>();
#endif
#ifdef MEMSECT_WITH_ZSTD
  if (packing == Packing::zstd) decoder = std::make_unique<ZstdDecoder>();
#endif
  if (!decoder) return Error{Errc::unsupported, "cannot be unpacked by this build", {}};
  return std::unique_ptr<Unpacker>(std::make_unique<StreamUnpacker>(std::move(decoder), source));
}

}  // namespace memsect
