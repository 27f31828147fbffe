#include "support/pack_builder.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>
#ifdef MEMSECT_WITH_BZIP2
#include <bzlib.h>
#endif
#ifdef MEMSECT_WITH_LZMA
#include <lzma.h>
#endif
#ifdef MEMSECT_WITH_ZSTD
#include <zstd.h>
#endif

namespace memsect::test {
namespace {

constexpr std::size_t slack = 4096;  // more than any header

Buffer pack_gzip(Bytes bytes) {
  z_stream stream{};
  constexpr int with_gzip_header = 16;
  ::deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + with_gzip_header, 8, Z_DEFAULT_STRATEGY);
  Buffer out(::deflateBound(&stream, bytes.size()) + slack);
  Buffer in(bytes.begin(), bytes.end());
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

#ifdef MEMSECT_WITH_LZMA
Buffer pack_xz(Bytes bytes) {
  Buffer out(::lzma_stream_buffer_bound(bytes.size()));
  std::size_t size = 0;
  ::lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                            bytes.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}
#endif

#ifdef MEMSECT_WITH_ZSTD
Buffer pack_zstd(Bytes bytes) {
  Buffer out(::ZSTD_compressBound(bytes.size()));
  ZSTD_CCtx* const context = ::ZSTD_createCCtx();
  ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.resize(::ZSTD_compress2(context, out.data(), out.size(), bytes.data(), bytes.size()));
  ::ZSTD_freeCCtx(context);
  return out;
}
#endif

#ifdef MEMSECT_WITH_BZIP2
Buffer pack_bzip2(Bytes bytes) {
  Buffer out(bytes.size() + bytes.size() / 50 + slack);
  Buffer in(bytes.begin(), bytes.end());
  auto size = static_cast<unsigned>(out.size());
  ::BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(out.data()), &size, reinterpret_cast<char*>(in.data()),
                             static_cast<unsigned>(in.size()), 1, 0, 0);  // blocks of 100 KB
  out.resize(size);
  return out;
}
#endif

#ifdef MEMSECT_WITH_LZO
void append(Buffer& out, std::uint64_t value, std::size_t size) {
  out.resize(out.size() + size);
  put_unsigned(out, out.size() - size, value, size, ByteOrder::big);
}
void append(Buffer& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

std::uint32_t sum_of(Bytes bytes) {
  return static_cast<std::uint32_t>(
      ::adler32(1, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

/// As `lzop -c` of 1.04 writes it from a pipe: flags for Adler-32 of plain and packed data.
Buffer pack_lzop(Bytes bytes) {
  using namespace std::string_view_literals;
  Buffer out = to_bytes("\x89LZO\0\x0d\x0a\x1a\x0a"sv);
  const std::size_t summed_from = out.size();
  append(out, 0x1040, 2);
  append(out, 0x20a0, 2);
  append(out, 0x0940, 2);
  append(out, 0x0105, 2);  // method, level
  append(out, 0x03000003, 4);
  append(out, 0, 12);  // mode, time
  append(out, 0, 1);   // no name
  append(out, sum_of(Bytes(out).subspan(summed_from)), 4);
  constexpr std::size_t block_size = std::size_t{256} << 10;
  for (std::size_t at = 0; at < bytes.size(); at += block_size) {
    const Bytes block = bytes.subspan(at, std::min(block_size, bytes.size() - at));
    const Buffer packed = compress(Codec::lzo, block);
    const bool stored = packed.size() >= block.size();
    append(out, block.size(), 4);
    append(out, stored ? block.size() : packed.size(), 4);
    append(out, sum_of(block), 4);
    if (!stored) append(out, sum_of(packed), 4);
    append(out, stored ? block : Bytes(packed));
  }
  append(out, 0, 4);
  return out;
}
#endif

}  // namespace

Buffer pack(Packing packing, Bytes bytes) {
  if (packing == Packing::gzip) return pack_gzip(bytes);
#ifdef MEMSECT_WITH_LZMA
  if (packing == Packing::xz) return pack_xz(bytes);
#endif
#ifdef MEMSECT_WITH_ZSTD
  if (packing == Packing::zstd) return pack_zstd(bytes);
#endif
#ifdef MEMSECT_WITH_BZIP2
  if (packing == Packing::bzip2) return pack_bzip2(bytes);
#endif
#ifdef MEMSECT_WITH_LZO
  if (packing == Packing::lzop) return pack_lzop(bytes);
#endif
  return {};
}

}  // namespace memsect::test
