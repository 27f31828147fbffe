#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

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

std::optional<ByteCount> parse_size(std::string_view text) {
  constexpr std::string_view suffixes = "KMGT";
  const std::size_t suffix = text.empty() ? suffixes.npos : suffixes.find(text.back());
  if (suffix == suffixes.npos) {
    const auto bytes = parse_unsigned(text);
    return bytes ? std::optional(ByteCount{*bytes, false}) : std::nullopt;
  }
  const unsigned shift = 10 * (static_cast<unsigned>(suffix) + 1);
  const auto number = parse_unsigned(text.substr(0, text.size() - 1));
  if (!number || *number > ~std::uint64_t{0} >> shift) return std::nullopt;
  return ByteCount{*number << shift, true};
}

namespace {

/// How many letters have to be added, dropped or changed to make one word of the other (Levenshtein).
std::size_t letters_apart(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  for (std::size_t j = 0; j <= other.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= one.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t changed = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({changed, above + 1, row[j - 1] + 1});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> known) {
  constexpr std::size_t longest = 64;  // what nobody mistypes
  if (typed.empty() || typed.size() > longest) return {};
  std::string_view begins;
  std::size_t beginning = 0;
  for (const std::string_view word : known) {
    if (!word.starts_with(typed)) continue;
    begins = word;
    ++beginning;
  }
  if (beginning == 1) return begins;
  constexpr std::size_t apart_at_most = 2;
  std::string_view nearest;
  std::size_t least = std::min(apart_at_most + 1, typed.size());
  for (const std::string_view word : known) {
    const std::size_t apart = letters_apart(typed, word);
    if (apart < least) {
      least = apart;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace memsect
