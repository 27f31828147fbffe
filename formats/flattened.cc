// makedumpfile's flattened form (makedumpfile -F, QEMU's dump-guest-memory -z/-l/-s): a dump cut into records that
// carry their own offsets, so that it could be written to a pipe. Integers are big-endian whatever the machine.
//
//   0     "makedumpfile\0\0\0\0"  s64 type = 1  s64 version = 1     padded to 4096 bytes
//   4096  s64 offset  s64 size  bytes ...                           again and again, in no promised order
//   end   s64 -1      s64 -1
//
// Read in place, as what `makedumpfile -R` would make of it. Opening reads the record headers and leaps over what lies
// between. Where records overlap the later one counts: makedumpfile writes its header twice. What no record holds is
// zeros where the end marker was seen, as -R would leave a hole there, and cut off where it was not.
//
// A terabyte has some 16 million records of 64 KiB. So records that follow each other, in the file and in the dump,
// share a piece; how many may share one doubles whenever the pieces become too many, and finding a record in a piece
// means to walk its headers again:
//
//   file    |h 0..64K|h 64K..128K|h 700K..720K|h 128K..192K|        h: record header, 16 bytes
//   pieces  |<--- one ---------->|<-- another->|<-- third ->|
//   dump    0 ------------------- 128K -- 192K . . . . 700K - 720K
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/byte_reader.h"
#include "formats/extents.h"
#include "formats/format.h"

namespace memsect {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view signature = "makedumpfile\0\0\0\0"sv;
constexpr std::size_t file_header_size = 32;
constexpr std::uint64_t records_at = 4096;
constexpr std::uint64_t record_header_size = 16;
constexpr std::uint64_t end_mark = ~std::uint64_t{0};
constexpr std::uint64_t largest_number = end_mark >> 1;  // they are signed
constexpr std::size_t most_pieces = std::size_t{1} << 20;
constexpr std::size_t least_look = 256;  // bytes read for a record header: short records come with it
constexpr std::size_t longest_look = std::size_t{32} << 10;
constexpr std::array<std::byte, 4096> zeros{};

bool sniff(std::span<const std::byte> head) {
  return head.size() >= signature.size() && std::memcmp(head.data(), signature.data(), signature.size()) == 0;
}

struct RecordHeader {
  std::uint64_t offset = 0;  ///< in the dump
  std::uint64_t size = 0;

  bool ends() const { return offset == end_mark && size == end_mark; }
  bool is_plausible() const { return offset <= largest_number && size <= largest_number; }
};

RecordHeader parse_record_header(Bytes bytes) {
  ByteReader reader(bytes, ByteOrder::big);
  RecordHeader header;
  header.offset = reader.u64();
  header.size = reader.u64();
  return header;
}

/// Reads record headers front to back, past the cache. Looks further ahead the shorter the records are.
class RecordScanner {
 public:
  explicit RecordScanner(const ByteSource& file) : file_(file), buffer_(longest_look) {}

  /// The header at `at`, nothing where the file ends before the end of it.
  Result<std::optional<RecordHeader>> read(std::uint64_t at) {
    if (at < start_ || at + record_header_size > start_ + filled_) {
      const bool near = at >= start_ && at - start_ <= 2 * look_;
      look_ = near ? std::min(2 * look_, longest_look) : least_look;
      auto got = file_.read_some(at, std::span(buffer_).first(look_));
      if (!got) return std::move(got).error().within(fmt::format("record header at offset {:#x}", at));
      start_ = at;
      filled_ = *got;
    }
    if (at + record_header_size > start_ + filled_) return std::optional<RecordHeader>();
    const Bytes bytes = Bytes(buffer_).subspan(static_cast<std::size_t>(at - start_), record_header_size);
    return std::optional(parse_record_header(bytes));
  }

 private:
  const ByteSource& file_;
  std::vector<std::byte> buffer_;
  std::size_t look_ = least_look;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
};

/// Records that follow each other in the file and in the dump.
struct Piece {
  std::uint64_t offset = 0;   ///< in the dump
  std::uint64_t size = 0;     ///< in the dump
  std::uint64_t file_at = 0;  ///< of the first record's header
  std::uint32_t records = 0;

  std::uint64_t end() const { return offset + size; }
  std::uint64_t file_end() const { return file_at + records * record_header_size + size; }
  bool goes_on_with(std::uint64_t next_offset, std::uint64_t next_file_at) const {
    return end() == next_offset && file_end() == next_file_at;
  }
};

/// Gathers records to pieces, within a bound.
class PieceCollector {
 public:
  Result<void> add(const RecordHeader& header, std::uint64_t file_at) {
    Piece* const last = pieces_.empty() ? nullptr : &pieces_.back();
    if (last != nullptr && last->records < share_ && last->goes_on_with(header.offset, file_at)) {
      last->size += header.size;
      ++last->records;
      return {};
    }
    if (pieces_.size() == most_pieces && !thin_out()) {
      return Error{Errc::unsupported,
                   fmt::format("is a flattened dump in more than {} scattered pieces", most_pieces),
                   "rearrange it first: makedumpfile -R OUT < FILE"};
    }
    pieces_.push_back({header.offset, header.size, file_at, 1});
    return {};
  }
  std::vector<Piece> finish() && { return std::move(pieces_); }

