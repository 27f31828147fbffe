#include "base/text.h"

#include <fmt/format.h>

#include <charconv>

namespace memsect {
namespace {

std::optional<std::uint64_t> parse_base(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string hex(std::uint64_t value) { return fmt::format("{:#x}", value); }

std::string human_size(std::uint64_t bytes) {
  constexpr std::string_view units = "KMGTPE";
  if (bytes < 1024) return fmt::format("{}", bytes);
  std::size_t unit = 0;
  unsigned shift = 10;
  while (bytes >> shift >= 1024) {
    shift += 10;
    ++unit;
  }
  std::uint64_t whole = bytes >> shift;
  const std::uint64_t scale = std::uint64_t{1} << shift;
  std::uint64_t tenths = ((bytes & (scale - 1)) * 10 + scale / 2) >> shift;
  if (tenths == 10) {  // 1023.95K is 1M
    tenths = 0;
    ++whole;
  }
  if (whole == 1024 && unit + 1 < units.size()) {
    whole = 1;
    ++unit;
  }
  if (tenths == 0) return fmt::format("{}{}", whole, units[unit]);
  return fmt::format("{}.{}{}", whole, tenths, units[unit]);
}

std::string ranges(std::span<const std::uint64_t> sorted) {
  std::string out;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1) ++last;
    if (!out.empty()) out += ',';
    out += fmt::format("{}", sorted[i]);
    if (last > i) out += fmt::format("-{}", sorted[last]);
    i = last + 1;
  }
  return out;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return parse_base(text.substr(2), 16);
  return parse_base(text, 10);
}

std::optional<std::uint64_t> parse_hex(std::string_view text) { return parse_base(text, 16); }

}  // namespace memsect
