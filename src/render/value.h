// Output as values: commands build them, renderers write them as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace memsect {

class Value;
using List = std::vector<Value>;
/// Keys in the order they are written.
using Object = std::vector<std::pair<std::string_view, Value>>;

/// An address or a bitmap: "0x..." in every format.
struct Hex {
  std::uint64_t value = 0;
};
/// A size in bytes: a number in JSON, csv, pairs and raw, "128M" in tables unless bytes were asked for.
struct Size {
  std::uint64_t bytes = 0;
};
/// A value that could not be had: {"absent": reason, "why": text} in JSON, "?" in tables, "-" for
/// not_applicable.
struct Absent {
  std::string_view reason;  ///< one of the contract's words (absence_reason)
  std::string why;
};

/// null, bool, number, address, size, text, list, object, or an absence with its reason.
class Value {
 public:
  using Variant = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, Hex, Size, std::string,
                               Absent, List, Object>;

  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool b) : v_(b) {}
  Value(int n) : v_(static_cast<std::int64_t>(n)) {}
  Value(std::int64_t n) : v_(n) {}
  Value(unsigned n) : v_(static_cast<std::uint64_t>(n)) {}
  Value(std::uint64_t n) : v_(n) {}
  Value(Hex h) : v_(h) {}
  Value(Size s) : v_(s) {}
  Value(const char* s) : v_(std::string(s)) {}
  Value(std::string_view s) : v_(std::string(s)) {}
  Value(std::string s) : v_(std::move(s)) {}
  Value(Absent a) : v_(std::move(a)) {}
  Value(List l) : v_(std::move(l)) {}
  Value(Object o) : v_(std::move(o)) {}
  Value(const Error& e) : v_(Absent{absence_reason(e.code), e.message}) {}

  const Variant& variant() const { return v_; }
  /// Whether it is, or holds anywhere inside, an absence other than not_applicable: what makes a run end
  /// with exit 5.
  bool has_absence() const;

 private:
  Variant v_;
};

}  // namespace memsect
