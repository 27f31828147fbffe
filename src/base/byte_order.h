// Integers out of raw bytes, in the byte order of the file or the dumped machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace memsect {

enum class ByteOrder { little, big };

constexpr ByteOrder host_byte_order =
    std::endian::native == std::endian::little ? ByteOrder::little : ByteOrder::big;

/// The unsigned integer in `bytes` (1 to 8 of them).
inline std::uint64_t load_unsigned(std::span<const std::byte> bytes, ByteOrder order) {
  std::uint64_t value = 0;
  const std::size_t size = bytes.size();
  if (size == sizeof(value) && order == host_byte_order) {  // nearly always, and in the inner loops
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  if (size == sizeof(std::uint32_t) && order == host_byte_order) {
    std::uint32_t half = 0;
    std::memcpy(&half, bytes.data(), sizeof(half));
    return half;
  }
  for (std::size_t i = 0; i < size; ++i) {
    const std::byte b = order == ByteOrder::big ? bytes[i] : bytes[size - 1 - i];
    value = value << 8 | std::to_integer<std::uint64_t>(b);
  }
  return value;
}

/// `value` as a signed integer of `size` bytes.
inline std::int64_t sign_extend(std::uint64_t value, std::size_t size) {
  const unsigned unused_bits = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(value << unused_bits) >> unused_bits;
}

}  // namespace memsect
