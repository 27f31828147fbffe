#include "answer/bounds.h"

#include <algorithm>

#include "base/text.h"

namespace memsect {

std::optional<Bounds> parse_bounds(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_unsigned(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_unsigned(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return Bounds{*first, *last};
}

std::optional<std::vector<Bounds>> parse_bounds_list(std::string_view text) {
  std::vector<Bounds> list;
  for (;;) {
    const std::size_t comma = text.find(',');
    const auto bounds = parse_bounds(text.substr(0, comma));
    if (!bounds) return std::nullopt;
    list.push_back(*bounds);
    if (comma == std::string_view::npos) return list;
    text.remove_prefix(comma + 1);
  }
}

std::optional<Bounds> parse_address_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_size(text.substr(0, dash));
  const auto last = parse_size(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  if (!last->has_suffix)
    return first->bytes <= last->bytes ? std::optional(Bounds{first->bytes, last->bytes}) : std::nullopt;
  if (last->bytes <= first->bytes) return std::nullopt;
  return Bounds{first->bytes, last->bytes - 1};
}

bool contains(const std::vector<Bounds>& list, std::uint64_t value) {
  return std::any_of(list.begin(), list.end(),
                     [value](const Bounds& bounds) { return bounds.contains(value); });
}

}  // namespace memsect
