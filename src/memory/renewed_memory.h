// Memory of a machine that goes on running: its outline, which stretches there are and where, is good for a moment.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "memory/physical_memory.h"

namespace memsect {

/// Another memory, opened anew when it says `in_flux`, and when asked to. What was read keeps being there through its
/// view. Several threads may read; each sees the memory of its moment.
class RenewedMemory final : public PhysicalMemory {
 public:
  using Open = std::function<Result<std::unique_ptr<const PhysicalMemory>>()>;

  RenewedMemory(std::unique_ptr<const PhysicalMemory> first, Open open)
      : current_(std::move(first)), open_(std::move(open)) {}

  /// Opens the memory anew. On failure the old one stays in use.
  Result<void> renew() const {
    auto opened = open_();
    if (!opened) return std::move(opened).error();
    const std::scoped_lock lock(mutex_);
    current_ = std::move(*opened);
    return {};
  }

  Result<std::vector<PhysRange>> ranges() const override { return current()->ranges(); }

  Result<View> view(PhysAddr at, std::size_t want) const override {
    for (int attempt = 1;; ++attempt) {
      auto found = current()->view(at, want);
      if (found || found.error().code != Errc::in_flux || attempt == most_attempts) return found;
      if (auto done = renew(); !done) return std::move(done).error();
    }
  }

 private:
  static constexpr int most_attempts = 8;

  std::shared_ptr<const PhysicalMemory> current() const {
    const std::scoped_lock lock(mutex_);
    return current_;
  }

  mutable std::mutex mutex_;
  mutable std::shared_ptr<const PhysicalMemory> current_;
  Open open_;
};

}  // namespace memsect
