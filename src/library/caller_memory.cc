#include "library/caller_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace memsect {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t cached_pages = 4096;  // 16 MiB

}  // namespace

CallerMemory::CallerMemory(const memsect_memory& memory, std::vector<PhysRange> ranges)
    : context_(memory.context), read_(memory.read), ranges_(std::move(ranges)), pages_(cached_pages) {}

Result<Block> CallerMemory::read_page(std::uint64_t number) const {
  Block page(page_size);
  if (read_(context_, number * page_size, page.data(), page.size()) != 0)
    return Error{
        Errc::not_in_dump, fmt::format("physical address {:#x} cannot be read", number * page_size), {}};
  return page;
}

Result<View> CallerMemory::view(PhysAddr at, std::size_t want) const {
  const auto range = std::find_if(ranges_.begin(), ranges_.end(), [at](const PhysRange& one) {
    return one.start <= at && at - one.start < one.size;
  });
  if (range == ranges_.end())
    return Error{
        Errc::not_in_dump, fmt::format("there is no memory at physical address {:#x}", at.raw()), {}};
  auto page = pages_.get(at.raw() / page_size, [this](std::uint64_t number) { return read_page(number); });
  if (!page) return std::move(page).error();
  const std::size_t offset = at.raw() % page_size;
  const std::uint64_t left = range->size - (at - range->start);
  const std::size_t size = std::min<std::uint64_t>({want, page_size - offset, left});
  return View{std::span(**page).subspan(offset, size), *page};
}

Result<std::vector<PhysRange>> ranges_of(const memsect_memory& memory) {
  if (memory.range_count == 0) return std::vector{PhysRange{PhysAddr(0), std::uint64_t{1} << 56}};
  std::vector<PhysRange> ranges;
  for (const memsect_range& range : std::span(memory.ranges, memory.range_count)) {
    if (range.size > std::numeric_limits<std::uint64_t>::max() - range.start)
      return Error{Errc::usage, fmt::format("the range at {:#x} ends beyond all addresses", range.start), {}};
    if (range.size != 0) ranges.push_back({PhysAddr(range.start), range.size});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const PhysRange& a, const PhysRange& b) { return a.start < b.start; });
  std::vector<PhysRange> merged;
  for (const PhysRange& range : ranges) {
    if (!merged.empty() && range.start <= merged.back().end()) {
      merged.back().size = std::max(merged.back().end(), range.end()) - merged.back().start;
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

}  // namespace memsect
