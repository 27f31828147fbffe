// zlib and zstd streams, in pieces: of a .debug_info that inflates to 160 MB one unit is wanted, so what lies
// before it is inflated and forgotten, and what lies behind is not touched.
//
//   file   64 KiB pieces of the compressed data --> stream --> 64 KiB blocks, the last 64 of them kept
#include "elf/inflated_section.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#ifdef MEMSECT_WITH_ZSTD
#include <zstd.h>
#endif

namespace memsect {
namespace {

constexpr std::size_t block_size = std::size_t{64} << 10;
constexpr std::size_t kept_blocks = 64;
constexpr std::size_t piece_size = std::size_t{64} << 10;

class ZlibSection final : public InflatedSection {
 public:
  ZlibSection(std::shared_ptr<const File> file, const ElfSection& section)
      : InflatedSection(std::move(file), section) {}
  ~ZlibSection() override { inflateEnd(&stream_); }

 private:
  Result<void> restart() override {
    const int status = ready_ ? inflateReset(&stream_) : inflateInit(&stream_);
    if (status != Z_OK) return Error{Errc::io, fmt::format("zlib: {}", zError(status)), {}};
    ready_ = true;
    return {};
  }
  Result<bool> inflate(Bytes& packed, std::span<std::byte>& out) override {
    // zlib takes its input for writable, and does not write to it.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));  // NOLINT
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    packed = packed.last(stream_.avail_in);
    out = out.last(stream_.avail_out);
    if (status == Z_OK || status == Z_BUF_ERROR) return false;
    if (status == Z_STREAM_END) return true;
    return Error{Errc::corrupt, fmt::format("zlib data does not inflate: {}", zError(status)), {}};
  }

  z_stream stream_{};
  bool ready_ = false;
};

#ifdef MEMSECT_WITH_ZSTD
class ZstdSection final : public InflatedSection {
 public:
  ZstdSection(std::shared_ptr<const File> file, const ElfSection& section)
      : InflatedSection(std::move(file), section), stream_(ZSTD_createDStream()) {}

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  Result<void> restart() override {
    if (!stream_) return Error{Errc::io, "zstd: no memory for a stream", {}};
    ZSTD_DCtx_reset(stream_.get(), ZSTD_reset_session_and_parameters);
    // What a frame may make us allocate; compilers and kernel builds stay below 8 MiB.
    constexpr int largest_window_log = 26;
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, largest_window_log);
    return {};
  }
  Result<bool> inflate(Bytes& packed, std::span<std::byte>& out) override {
    ZSTD_inBuffer from{packed.data(), packed.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t status = ZSTD_decompressStream(stream_.get(), &to, &from);
    packed = packed.subspan(from.pos);
    out = out.subspan(to.pos);
    if (ZSTD_isError(status) != 0) {
      return Error{
          Errc::corrupt, fmt::format("zstd data does not inflate: {}", ZSTD_getErrorName(status)), {}};
    }
    return false;  // a frame may be followed by another: the section's size says when all is there
  }

  std::unique_ptr<ZSTD_DStream, Free> stream_;
};
#endif

}  // namespace

Result<std::unique_ptr<InflatedSection>> InflatedSection::open(std::shared_ptr<const File> file,
                                                               const ElfSection& section) {
  if (section.compression == ElfSection::Compression::zlib)
    return std::unique_ptr<InflatedSection>(std::make_unique<ZlibSection>(std::move(file), section));
#ifdef MEMSECT_WITH_ZSTD
  if (section.compression == ElfSection::Compression::zstd)
    return std::unique_ptr<InflatedSection>(std::make_unique<ZstdSection>(std::move(file), section));
#endif
  return Error{Errc::unsupported, "is compressed in a way that this build of memsect does not know",
               "uncompress it: objcopy --decompress-debug-sections VMLINUX NEW_FILE"};
}

InflatedSection::InflatedSection(std::shared_ptr<const File> file, const ElfSection& section)
    : file_(std::move(file)),
      packed_start_(section.compressed_at),
      packed_end_(section.offset + section.stored_size),
      size_(section.size),
      blocks_(kept_blocks) {}

/// Takes the next piece of compressed data from the file.
Result<void> InflatedSection::refill() {
  buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, packed_end_ - packed_at_)));
  if (auto got = file_->read(packed_at_, buffer_); !got) return got;
  packed_at_ += buffer_.size();
  packed_ = buffer_;
  return {};
}

/// Block number next_index_.
Result<Block> InflatedSection::next_block() {
  Block block(
      static_cast<std::size_t>(std::min<std::uint64_t>(block_size, size_ - next_index_ * block_size)));
  std::span<std::byte> rest(block);
  while (!rest.empty()) {
    if (packed_.empty() && packed_at_ < packed_end_) {
      if (auto more = refill(); !more) return std::move(more).error();
    }
    const std::size_t before = packed_.size() + rest.size();
    if (!ended_) {
      auto ended = inflate(packed_, rest);
      if (!ended) return std::move(ended).error();
      ended_ = *ended;
    }
    const bool stuck = packed_.size() + rest.size() == before;
    if (!rest.empty() && (ended_ || (stuck && packed_at_ == packed_end_))) {
      return Error{Errc::corrupt,
                   fmt::format("the compressed data ends after {:#x} of {:#x} bytes",
                               next_index_ * block_size + block.size() - rest.size(), size_),
                   {}};
    }
  }
  ++next_index_;
  return block;
}

Result<void> InflatedSection::read(std::uint64_t offset, std::span<std::byte> out) {
  const auto load = [this](std::uint64_t index) -> Result<Block> {
    if (!started_ || index < next_index_) {
      started_ = false;
      if (auto done = restart(); !done) return std::move(done).error();
      started_ = true;
      ended_ = false;
      next_index_ = 0;
      packed_at_ = packed_start_;
      packed_ = {};
    }
    while (next_index_ < index) {
      const std::uint64_t passed = next_index_;
      auto block = next_block();
      started_ = block.has_value();  // after a failure nobody knows where the stream is
      if (!block) return std::move(block).error();
      auto kept = blocks_.get(passed, [&block](std::uint64_t) { return std::move(block); });
      if (!kept) return std::move(kept).error();
    }
    auto block = next_block();
    started_ = block.has_value();
    return block;
  };
  while (!out.empty()) {
    auto block = blocks_.get(offset / block_size, load);
    if (!block) return std::move(block).error();
    const Bytes rest = Bytes(**block).subspan(offset % block_size);
    const Bytes part = rest.first(std::min(rest.size(), out.size()));
    std::memcpy(out.data(), part.data(), part.size());
    offset += part.size();
    out = out.subspan(part.size());
  }
  return {};
}

}  // namespace memsect
