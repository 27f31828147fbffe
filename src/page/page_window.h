// A stretch of the memmap at hand, for looking at many struct pages.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/large_buffer.h"
#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"

namespace memsect {

/// Memory read as a whole; page by page where that fails, and then some of it may be missing.
class PageWindow {
 public:
  /// The most that it holds: the memmap of a section on most machines.
  static constexpr std::uint64_t most_bytes = std::uint64_t{2} << 20;

  explicit PageWindow(std::uint64_t page_size) : page_size_(page_size) {}
  /// A copy has a buffer of its own, and nothing at hand.
  PageWindow(const PageWindow& other) : PageWindow(other.page_size_) {}
  PageWindow& operator=(const PageWindow&) = delete;

  /// Reads [start, start + size), `most_bytes` at most. The first reason why some of it could not be read.
  Result<void> load(const AddressSpace& space, VirtAddr start, std::uint64_t size);
  /// `size` bytes at `at`; nothing where they are not at hand.
  std::optional<Bytes> find(VirtAddr at, std::uint64_t size) const;
  /// The same, read from `space` where they are not at hand. They last until the next call.
  std::optional<Bytes> get(const AddressSpace& space, VirtAddr at, std::uint64_t size);

 private:
  std::uint64_t page_size_;
  LargeBuffer buffer_{most_bytes};
  VirtAddr start_;
  std::uint64_t size_ = 0;
  std::vector<std::byte> aside_;  ///< what get() had to read
  std::vector<bool> lost_;        ///< by page from start_ on; empty when none is
};

}  // namespace memsect
