// LiME's memory ranges, and AVML's, whose packed form is like them. Integers are little-endian.
//
//   u32 magic  u32 version  u64 first address  u64 last address  u64 reserved     again and again:
//
//   "EMiL" (0x4c694d45), version 1    the range's bytes follow
//   "AVML" (0x4c4d5641), version 2    the range's bytes follow as a snappy stream (framing_format.txt), then a u64: how
//                                     long that was. AVML cuts ranges into blocks of 16 MiB
//
// The last address is a part of the range. AVML leaves out blocks that hold zeros only, in either form; nothing tells
// them from memory that the machine does not have, so they are missing and never taken for zeros.
//
// Of AVML's streams opening reads the headers of the chunks (of 64 KiB) and keeps a place for every 256; to find one means
// to walk from there.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/block_cache.h"
#include "base/byte_reader.h"
#include "formats/codec.h"
#include "formats/format.h"
#include "formats/piece_memory.h"

namespace memsect {
namespace {

constexpr std::uint32_t lime_magic = 0x4c694d45, avml_magic = 0x4c4d5641;
constexpr std::size_t range_header_size = 32;
constexpr std::size_t most_ranges = std::size_t{1} << 20;  // AVML's blocks of 16 MiB: 16 TiB
constexpr std::uint32_t chunk_size = 65536;                // of plain bytes, by the framing format
constexpr std::uint32_t chunks_in_stretch = 256;
constexpr std::uint32_t most_skipped = 16;  // chunks without data, in a row: they are walked again and again
constexpr std::size_t cached_chunks = 64;

struct RangeHeader {
  std::uint32_t magic = 0, version = 0;
  std::uint64_t first = 0, last = 0;

  bool is_lime() const { return magic == lime_magic && version == 1; }
  bool is_avml() const { return magic == avml_magic && version == 2; }
  bool is_known() const { return (is_lime() || is_avml()) && first <= last && last != ~std::uint64_t{0}; }
  std::uint64_t size() const { return last - first + 1; }
};

RangeHeader parse_range_header(Bytes bytes) {
  ByteReader reader(bytes, ByteOrder::little);
  RangeHeader header;
  header.magic = reader.u32();
  header.version = reader.u32();
  header.first = reader.u64();
  header.last = reader.u64();
  return header;
}

bool sniff(std::span<const std::byte> head) {
  if (head.size() < range_header_size) return false;
  const RangeHeader header = parse_range_header(head);
  return header.magic == lime_magic || header.magic == avml_magic;
}

/// Up to 256 chunks of a snappy stream that follow each other.
struct Stretch {
  std::uint64_t start = 0;  ///< physical address
  std::uint64_t size = 0;
  std::uint64_t file_at = 0;  ///< of the first chunk's header
};

/// One chunk of a snappy stream.
struct Chunk {
  static constexpr std::uint8_t packed = 0x00, plain = 0x01;
  static constexpr std::uint8_t first_skippable = 0x80;  ///< padding and the stream identifier among them
  static constexpr std::uint32_t header_size = 4, checksum_size = 4;

  std::uint8_t type = 0;
  std::uint32_t length = 0;      ///< of what follows the header
  std::uint32_t plain_size = 0;  ///< of the bytes it stands for, 0 for none

