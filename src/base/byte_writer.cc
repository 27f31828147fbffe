#include "base/byte_writer.h"

namespace memsect {

void ByteWriter::bytes(Bytes more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }

void ByteWriter::text(std::string_view text, std::size_t width) {
  const std::string_view fitting = text.substr(0, width - 1);
  bytes(std::as_bytes(std::span(fitting)));
  bytes_.resize(bytes_.size() + width - fitting.size());
}

void ByteWriter::align(std::size_t unit) { bytes_.resize((bytes_.size() + unit - 1) / unit * unit); }

void ByteWriter::number(std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t shift = 8 * (order_ == ByteOrder::little ? i : size - 1 - i);
    bytes_.push_back(static_cast<std::byte>(value >> shift));
  }
}

}  // namespace memsect
