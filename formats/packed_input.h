// A compressed file as a stream of bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// Reads front to back, past the file's cache.
class PackedInput {
 public:
  explicit PackedInput(const ByteSource& source) : source_(source) {}

  /// The bytes that come next, as many as are at hand but at least one; empty at the end of the file.
  Result<Bytes> peek() {
    if (at_ == filled_) {
      buffer_.resize(buffer_size);
      auto got = source_.read_some(read_, buffer_);
      if (!got) return std::move(got).error();
      read_ += *got;
      filled_ = *got;
      at_ = 0;
    }
    return Bytes(buffer_).subspan(at_, filled_ - at_);
  }
  void consume(std::size_t count) { at_ += std::min(count, filled_ - at_); }

  /// Fills `out`; `truncated` when the file ends before.
  Result<void> take(std::span<std::byte> out) {
    while (!out.empty()) {
      auto bytes = peek();
      if (!bytes) return std::move(bytes).error();
      if (bytes->empty()) return Error{Errc::truncated, "ends within the stream", {}};
      const std::size_t count = std::min(out.size(), bytes->size());
      std::copy_n(bytes->begin(), count, out.begin());
      consume(count);
      out = out.subspan(count);
    }
    return {};
  }
  /// How many bytes were consumed.
  std::uint64_t position() const { return read_ - (filled_ - at_); }

 private:
  static constexpr std::size_t buffer_size = std::size_t{256} << 10;

  const ByteSource& source_;
  std::vector<std::byte> buffer_;
  std::uint64_t read_ = 0;
  std::size_t filled_ = 0, at_ = 0;
};

}  // namespace memsect
