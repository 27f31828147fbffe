// A dump of which pages can be taken out while it is open, as if its filter had left them out.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>

#include "memory/physical_memory.h"

namespace memsect::test {

/// What is taken out, and what was asked for: page frame numbers of 4 KiB, the smallest page there is.
struct Holes {
  std::set<std::uint64_t> out;
  std::set<std::uint64_t> asked;
};

class HoledMemory final : public PhysicalMemory {
 public:
  HoledMemory(std::unique_ptr<const PhysicalMemory> inner, Holes& holes)
      : inner_(std::move(inner)), holes_(holes) {}

  Result<std::vector<PhysRange>> ranges() const override { return inner_->ranges(); }
  Result<View> view(PhysAddr at, std::size_t want) const override {
    constexpr std::uint64_t page_size = 4096;
    const std::uint64_t page = at.raw() / page_size;
    holes_.asked.insert(page);
    if (holes_.out.count(page) != 0)
      return Error{Errc::excluded,
                   fmt::format("the page at physical address {:#x} was filtered out", page * page_size),
                   {}};
    return inner_->view(at, std::min<std::uint64_t>(want, page_size - at.raw() % page_size));
  }

 private:
  std::unique_ptr<const PhysicalMemory> inner_;
  Holes& holes_;  // the caller's
};

}  // namespace memsect::test
