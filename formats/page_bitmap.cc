// Bitmaps are read in pieces and never kept. What is kept of them:
//
//   bits    |0 ............ 4095|4096 ......... 8191|8192 ...
//   ranks    0                   37                  4133       pages before each group that has any;
//                                                                the rest is counted when asked
//   ranges   [0x1000, 0x9f000) [0x100000, 0x40000000) ...
#include "formats/page_bitmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace memsect {
namespace {

constexpr std::uint64_t group_bits = 4096;
constexpr std::size_t group_bytes = group_bits / 8;
constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;  // a multiple of group_bytes

std::uint64_t count_ones(Bytes bytes) {
  std::uint64_t ones = 0;
  for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) {
    std::uint64_t word = 0;  // which end comes first does not matter for counting
    std::memcpy(&word, bytes.data(), sizeof word);
    ones += static_cast<std::uint64_t>(std::popcount(word));
  }
  for (const std::byte b : bytes)
    ones += static_cast<std::uint64_t>(std::popcount(std::to_integer<unsigned>(b)));
  return ones;
}

/// The bits of `b` below bit number `bit`.
std::byte low_bits(std::byte b, std::uint64_t bit) { return b & static_cast<std::byte>((1U << bit) - 1); }

/// Calls `take(first bit, bytes)` with the bitmap from front to back; bits behind the last are cleared. Leaps
/// over holes of the file: what is left out is zeros. Stops when take fails.
template <class Take>
Result<void> for_each_piece(const PageBitmap& bitmap, const Take& take) {
  const std::uint64_t size = (bitmap.bits + 7) / 8;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(piece_bytes, size)));
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t data = bitmap.file->next_data(bitmap.offset + done) - bitmap.offset;
    if (data - done >= piece_bytes && data > done) {
      done = std::min(size, data / group_bytes * group_bytes);
      continue;
    }
    const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min(piece_bytes, size - done)));
    if (auto read = bitmap.file->read(bitmap.offset + done, piece); !read) {
      return std::move(read).error().within("page bitmap");
    }
    const std::uint64_t first_bit = done * 8;
    done += piece.size();
    if (done == size && bitmap.bits % 8 != 0) piece.back() = low_bits(piece.back(), bitmap.bits % 8);
    if (Result<void> taken = take(first_bit, Bytes(piece)); !taken) return taken;
  }
  return {};
}

/// Turns bits, given in order, into ranges.
class RunCollector {
 public:
  RunCollector(std::uint64_t page_size, std::size_t most_runs)
      : page_size_(page_size), most_runs_(most_runs) {}

  Result<void> take(std::uint64_t first_bit, Bytes bytes) {
    if (first_bit > pfn_ && in_run_) close();
    in_run_ = in_run_ && first_bit == pfn_;
    pfn_ = first_bit;
    while (!bytes.empty()) {
      const std::uint64_t same = in_run_ ? ~std::uint64_t{0} : 0;
      std::uint64_t word = 0;
      const std::size_t count = std::min(bytes.size(), sizeof word);
      std::memcpy(&word, bytes.data(), count);
      if (count < sizeof word || word != same) {
        for (const std::byte b : bytes.first(count)) take_byte(std::to_integer<unsigned>(b));
      } else {
        pfn_ += 64;
      }
      bytes = bytes.subspan(count);
      if (runs_.size() > most_runs_) {
        return Error{
            Errc::bad_format,
            fmt::format("page bitmap: more than {} separate runs of pages: this is no machine's memory",
                        most_runs_),
            {}};
      }
    }
    return {};
  }
  std::vector<PhysRange> finish() && {
    if (in_run_) close();
    return std::move(runs_);
  }

 private:
  void take_byte(unsigned bits) {
    if (bits == (in_run_ ? 0xffU : 0U)) {
      pfn_ += 8;
      return;
    }
    for (int i = 0; i < 8; ++i, ++pfn_, bits >>= 1) {
      const bool set = (bits & 1) != 0;
      if (set == in_run_) continue;
      if (set) run_start_ = pfn_;
      if (!set) close();
      in_run_ = set;
    }
  }
  void close() { runs_.push_back({PhysAddr(run_start_ * page_size_), (pfn_ - run_start_) * page_size_}); }

  std::uint64_t page_size_;
  std::size_t most_runs_;
  std::vector<PhysRange> runs_;
  std::uint64_t pfn_ = 0;
  std::uint64_t run_start_ = 0;
  bool in_run_ = false;
};

}  // namespace

Result<bool> PageBitmap::test(Pfn pfn) const {
  if (pfn.raw() >= bits) return false;
  auto found = file->view(offset + pfn.raw() / 8, 1);
  if (!found) return std::move(found).error().within("page bitmap");
  return (std::to_integer<unsigned>(found->bytes[0]) >> (pfn.raw() % 8) & 1) != 0;
}

Result<std::vector<PhysRange>> page_ranges(const PageBitmap& bitmap, std::uint64_t page_size,
                                           std::size_t most_runs) {
  RunCollector runs(page_size, most_runs);
  if (auto read = for_each_piece(
          bitmap, [&runs](std::uint64_t first, Bytes piece) { return runs.take(first, piece); });
      !read) {
    return std::move(read).error();
  }
  return std::move(runs).finish();
}

Result<PageRanks> PageRanks::build(PageBitmap bitmap) {
  PageRanks ranks(std::move(bitmap));
  const auto count_groups = [&ranks](std::uint64_t first_bit, Bytes piece) -> Result<void> {
    for (std::uint64_t group = first_bit / group_bits; !piece.empty(); ++group) {
      const Bytes bytes = piece.first(std::min(piece.size(), group_bytes));
      const std::uint64_t ones = count_ones(bytes);
      if (ones > 0) ranks.groups_.push_back({group, ranks.total_});
      ranks.total_ += ones;
      piece = piece.subspan(bytes.size());
    }
    return {};
  };
  if (auto read = for_each_piece(ranks.bitmap_, count_groups); !read) return std::move(read).error();
  return ranks;
}

Result<std::uint64_t> PageRanks::rank(Pfn pfn) const {
  if (pfn.raw() >= bitmap_.bits) return total_;
  const std::uint64_t group = pfn.raw() / group_bits;
  const auto found = std::lower_bound(groups_.begin(), groups_.end(), group,
                                      [](const Group& at, std::uint64_t value) { return at.number < value; });
  if (found == groups_.end()) return total_;
  std::uint64_t rank = found->before;
  if (found->number != group) return rank;
  std::uint64_t at = bitmap_.offset + group * group_bytes;
  const std::uint64_t last = bitmap_.offset + pfn.raw() / 8;  // the byte of the bit itself: counted in part
  while (at <= last) {
    auto part = bitmap_.file->view(at, static_cast<std::size_t>(last - at + 1));
    if (!part) return std::move(part).error().within("page bitmap");
    Bytes bytes = part->bytes;
    at += bytes.size();
    if (at > last) {
      rank += static_cast<std::uint64_t>(
          std::popcount(std::to_integer<unsigned>(low_bits(bytes.back(), pfn.raw() % 8))));
      bytes = bytes.first(bytes.size() - 1);
    }
    rank += count_ones(bytes);
  }
  return rank;
}

std::optional<Pfn> PageRanks::next_group(Pfn pfn) const {
  const auto found = std::lower_bound(groups_.begin(), groups_.end(), pfn.raw() / group_bits,
                                      [](const Group& at, std::uint64_t value) { return at.number < value; });
  if (found == groups_.end()) return std::nullopt;
  return std::max(pfn, Pfn(found->number * group_bits));
}

}  // namespace memsect
