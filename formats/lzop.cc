// lzop's files. Integers are big-endian.
//
//   0   89 "LZO" 00 0d 0a 1a 0a
//   9   u16 version  u16 of the library  u16 version needed (from version 0x940 on)  u8 method  u8 level (0x940)
//       u32 flags  u32 filter (by flag)  u32 mode  u32 time  u32 time, high half (0x940)  u8 length, name
//       u32 checksum
//       u32 length, extra field, u32 checksum (by flag)
//   ..  blocks: u32 size  u32 packed size  checksums by flag  data; a size of 0 ends them, and another file may follow
//
// Blocks hold 64 MiB at most, by lzop's own rule; one that is as large packed as unpacked is stored.
#ifdef MEMSECT_WITH_LZO
#include <fmt/format.h>
#include <lzo/lzo1x.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/byte_order.h"
#include "formats/packed_input.h"
#include "formats/packing.h"

namespace memsect {
namespace {

constexpr std::size_t magic_size = 9;
constexpr std::uint16_t version_with_more = 0x940;
constexpr std::uint32_t flag_adler_plain = 0x1, flag_adler_packed = 0x2, flag_extra = 0x40;
constexpr std::uint32_t flag_crc_plain = 0x100, flag_crc_packed = 0x200, flag_multipart = 0x400,
                        flag_filter = 0x800;
constexpr std::uint32_t flag_crc_header = 0x1000;
constexpr std::uint32_t largest_block = std::uint32_t{64} << 20;
constexpr unsigned largest_method = 3;  // LZO1X-1, LZO1X-1(15), LZO1X-999: one decompressor

Error damaged(std::string_view reason) {
  return {Errc::corrupt, fmt::format("does not unpack: {}", reason), {}};
}

class LzopUnpacker final : public Unpacker {
 public:
  explicit LzopUnpacker(const ByteSource& source) : input_(source) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    while (at_ == block_.size() && !ended_) {
      if (auto done = in_file_ ? read_block() : read_header(); !done) return std::move(done).error();
    }
    const std::size_t count = std::min(out.size(), block_.size() - at_);
    std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(at_), count, out.begin());
    at_ += count;
    return count;
  }
  std::uint64_t position() const override { return input_.position(); }

