// The page bitmaps of kdump files: one bit per page, bit N in byte N / 8, the lowest first, whatever the byte
// order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/byte_source.h"
#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// `bits` bits at `offset` of the file. Holds no copy of them: a machine of 16 TiB has 512 MiB of bitmap.
struct PageBitmap {
  std::shared_ptr<const ByteSource> file;
  std::uint64_t offset = 0;
  std::uint64_t bits = 0;

  /// The bit of page `pfn`, false beyond the end.
  Result<bool> test(Pfn pfn) const;
};

/// The pages of the bitmap as physical ranges, merged where they touch. Reads all of it once. `bad_format`
/// when it has more runs than `most_runs`: that many pieces are noise, not memory.
Result<std::vector<PhysRange>> page_ranges(const PageBitmap& bitmap, std::uint64_t page_size,
                                           std::size_t most_runs = std::size_t{1} << 20);

/// Answers how many pages of a bitmap come before one: the index of its descriptor. Keeps 16 bytes for each
/// 4096 pages of which any is set: no more than a fraction of what the file really holds.
class PageRanks {
 public:
  /// Reads all of the bitmap once.
  static Result<PageRanks> build(PageBitmap bitmap);

  const PageBitmap& bitmap() const { return bitmap_; }
  /// How many bits are set.
  std::uint64_t total() const { return total_; }
  /// How many bits below that of `pfn` are set.
  Result<std::uint64_t> rank(Pfn pfn) const;
  /// The first page from `pfn` on of a group of 4096 that has any bit set: none before it is. Nothing when there is none.
  std::optional<Pfn> next_group(Pfn pfn) const;

 private:
  /// 4096 bits, and how many are set before them.
  struct Group {
    std::uint64_t number = 0;
    std::uint64_t before = 0;
  };
  explicit PageRanks(PageBitmap bitmap) : bitmap_(std::move(bitmap)) {}

  PageBitmap bitmap_;
  std::vector<Group> groups_;  // those with a bit set, ascending
  std::uint64_t total_ = 0;
};

}  // namespace memsect
