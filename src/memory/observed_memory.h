// A dump that remembers which pages were asked for and had been filtered out.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "memory/physical_memory.h"

namespace memsect {

/// Hands reads on and notes each address that is `excluded`, up to some thousands. Several threads may read.
class ObservedMemory final : public PhysicalMemory {
 public:
  explicit ObservedMemory(std::unique_ptr<const PhysicalMemory> inner) : inner_(std::move(inner)) {}

  Result<std::vector<PhysRange>> ranges() const override { return inner_->ranges(); }
  Result<View> view(PhysAddr at, std::size_t want) const override {
    auto view = inner_->view(at, want);
    if (!view && view.error().code == Errc::excluded) note(at);
    return view;
  }
  Result<void> read(PhysAddr at, std::span<std::byte> out) const override {
    auto done = inner_->read(at, out);
    // Which page of a long read it was, the error does not say in a form that could be used.
    if (!done && done.error().code == Errc::excluded) note_within(at, out.size());
    return done;
  }

  /// Pages of 4 KiB, the smallest there is, ascending.
  std::vector<PhysAddr> excluded() const {
    const std::scoped_lock lock(mutex_);
    std::vector<PhysAddr> pages;
    for (const std::uint64_t page : pages_) pages.emplace_back(page * page_size);
    return pages;
  }

 private:
  static constexpr std::uint64_t page_size = 4096;
  static constexpr std::size_t most_pages = 4096;

  void note(PhysAddr at) const {
    const std::scoped_lock lock(mutex_);
    if (pages_.size() < most_pages) pages_.insert(at.raw() / page_size);
  }
  void note_within(PhysAddr at, std::uint64_t size) const {
    for (std::uint64_t done = 0; done < size; done += page_size - (at.raw() + done) % page_size) {
      const auto view = inner_->view(at + done, 1);
      if (!view && view.error().code == Errc::excluded) return note(at + done);
    }
  }

  std::unique_ptr<const PhysicalMemory> inner_;
  mutable std::mutex mutex_;
  mutable std::set<std::uint64_t> pages_;
};

}  // namespace memsect