 private:
  /// Lets twice as many records share a piece. Whether that made room.
  bool thin_out() {
    share_ *= 2;
    std::size_t kept = 0;
    for (std::size_t i = 1; i < pieces_.size(); ++i) {
      Piece& last = pieces_[kept];
      const Piece& next = pieces_[i];
      if (last.records + next.records <= share_ && last.goes_on_with(next.offset, next.file_at)) {
        last.size += next.size;
        last.records += next.records;
      } else {
        pieces_[++kept] = next;
      }
    }
    pieces_.resize(kept + 1);
    return pieces_.size() <= most_pieces / 4 * 3;
  }

  std::vector<Piece> pieces_;
  std::uint32_t share_ = 1;
};

/// What the record headers say.
struct Records {
  std::vector<Piece> pieces;  // in the order of the file
  bool complete = false;      // the end marker was there
  std::string why_incomplete;
};

Result<Records> scan_records(const ByteSource& file) {
  Records records;
  RecordScanner scanner(file);
  PieceCollector pieces;
  for (std::uint64_t at = records_at;;) {
    auto header = scanner.read(at);
    if (!header) return std::move(header).error();
    if (!*header) {
      records.why_incomplete =
          fmt::format("the file ends at {:#x}, without the mark of its end", file.size());
      break;
    }
    if ((*header)->ends()) {
      records.complete = true;
      break;
    }
    if (!(*header)->is_plausible()) {
      records.why_incomplete =
          fmt::format("the record header at offset {:#x} makes no sense (offset {:#x}, size {:#x})", at,
                      (*header)->offset, (*header)->size);
      break;
    }
    if ((*header)->size > 0) {
      if (auto added = pieces.add(**header, at); !added) return std::move(added).error();
    }
    at += record_header_size + (*header)->size;  // both below 2^63: no overflow before the file ends
    if (at > file.size()) {
      records.why_incomplete = fmt::format("the file ends at {:#x}, within a record", file.size());
      break;
    }
  }
  records.pieces = std::move(pieces).finish();
  return records;
}

/// The dump that the records make up.
class RearrangedSource final : public ByteSource {
 public:
  RearrangedSource(std::shared_ptr<const ByteSource> file, Records records)
      : file_(std::move(file)), complete_(records.complete), pieces_(std::move(records.pieces)) {
    std::vector<Extent> extents;
    extents.reserve(pieces_.size());
    for (const Piece& piece : pieces_) {
      const auto source = static_cast<std::uint32_t>(extents.size());
      extents.push_back(
          {piece.offset, piece.end(), static_cast<std::uint32_t>(most_pieces) - source, source});
    }
    extents_ = resolve_overlaps(std::move(extents));
  }

  const std::string& name() const override { return file_->name(); }
  std::uint64_t size() const override { return extents_.empty() ? 0 : extents_.back().end; }

