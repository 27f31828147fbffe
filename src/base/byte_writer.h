// The counterpart of ByteReader: a header written field after field.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/view.h"

namespace memsect {

class ByteWriter {
 public:
  explicit ByteWriter(ByteOrder order) : order_(order) {}

  void u16(std::uint16_t value) { number(value, 2); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void bytes(Bytes more);
  /// A text field of `width` bytes, NUL-padded and cut where it does not fit with a NUL behind it.
  void text(std::string_view text, std::size_t width);
  /// Zeros up to the next multiple of `unit`.
  void align(std::size_t unit);

  std::size_t size() const { return bytes_.size(); }
  Bytes written() const { return bytes_; }

 private:
  void number(std::uint64_t value, std::size_t size);

  ByteOrder order_;
  std::vector<std::byte> bytes_;
};

}  // namespace memsect
