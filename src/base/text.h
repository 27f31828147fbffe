// Numbers as text, the way the field's tools write them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace memsect {

/// "0x1f000": lower case, no padding.
std::string hex(std::uint64_t value);
/// Bytes for people: "512", "4K", "128M", "1.5G" (powers of 1024, one decimal at most, as lsmem writes them).
std::string human_size(std::uint64_t bytes);
/// Sorted numbers as ranges: "0-5,8". Empty input is "".
std::string ranges(std::span<const std::uint64_t> sorted);
/// A whole decimal number, or a hexadecimal one behind 0x. Nothing else, no sign, no overflow.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
/// A number of bytes: a number as above, or one with K, M, G or T (powers of 1024) after it.
struct ByteCount {
  std::uint64_t bytes = 0;
  bool has_suffix = false;
};
std::optional<ByteCount> parse_size(std::string_view text);
/// The word of `known` that was meant by a mistyped one: the only one that begins with it, or that is nearest to it by at
/// most two letters. Empty where there is none.
std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> known);
/// A whole hexadecimal number without 0x.
std::optional<std::uint64_t> parse_hex(std::string_view text);

}  // namespace memsect
