// Memory in pieces, each of which lies in one stretch of a file: what most formats come to once their headers are read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/extents.h"
#include "formats/format.h"
#include "memory/physical_memory.h"

namespace memsect {

struct MemoryPiece {
  std::uint64_t start = 0;   ///< physical address
  std::uint64_t size = 0;    ///< in bytes; start + size is no more than 2^64 - 1
  std::uint64_t offset = 0;  ///< in the file, of the first byte
  std::uint32_t part = 0;    ///< which file
  std::uint32_t stride =
      0;               ///< 0: the bytes follow each other; else pages of 4096 bytes begin that far apart
  bool zeros = false;  ///< the file states that the bytes are zeros, and does not hold them
};

/// Where several pieces cover a byte, the later one counts.
class PieceMemory final : public PhysicalMemory {
 public:
  /// `missing` is the sentence for what no piece covers, which the address is put in front of.
  PieceMemory(DumpParts parts, std::vector<MemoryPiece> pieces, std::string missing);

  Result<std::vector<PhysRange>> ranges() const override;
  Result<View> view(PhysAddr at, std::size_t want) const override;
  Result<void> read(PhysAddr at, std::span<std::byte> out) const override;

 private:
  struct Place {
    const MemoryPiece* piece;
    std::uint64_t offset;  ///< in the file
    std::uint64_t size;    ///< bytes that follow there
  };
  Result<Place> locate(PhysAddr at) const;

  DumpParts parts_;
  std::vector<MemoryPiece> pieces_;
  std::vector<Extent> extents_;  // sorted, disjoint; sources are pieces
  std::string missing_;
};

/// Whether all bytes of the pieces are in their files.
bool are_whole(const std::vector<MemoryPiece>& pieces, const DumpParts& parts);

}  // namespace memsect
