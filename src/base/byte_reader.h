// A checked cursor over a header: read field after field, then ask once whether all of it was there.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/byte_order.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// Reads integers front to back. A read past the end yields 0 and makes the reader fail for good, so a parser
/// checks `ok()` once per header. The reader does not own the bytes; their owner must outlive it.
class ByteReader {
 public:
  ByteReader(Bytes bytes, ByteOrder order) : bytes_(bytes), order_(order) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(take(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(take(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
  std::uint64_t u64() { return take(8); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  /// A C `long` of the dumped machine: 4 or 8 bytes.
  std::uint64_t word(std::size_t size) { return take(size); }

  /// The next `count` bytes; empty when they are not there.
  Bytes bytes(std::size_t count) {
    if (!ok_ || count > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  /// A NUL-padded text field of `width` bytes.
  std::string text(std::size_t width) {
    const Bytes field = bytes(width);
    const auto* first = reinterpret_cast<const char*>(field.data());
    return {first, std::find(first, first + field.size(), '\0')};
  }
  void skip(std::size_t count) { bytes(count); }
  /// Moves to the next multiple of `alignment`, counted from the first byte.
  void align(std::size_t alignment) { skip((alignment - at_ % alignment) % alignment); }
  void seek(std::size_t offset) {
    ok_ = ok_ && offset <= bytes_.size();
    if (ok_) at_ = offset;
  }

  bool ok() const { return ok_; }
  std::size_t position() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }
  ByteOrder order() const { return order_; }

  /// Nothing, or `truncated` with a sentence that names what was being read.
  Result<void> finish(std::string_view what) const {
    if (ok_) return {};
    return Error{
        Errc::truncated, std::string(what) + " ends after " + std::to_string(bytes_.size()) + " bytes", {}};
  }

 private:
  std::uint64_t take(std::size_t size) {
    const Bytes field = bytes(size);
    return ok_ ? load_unsigned(field, order_) : 0;
  }

  Bytes bytes_;
  ByteOrder order_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace memsect
