#include "support/range_builder.h"

#include <algorithm>

namespace memsect::test {
namespace {

void append(Buffer& out, std::uint64_t value, std::size_t size) {
  out.resize(out.size() + size);
  put_unsigned(out, out.size() - size, value, size, ByteOrder::little);
}
void append(Buffer& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

Buffer range_header(std::string_view magic, std::uint32_t version, std::uint64_t first, std::uint64_t last) {
  Buffer out = to_bytes(magic);
  append(out, version, 4);
  append(out, first, 8);
  append(out, last, 8);
  append(out, 0, 8);
  return out;
}

/// CRC-32C bit by bit, masked as framing_format.txt of snappy says.
std::uint32_t checksum(Bytes bytes) {
  std::uint32_t sum = 0xffffffff;
  for (const std::byte byte : bytes) {
    sum ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1) != 0 ? (sum >> 1) ^ 0x82f63b78 : sum >> 1;
  }
  sum = ~sum;
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8;
}

}  // namespace

Buffer lime_range(std::uint64_t first, Bytes bytes, std::optional<std::uint64_t> last) {
  Buffer out = range_header("EMiL", 1, first, last.value_or(first + bytes.size() - 1));
  append(out, bytes);
  return out;
}

Buffer avml_range(std::uint64_t first, Bytes bytes, bool plain) {
  Buffer out = range_header("AVML", 2, first, first + bytes.size() - 1);
  const std::size_t stream_at = out.size();
  append(out, 0xff | 6 << 8, 4);
  append(out, to_bytes("sNaPpY"));
  constexpr std::size_t chunk_size = 65536;
  for (std::size_t at = 0; at < bytes.size(); at += chunk_size) {
    const Bytes chunk = bytes.subspan(at, std::min(chunk_size, bytes.size() - at));
    const Buffer data = plain ? Buffer(chunk.begin(), chunk.end()) : compress(Codec::snappy, chunk);
    append(out, (data.size() + 4) << 8 | (plain ? 1 : 0), 4);
    append(out, checksum(chunk), 4);
    append(out, data);
  }
  append(out, out.size() - stream_at, 8);
  return out;
}

Buffer operator+(Buffer one, const Buffer& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

}  // namespace memsect::test
