// Numbers as users select them: "3", "0-5,32-35", "0x100000000-0x13fffffff", "4G-5G".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace memsect {

/// Bounds, both inclusive.
struct Bounds {
  std::uint64_t first = 0, last = 0;
  bool contains(std::uint64_t value) const { return first <= value && value <= last; }
};

/// "N" or "N-M"; nothing for all else.
std::optional<Bounds> parse_bounds(std::string_view text);
/// Those, comma separated, as tables and --section have them.
std::optional<std::vector<Bounds>> parse_bounds_list(std::string_view text);
/// "START-END" of bytes. An END that is a plain number is the last byte, as in /proc/iomem; one with a suffix (K, M, G, T) is
/// where the range ends: 4G-5G is one GiB.
std::optional<Bounds> parse_address_range(std::string_view text);

/// Whether one of the bounds contains the value.
bool contains(const std::vector<Bounds>& list, std::uint64_t value);

}  // namespace memsect
