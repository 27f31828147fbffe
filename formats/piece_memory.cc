#include "formats/piece_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace memsect {
namespace {

constexpr std::uint64_t strided_page = 4096;
constexpr std::array<std::byte, strided_page> zero_page{};

}  // namespace

PieceMemory::PieceMemory(DumpParts parts, std::vector<MemoryPiece> pieces, std::string missing)
    : parts_(std::move(parts)), pieces_(std::move(pieces)), missing_(std::move(missing)) {
  std::vector<Extent> extents;
  extents.reserve(pieces_.size());
  for (const MemoryPiece& piece : pieces_) {
    const auto source = static_cast<std::uint32_t>(extents.size());
    const auto rank = static_cast<std::uint32_t>(pieces_.size() - source);
    extents.push_back({piece.start, piece.start + piece.size, rank, source});
  }
  extents_ = resolve_overlaps(std::move(extents));
}

Result<std::vector<PhysRange>> PieceMemory::ranges() const {
  std::vector<PhysRange> ranges;
  for (const Extent& extent : extents_) {
    const std::uint64_t size = extent.end - extent.start;
    if (!ranges.empty() && ranges.back().end().raw() == extent.start) {
      ranges.back().size += size;
    } else {
      ranges.push_back({PhysAddr(extent.start), size});
    }
  }
  return ranges;
}

Result<PieceMemory::Place> PieceMemory::locate(PhysAddr at) const {
  const Extent* const extent = find_extent(extents_, at.raw());
  if (extent == nullptr) {
    return Error{Errc::not_in_dump, fmt::format("physical address {:#x} {}", at.raw(), missing_), {}};
  }
  const MemoryPiece& piece = pieces_[extent->source];
  const std::uint64_t within = at.raw() - piece.start;
  const std::uint64_t left = extent->end - at.raw();
  if (piece.zeros) return Place{&piece, 0, left};
  Place place{&piece, piece.offset + within, left};
  if (piece.stride != 0) {
    const std::uint64_t in_page = within % strided_page;
    place.offset = piece.offset + within / strided_page * piece.stride + in_page;
    place.size = std::min(left, strided_page - in_page);
  }
  const std::uint64_t size = parts_[piece.part]->size();
  if (place.offset < size) return place;
  return Error{Errc::truncated,
               fmt::format("physical address {:#x} belongs at offset {:#x}, and the file has {:#x} bytes",
                           at.raw(), place.offset, size),
               {}};
}

Result<View> PieceMemory::view(PhysAddr at, std::size_t want) const {
  auto place = locate(at);
  if (!place) return std::move(place).error();
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(want, place->size));
  if (place->piece->zeros) return View{Bytes(zero_page).first(std::min(size, zero_page.size())), nullptr};
  return parts_[place->piece->part]->view(place->offset, size);
}

/// Piece by piece, so that large parts go past the file's cache.
Result<void> PieceMemory::read(PhysAddr at, std::span<std::byte> out) const {
  while (!out.empty()) {
    auto place = locate(at);
    if (!place) return std::move(place).error();
    const auto part = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), place->size)));
    if (place->piece->zeros) {
      std::fill(part.begin(), part.end(), std::byte{});
    } else if (!parts_[place->piece->part]->read(place->offset, part)) {
      if (auto done = PhysicalMemory::read(at, part); !done) return done;  // says where it fails
    }
    at += part.size();
    out = out.subspan(part.size());
  }
  return {};
}

bool are_whole(const std::vector<MemoryPiece>& pieces, const DumpParts& parts) {
  return std::all_of(pieces.begin(), pieces.end(), [&parts](const MemoryPiece& piece) {
    if (piece.zeros || piece.size == 0) return true;
    const std::uint64_t size = parts[piece.part]->size();
    if (piece.stride == 0) return piece.offset <= size && piece.size <= size - piece.offset;
    const std::uint64_t before = (piece.size - 1) / strided_page * piece.stride;
    return piece.offset <= size && before <= size - piece.offset &&
           (piece.size - 1) % strided_page < size - piece.offset - before;
  });
}

}  // namespace memsect
