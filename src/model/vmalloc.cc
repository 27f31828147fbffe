// By the page tables of the addresses that vmalloc() hands out (arch.h, ArchMemory::vmalloc), and not by its lists of
// areas: these have changed from release to release, and a table cannot lead in a circle.
#include "model/vmalloc.h"

#include <algorithm>
#include <vector>

#include "kernel/kernel.h"

namespace memsect {
namespace {

// Damaged tables may map all of memory a thousand times. 16 GiB in pages of 4 KiB, 4 GiB of which no two lie side by side:
constexpr std::uint64_t most_steps = std::uint64_t{1} << 22;
constexpr std::size_t most_pieces = std::size_t{1} << 20;
constexpr std::uint64_t most_holes = 1 << 16;
constexpr unsigned most_failures = 256;
/// What one table of the next to lowest level maps on most machines: a table that cannot be read has no size.
constexpr std::uint64_t step_over = std::uint64_t{1} << 30;

class TableWalk {
 public:
  TableWalk(const Translator& translator, std::uint64_t pages)
      : translator_(translator), steps_left_(std::min(pages, most_steps) + most_holes) {}

  void go_over(VirtRange range) {
    std::uint64_t done = 0;
    while (done < range.size && !gives_up()) {
      --steps_left_;
      const VirtAddr at = range.start + done;
      const auto mapping = translator_.mapping_at(at);
      if (!mapping) {
        ++failures_;
        done += step_over - at.raw() % step_over;
        continue;
      }
      const std::uint64_t size = std::min(mapping->size, range.size - done);
      if (mapping->phys) take({*mapping->phys, size});
      done += size;
    }
  }

  VmallocPages finish() && {
    // In order, which is much faster to add.
    std::sort(pieces_.begin(), pieces_.end(),
              [](const PhysRange& a, const PhysRange& b) { return a.start < b.start; });
    VmallocPages found;
    for (const PhysRange& piece : pieces_) found.pages.add(piece);
    found.complete = failures_ == 0 && !gives_up();
    return found;
  }

 private:
  bool gives_up() const {
    return failures_ == most_failures || steps_left_ == 0 || pieces_.size() == most_pieces;
  }

  void take(PhysRange piece) {
    if (!pieces_.empty() && pieces_.back().end() == piece.start) {
      pieces_.back().size += piece.size;
    } else {
      pieces_.push_back(piece);
    }
  }

  const Translator& translator_;
  std::vector<PhysRange> pieces_;
  std::uint64_t steps_left_;
  unsigned failures_ = 0;
};

}  // namespace

Result<VmallocPages> load_vmalloc(const Kernel& kernel, std::uint64_t pages) {
  const auto& ranges = kernel.arch_memory().vmalloc;
  if (ranges.empty())
    return Error{Errc::not_applicable, "which addresses vmalloc() hands out is not known", {}};
  TableWalk walk(*kernel.arch_memory().translator, pages);
  for (const VirtRange& range : ranges) walk.go_over(range);
  return std::move(walk).finish();
}

}  // namespace memsect