  bool has_data() const { return type == packed || type == plain; }
  bool is_known() const { return has_data() || type >= first_skippable; }
};

/// The header of the chunk at `at`; `truncated` when it is not all there, `corrupt` when it makes no sense.
Result<Chunk> read_chunk(const ByteSource& file, std::uint64_t at) {
  std::array<std::byte, Chunk::header_size + Chunk::checksum_size + 5> bytes{};
  auto got = file.read_some(at, bytes);
  if (!got) return std::move(got).error();
  if (*got < Chunk::header_size) return Error{Errc::truncated, "the file ends within a snappy stream", {}};
  ByteReader reader(Bytes(bytes).first(*got), ByteOrder::little);
  const std::uint32_t word = reader.u32();
  Chunk chunk;
  chunk.type = static_cast<std::uint8_t>(word & 0xff);
  chunk.length = word >> 8;
  if (!chunk.is_known())
    return Error{Errc::corrupt, fmt::format("a snappy chunk of type {}", chunk.type), {}};
  if (!chunk.has_data()) return chunk;
  if (chunk.length <= Chunk::checksum_size) return Error{Errc::corrupt, "a snappy chunk without data", {}};
  if (chunk.type == Chunk::plain) {
    chunk.plain_size = chunk.length - Chunk::checksum_size;
  } else {
    reader.skip(Chunk::checksum_size);
    for (unsigned shift = 0; shift < 32; shift += 7) {  // a varint
      const std::uint8_t byte = reader.u8();
      chunk.plain_size |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (!reader.ok()) return Error{Errc::truncated, "the file ends within a snappy stream", {}};
  }
  if (chunk.plain_size == 0 || chunk.plain_size > chunk_size)
    return Error{Errc::corrupt, fmt::format("a snappy chunk of {} bytes", chunk.plain_size), {}};
  return chunk;
}

/// CRC-32C, masked as snappy's framing wants it.
std::uint32_t masked_checksum(Bytes bytes) {
  constexpr std::uint32_t polynomial = 0x82f63b78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    table[i] = value;
  }
  std::uint32_t sum = ~std::uint32_t{0};
  for (const std::byte byte : bytes)
    sum = (sum >> 8) ^ table[(sum ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  sum = ~sum;
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8;
}

/// What the headers say.
struct Ranges {
  std::vector<MemoryPiece> pieces;  // LiME's
  std::vector<Stretch> stretches;   // AVML's, in the order of the file
  std::string why_incomplete;
};

/// Walks the stream of a range. `at` is moved behind it.
Result<void> scan_stream(const ByteSource& file, const RangeHeader& header, std::uint64_t& at,
                         Ranges& ranges) {
  std::uint64_t done = 0;
  std::uint32_t in_stretch = 0, skipped = 0;
  while (done < header.size()) {
    auto chunk = read_chunk(file, at);
    if (!chunk) return std::move(chunk).error();
    if (chunk->plain_size > header.size() - done)
      return Error{Errc::corrupt, "a snappy stream holds more than its range", {}};
    if (chunk->has_data()) {
      if (in_stretch == 0) ranges.stretches.push_back({header.first + done, 0, at});
      ranges.stretches.back().size += chunk->plain_size;
      in_stretch = (in_stretch + 1) % chunks_in_stretch;
      done += chunk->plain_size;
      skipped = 0;
    } else if (++skipped > most_skipped) {
      return Error{Errc::corrupt, "a snappy stream of chunks without data", {}};
    }
    at += Chunk::header_size + chunk->length;
    if (at > file.size()) return Error{Errc::truncated, "the file ends within a snappy stream", {}};
  }
  at += sizeof(std::uint64_t);  // how long it was
  return {};
}

Result<Ranges> scan(const ByteSource& file) {
  Ranges ranges;
  std::uint64_t at = 0;
  for (std::size_t count = 0; at < file.size(); ++count) {
    if (count == most_ranges)
      return Error{Errc::unsupported, fmt::format("has more than {} memory ranges", most_ranges), {}};
    std::array<std::byte, range_header_size> bytes{};
    auto got = file.read_some(at, bytes);
    if (!got) return std::move(got).error();
    const RangeHeader header = parse_range_header(Bytes(bytes).first(*got));
    if (*got < bytes.size()) {
      ranges.why_incomplete = "the file ends within the header of a memory range";
    } else if (!header.is_known()) {
      ranges.why_incomplete = fmt::format("at offset {:#x} the header of a memory range makes no sense", at);
    }
    if (!ranges.why_incomplete.empty()) break;
    at += range_header_size;
    if (header.is_lime()) {
      ranges.pieces.push_back({header.first, header.size(), at});
      if (header.size() > file.size() - at) {
        ranges.why_incomplete = "the file ends within a memory range";
        break;
      }
      at += header.size();
    } else if (auto done = scan_stream(file, header, at, ranges); !done) {
      ranges.why_incomplete =
          fmt::format("{}, in the range at physical address {:#x}", done.error().message, header.first);
      break;
    }
  }
  return ranges;
}

class AvmlMemory final : public PhysicalMemory {
 public:
  AvmlMemory(std::shared_ptr<const ByteSource> file, std::vector<Stretch> stretches)
      : file_(std::move(file)), stretches_(std::move(stretches)), chunks_(cached_chunks) {
    std::vector<Extent> extents;
    for (const Stretch& stretch : stretches_) {
      const auto source = static_cast<std::uint32_t>(extents.size());
      extents.push_back({stretch.start, stretch.start + stretch.size, source, source});
    }
    extents_ = resolve_overlaps(std::move(extents));
  }

  Result<std::vector<PhysRange>> ranges() const override {
    std::vector<PhysRange> ranges;
    for (const Extent& extent : extents_) {
      if (!ranges.empty() && ranges.back().end().raw() == extent.start) {
        ranges.back().size += extent.end - extent.start;
      } else {
        ranges.push_back({PhysAddr(extent.start), extent.end - extent.start});
      }
    }
    return ranges;
  }

  Result<View> view(PhysAddr at, std::size_t want) const override {
    const Extent* const extent = find_extent(extents_, at.raw());
    if (extent == nullptr) {
      return Error{
          Errc::not_in_dump,
          fmt::format("physical address {:#x} is in no range of the dump (AVML leaves out what is all zeros)",
                      at.raw()),
          {}};
    }
    auto found = find_chunk(stretches_[extent->source], at.raw());
    if (!found) return std::move(found).error();
    auto block = chunks_.get(found->file_at, [this, &found](std::uint64_t) { return unpack(*found); });
    if (!block) return std::move(block).error();
    const std::size_t within = at.raw() - found->start;
    const std::size_t size =
        std::min<std::uint64_t>({want, found->chunk.plain_size - within, extent->end - at.raw()});
    return View{Bytes(**block).subspan(within, size), *block};
  }

 private:
  struct Found {
    Chunk chunk;
    std::uint64_t start = 0;
    std::uint64_t file_at = 0;
  };

  Result<Found> find_chunk(const Stretch& stretch, std::uint64_t at) const {
    Found found{{}, stretch.start, stretch.file_at};
    while (found.start < stretch.start + stretch.size) {
      auto chunk = read_chunk(*file_, found.file_at);
      if (!chunk) return std::move(chunk).error();
      found.chunk = *chunk;
      if (chunk->has_data() && at - found.start < chunk->plain_size) return found;
      found.start += chunk->plain_size;
      found.file_at += Chunk::header_size + chunk->length;
    }
    return Error{Errc::corrupt, "a snappy stream has changed since the file was opened", {}};
  }

  Result<Block> unpack(const Found& found) const {
    std::vector<std::byte> packed(found.chunk.length);
    if (auto done = file_->read(found.file_at + Chunk::header_size, packed); !done)
      return std::move(done).error();
    const auto sum = static_cast<std::uint32_t>(
        load_unsigned(Bytes(packed).first(Chunk::checksum_size), ByteOrder::little));
    const Bytes data = Bytes(packed).subspan(Chunk::checksum_size);
    Block plain(found.chunk.plain_size);
    if (found.chunk.type == Chunk::plain) {
      std::copy(data.begin(), data.end(), plain.begin());
    } else if (auto done = decompressor_.decompress(Codec::snappy, data, plain); !done) {
      return std::move(done).error();
    }
    if (masked_checksum(plain) != sum)
      return Error{
          Errc::corrupt, fmt::format("physical address {:#x}: the checksum does not match", found.start), {}};
    return plain;
  }

  std::shared_ptr<const ByteSource> file_;
  std::vector<Stretch> stretches_;
  std::vector<Extent> extents_;  // sorted, disjoint; sources are stretches
  Decompressor decompressor_;
  mutable BlockCache chunks_;
};

Result<Dump> read(const DumpParts& parts) {
  if (auto single = refuse_parts(parts); !single) return std::move(single).error();
  auto ranges = scan(*parts.front());
  if (!ranges) return std::move(ranges).error();
  if (ranges->pieces.empty() && ranges->stretches.empty()) {
    return Error{
        Errc::bad_format, "is of LiME or AVML, without any memory range: " + ranges->why_incomplete, {}};
  }
  if (!ranges->pieces.empty() && !ranges->stretches.empty())
    return Error{Errc::unsupported, "holds ranges of LiME and of AVML at once",
                 "convert it first: avml-convert"};
  Dump dump;
  if (!ranges->why_incomplete.empty()) {
    dump.info.truncated = true;
    dump.notes.warn("the dump is cut off: " + ranges->why_incomplete);
  }
  const bool packed = !ranges->stretches.empty();
  dump.info.format = packed ? "avml" : "lime";
  dump.info.compression = packed ? "snappy" : "none";
  if (packed) {
    dump.memory = std::make_unique<AvmlMemory>(parts.front(), std::move(ranges->stretches));
  } else {
    dump.memory =
        std::make_unique<PieceMemory>(parts, std::move(ranges->pieces), "is in no memory range of the dump");
  }
  return dump;
}

}  // namespace

extern const FormatDriver lime{"lime", sniff, read};

}  // namespace memsect
