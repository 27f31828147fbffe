// By the page tables of the addresses that vmalloc() hands out (arch.h, ArchMemory::vmalloc), and not by its lists of
// areas: these have changed from release to release, and a table cannot lead in a circle.
//
// Damaged tables may map all of memory a thousand times, or lead to one empty table again and again. So what may be
// looked at is a number of entries, in proportion to the memory there is.
#include "offlining/vmalloc.h"

#include <algorithm>
#include <vector>

#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::uint64_t most_entries = std::uint64_t{1} << 22, spare_entries = std::uint64_t{1} << 18;
constexpr std::uint64_t entries_of_table = 512;              // of most machines
constexpr std::size_t most_pieces = std::size_t{1} << 20;    // 4 GiB in pages of 4 KiB of which no two touch
constexpr unsigned most_failures = 256;                      // in one range
constexpr std::uint64_t step_over = std::uint64_t{1} << 30;  // a table that cannot be read has no size

class TableWalk {
 public:
  TableWalk(const Translator& translator, std::uint64_t page_size, std::uint64_t pages)
      : translator_(translator),
        page_size_(page_size),
        entries_left_(std::min(pages, most_entries / 2) * 2 + spare_entries) {}

  void go_over(VirtRange range) {
    unsigned failures = 0;
    for (std::uint64_t done = 0; done < range.size;) {
      if (failures == most_failures || entries_left_ == 0 || pieces_.size() == most_pieces) {
        complete_ = false;
        return;
      }
      const VirtAddr at = range.start + done;
      const auto mapping = translator_.table_mapping_at(at);
      if (!mapping) {
        complete_ = false;
        if (!lost_) lost_ = mapping.error();
        ++failures;
        done += step_over - at.raw() % step_over;
        continue;
      }
      const std::uint64_t size = std::min(mapping->size, range.size - done);
      pay(size);
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
    found.complete = complete_;
    found.lost = std::move(lost_);
    return found;
  }

 private:
  /// A stretch comes out of one table.
  void pay(std::uint64_t size) {
    const std::uint64_t entries = std::clamp<std::uint64_t>(size / page_size_, 1, entries_of_table);
    entries_left_ -= std::min(entries, entries_left_);
  }

  void take(PhysRange piece) {
    if (!pieces_.empty() && pieces_.back().end() == piece.start) {
      pieces_.back().size += piece.size;
    } else {
      pieces_.push_back(piece);
    }
  }

  const Translator& translator_;
  std::uint64_t page_size_;
  std::uint64_t entries_left_;
  std::vector<PhysRange> pieces_;
  bool complete_ = true;
  std::optional<Error> lost_;
};

}  // namespace

Result<VmallocPages> load_vmalloc(const Kernel& kernel, std::uint64_t pages) {
  const auto& ranges = kernel.arch_memory().vmalloc;
  if (ranges.empty())
    return Error{Errc::not_applicable, "which addresses vmalloc() hands out is not known", {}};
  TableWalk walk(*kernel.arch_memory().translator, kernel.page_size(), pages);
  for (const VirtRange& range : ranges) walk.go_over(range);
  VmallocPages found = std::move(walk).finish();
  found.has_stacks =
      kernel.address_of("cached_stacks").has_value();  // kernel/fork.c, with CONFIG_VMAP_STACK (4.9+)
  return found;
}

}  // namespace memsect