 private:
  Result<std::uint64_t> number(std::size_t size) {
    std::array<std::byte, 8> bytes{};
    const auto field = std::span(bytes).first(size);
    if (auto done = input_.take(field); !done) return std::move(done).error();
    if (!in_file_) header_.insert(header_.end(), field.begin(), field.end());
    return load_unsigned(field, ByteOrder::big);
  }
  Result<void> skip(std::uint64_t count) {
    while (count > 0) {
      auto bytes = input_.peek();
      if (!bytes) return std::move(bytes).error();
      if (bytes->empty()) return Error{Errc::truncated, "ends within the stream", {}};
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(count, bytes->size()));
      input_.consume(part);
      count -= part;
    }
    return {};
  }

  /// Reads `count` bytes of the header that say nothing to us, but for its checksum.
  Result<void> pass(std::size_t count) {
    header_.resize(header_.size() + count);
    return input_.take(std::span(header_).last(count));
  }

  Result<void> read_header() {
    std::array<std::byte, magic_size> magic{};
    if (auto done = input_.take(magic); !done) return done;
    if (packing_of(magic) != Packing::lzop) return damaged("what follows is not of lzop");
    header_.clear();
    auto version = number(2);
    if (!version) return std::move(version).error();
    const bool more = *version >= version_with_more;
    if (auto done = pass(more ? 4 : 2); !done) return done;
    auto method = number(1);
    if (!method) return std::move(method).error();
    if (auto done = pass(more ? 1 : 0); !done) return done;
    auto flags = number(4);
    if (!flags) return std::move(flags).error();
    flags_ = static_cast<std::uint32_t>(*flags);
    if ((flags_ & (flag_filter | flag_multipart)) != 0) {
      return Error{Errc::unsupported, "was made by lzop with a filter or in several parts",
                   "unpack it first: lzop -d FILE"};
    }
    if (auto done = pass(more ? 12 : 8); !done) return done;
    auto name = number(1);
    if (!name) return std::move(name).error();
    if (auto done = pass(static_cast<std::size_t>(*name)); !done) return done;
    if (auto sound = check_header(); !sound) return sound;
    if (*method == 0 || *method > largest_method)
      return damaged(fmt::format("method {} is not known", *method));
    if ((flags_ & flag_extra) != 0) {
      auto extra = number(4);
      if (!extra) return std::move(extra).error();
      if (auto done = skip(*extra + 4); !done) return done;
    }
    in_file_ = true;
    return {};
  }

  Result<void> check_header() {
    const auto* bytes = reinterpret_cast<const Bytef*>(header_.data());
    const auto length = static_cast<uInt>(header_.size());
    const std::uint64_t wanted =
        (flags_ & flag_crc_header) != 0 ? ::crc32(0, bytes, length) : ::adler32(1, bytes, length);
    auto sum = number(4);
    if (!sum) return std::move(sum).error();
    return *sum == wanted ? Result<void>() : damaged("the checksum of its header does not match");
  }

  /// After the last block of a file: another one, or the end.
  Result<void> end_file() {
    in_file_ = false;
    auto next = input_.peek();
    if (!next) return std::move(next).error();
    ended_ = next->empty() || next->front() != std::byte{0x89};
    return {};
  }

  Result<void> read_block() {
    block_.clear();
    at_ = 0;
    auto size = number(4);
    if (!size) return std::move(size).error();
    if (*size == 0) return end_file();
    auto packed_size = number(4);
    if (!packed_size) return std::move(packed_size).error();
    if (*size > largest_block || *packed_size == 0 || *packed_size > *size)
      return damaged(fmt::format("a block of {} bytes, {} packed", *size, *packed_size));
    std::array<std::optional<std::uint32_t>, 2> sums;  // adler32, crc32
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if ((flags_ & (i == 0 ? flag_adler_plain : flag_crc_plain)) == 0) continue;
      auto sum = number(4);
      if (!sum) return std::move(sum).error();
      sums[i] = static_cast<std::uint32_t>(*sum);
    }
    const bool stored = *packed_size == *size;
    for (const std::uint32_t flag : {flag_adler_packed, flag_crc_packed}) {
      if (stored || (flags_ & flag) == 0) continue;
      if (auto done = skip(4); !done) return done;
    }
    if (auto done = take_data(*packed_size); !done) return done;
    if (auto done = stored ? keep_stored() : unpack(*size); !done) return done;
    const auto* bytes = reinterpret_cast<const Bytef*>(block_.data());
    const auto length = static_cast<uInt>(block_.size());
    const bool sound = (!sums[0] || *sums[0] == ::adler32(1, bytes, length)) &&
                       (!sums[1] || *sums[1] == ::crc32(0, bytes, length));
    if (sound) return {};
    block_.clear();
    return damaged("a checksum does not match");
  }

  /// Grows with what is there, not with what the header claims.
  Result<void> take_data(std::uint64_t size) {
    constexpr std::size_t piece = std::size_t{1} << 20;
    packed_.clear();
    while (packed_.size() < size) {
      const std::size_t had = packed_.size();
      packed_.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(piece, size - had)));
      if (auto done = input_.take(std::span(packed_).subspan(had)); !done) return done;
    }
    return {};
  }
  Result<void> keep_stored() {
    block_.swap(packed_);
    return {};
  }
  Result<void> unpack(std::uint64_t size) {
    block_.resize(static_cast<std::size_t>(size));
    lzo_uint got = block_.size();
    const int status =
        ::lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(packed_.data()), packed_.size(),
                                reinterpret_cast<unsigned char*>(block_.data()), &got, nullptr);
    if (status == LZO_E_OK && got == size) return {};
    block_.clear();
    return damaged(fmt::format("lzo error {}", status));
  }

  PackedInput input_;
  std::uint32_t flags_ = 0;
  bool in_file_ = false, ended_ = false;
  std::vector<std::byte> header_, packed_, block_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Unpacker> make_lzop_unpacker(const ByteSource& source) {
  return std::make_unique<LzopUnpacker>(source);
}

}  // namespace memsect
#endif
