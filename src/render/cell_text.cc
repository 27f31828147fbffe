#include "render/cell_text.h"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "base/text.h"

namespace memsect {
namespace {

/// The list as plain numbers when it is non-negative integers in strictly ascending order, which ranges()
/// wants.
std::optional<std::vector<std::uint64_t>> ascending_numbers(const List& list) {
  std::vector<std::uint64_t> numbers;
  for (const Value& item : list) {
    std::uint64_t number = 0;
    if (const auto* natural = std::get_if<std::uint64_t>(&item.variant())) {
      number = *natural;
    } else if (const auto* whole = std::get_if<std::int64_t>(&item.variant()); whole && *whole >= 0) {
      number = static_cast<std::uint64_t>(*whole);
    } else {
      return std::nullopt;
    }
    if (!numbers.empty() && number <= numbers.back()) return std::nullopt;
    numbers.push_back(number);
  }
  return numbers;
}

bool is_compound(const Value& value) {
  return std::holds_alternative<List>(value.variant()) || std::holds_alternative<Object>(value.variant());
}

struct ToText {
  const CellStyle& style;

  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(bool b) const {
    if (style.reader == Reader::machine) return b ? "1" : "0";
    return b ? "yes" : "no";
  }
  std::string operator()(std::int64_t n) const { return std::to_string(n); }
  std::string operator()(std::uint64_t n) const { return std::to_string(n); }
  std::string operator()(Hex h) const { return hex(h.value); }
  std::string operator()(Size s) const {
    const bool plain = style.bytes || style.reader == Reader::machine;
    return plain ? std::to_string(s.bytes) : human_size(s.bytes);
  }
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(const Absent& absent) const {
    return absent.reason == absence_reason(Errc::not_applicable) ? "-" : "?";
  }
  std::string operator()(const List& list) const {
    if (style.reader == Reader::person) {
      if (const auto numbers = ascending_numbers(list)) return ranges(*numbers);
    }
    const char separator = std::any_of(list.begin(), list.end(), is_compound) ? ';' : ',';
    std::string out;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += separator;
      out += cell_text(list[i], style);
    }
    return out;
  }
  std::string operator()(const Object& object) const {
    std::string out;
    for (const auto& [key, value] : object) {
      if (!out.empty()) out += ',';
      // Parentheses keep the commas of an inner list or object apart from ours.
      const std::string text = cell_text(value, style);
      const bool inner = is_compound(value) && text.find_first_of(",;") != std::string::npos;
      out.append(key).append(inner ? "=(" : "=").append(text).append(inner ? ")" : "");
    }
    return out;
  }
};

}  // namespace

std::string cell_text(const Value& value, const CellStyle& style) {
  return std::visit(ToText{style}, value.variant());
}

}  // namespace memsect