  Result<View> view(std::uint64_t offset, std::size_t want) const override {
    auto place = locate(offset);
    if (!place) return std::move(place).error();
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(want, place->size));
    if (!place->file_at) return View{Bytes(zeros).first(std::min(size, zeros.size())), nullptr};
    return file_->view(*place->file_at, size);
  }

  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      auto place = locate(offset + done);
      if (!place && place.error().code == Errc::truncated) break;
      if (!place) return std::move(place).error();
      const auto part = out.subspan(
          done, static_cast<std::size_t>(std::min<std::uint64_t>(out.size() - done, place->size)));
      if (!place->file_at) {
        std::fill(part.begin(), part.end(), std::byte{});
      } else {
        auto got = file_->read_some(*place->file_at, part);
        if (!got) return std::move(got).error();
        if (*got < part.size()) return done + *got;
      }
      done += part.size();
    }
    return done;
  }

  std::uint64_t next_data(std::uint64_t offset) const override {
    if (!complete_ || find_extent(extents_, offset) != nullptr) return offset;
    return next_extent(offset);
  }

 private:
  /// Where the bytes at an offset are: in the file, or nowhere, and then they are zeros.
  struct Place {
    std::optional<std::uint64_t> file_at;
    std::uint64_t size = 0;
  };

  /// Where the first extent behind `offset` begins, or size().
  std::uint64_t next_extent(std::uint64_t offset) const {
    const auto next =
        std::upper_bound(extents_.begin(), extents_.end(), offset,
                         [](std::uint64_t value, const Extent& extent) { return value < extent.start; });
    return next == extents_.end() ? size() : next->start;
  }

  Result<Place> locate(std::uint64_t offset) const {
    if (offset >= size()) {
      return Error{Errc::truncated,
                   fmt::format("the dump ends before offset {:#x} (it has {:#x} bytes)", offset, size()),
                   {}};
    }
    const Extent* const extent = find_extent(extents_, offset);
    if (extent == nullptr && complete_) return Place{std::nullopt, next_extent(offset) - offset};
    if (extent == nullptr) {
      return Error{
          Errc::truncated,
          fmt::format("offset {:#x} of the dump is in no record, and the flattened file is cut off", offset),
          {}};
    }
    auto record = find_record(pieces_[extent->source], offset);
    if (!record) return std::move(record).error();
    const std::uint64_t file_at = record->file_at + record_header_size + (offset - record->offset);
    if (file_at >= file_->size()) {
      return Error{
          Errc::truncated,
          fmt::format("offset {:#x} of the dump belongs at offset {:#x}, and the file has {:#x} bytes",
                      offset, file_at, file_->size()),
          {}};
    }
    return Place{file_at, std::min(record->end(), extent->end) - offset};
  }

  /// The record of `piece` that holds `offset`, as a piece of its own.
  Result<Piece> find_record(const Piece& piece, std::uint64_t offset) const {
    Piece record = piece;
    if (piece.records == 1) return record;
    record.records = 1;
    for (std::uint32_t i = 0; i < piece.records; ++i) {
      std::array<std::byte, record_header_size> bytes{};
      if (auto read = file_->read(record.file_at, bytes); !read) {
        return std::move(read).error().within(fmt::format("record header at offset {:#x}", record.file_at));
      }
      record.size = parse_record_header(bytes).size;
      if (record.size > piece.end() - record.offset) break;
      if (offset < record.end()) return record;
      record = {record.end(), 0, record.file_end(), 1};
    }
    return Error{
        Errc::corrupt,
        fmt::format("record header at offset {:#x}: has changed since the file was opened", record.file_at),
        {}};
  }

  std::shared_ptr<const ByteSource> file_;
  bool complete_;
  std::vector<Piece> pieces_;
  std::vector<Extent> extents_;  // sorted, disjoint; sources are pieces
};

Result<void> check_file_header(const ByteSource& file) {
  std::array<std::byte, file_header_size> bytes{};
  if (auto read = file.read(0, bytes); !read) return std::move(read).error().within("flattened header");
  ByteReader reader(bytes, ByteOrder::big);
  reader.skip(signature.size());
  const std::uint64_t type = reader.u64();
  const std::uint64_t version = reader.u64();
  if (type == 1 && version == 1) return {};
  return Error{Errc::unsupported,
               fmt::format("flattened header: type {:#x} and version {:#x}, where both are known to be 1",
                           type, version),
               "rearrange it with the makedumpfile that wrote it: makedumpfile -R OUT < FILE"};
}

/// A part rearranged, and what dump it is a part of.
struct Rearranged {
  std::shared_ptr<const ByteSource> source;
  const FormatDriver* format = nullptr;
  std::string why_incomplete;
};

Result<Rearranged> rearrange(const std::shared_ptr<const ByteSource>& file) {
  if (auto sane = check_file_header(*file); !sane) return std::move(sane).error();
  auto records = scan_records(*file);
  if (!records) return std::move(records).error();
  Rearranged result;
  result.why_incomplete = records->why_incomplete;
  if (records->pieces.empty()) {
    return Error{records->complete ? Errc::bad_format : Errc::truncated,
                 records->complete ? "is a flattened dump without any record" : result.why_incomplete,
                 {}};
  }
  result.source = std::make_shared<RearrangedSource>(file, *std::move(records));
  auto format = sniff_format(*result.source);
  if (!format) return std::move(format).error();
  result.format = *format;
  if (result.format == nullptr || result.format->sniff == sniff) {
    return Error{Errc::bad_format,
                 result.format == nullptr ? "is flattened, and what it holds is no dump of a known kind"
                                          : "is flattened twice",
                 {}};
  }
  return result;
}

Result<Dump> open(const DumpParts& parts) {
  DumpParts rearranged;
  const FormatDriver* format = nullptr;
  std::vector<std::string> incomplete;
  for (const auto& part : parts) {
    auto one = rearrange(part);
    if (!one) return in_part(std::move(one).error(), parts, *part);
    if (format != nullptr && format != one->format) return refuse_parts({parts.front(), part}).error();
    format = one->format;
    if (!one->why_incomplete.empty()) {
      incomplete.push_back((parts.size() == 1 ? "" : part->name() + ": ") + one->why_incomplete);
    }
    rearranged.push_back(std::move(one->source));
  }
  if (format == nullptr) return Error{Errc::usage, "no dump was named", {}};
  auto dump = format->open(rearranged);
  if (!dump) return std::move(dump).error();
  dump->info.flattened = true;
  dump->info.truncated = dump->info.truncated || !incomplete.empty();
  for (const std::string& why : incomplete) dump->notes.warn("the flattened dump is cut off: " + why);
  return dump;
}

}  // namespace

extern const FormatDriver flattened{"flattened", sniff, open};

}  // namespace memsect
