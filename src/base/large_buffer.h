// Room for megabytes that are read at once.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace memsect {

/// Bytes of no defined value, owned. From 2 MiB on the kernel is asked for huge pages: of reading a table of
/// 3 MB, faulting its 750 small pages in would be the larger part.
class LargeBuffer {
 public:
  LargeBuffer() = default;
  /// Throws std::bad_alloc where there is no room.
  explicit LargeBuffer(std::size_t size);

  std::byte* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::span<std::byte> span() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const;
  };
  std::unique_ptr<std::byte[], Free> bytes_;
  std::size_t size_ = 0;
};

}  // namespace memsect
