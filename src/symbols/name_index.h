// Names to numbers, for tables of 150,000 names of which a run asks for forty: what counts is the one pass that
// fills the index. So it keeps no names, 8 bytes a name, chained where 16 bits of the hash agree; whoever has the
// names is asked whether the one found is the one meant.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace memsect {

/// A polynomial in the characters, modulo 2^64: the hash of two texts in a row follows from their own (`append`),
/// so names made of tokens are hashed without being spelled out.
class NameHash {
 public:
  constexpr NameHash() = default;
  explicit constexpr NameHash(std::string_view text) {
    for (const char c : text) {
      sum_ = sum_ * base + static_cast<unsigned char>(c);
      power_ *= base;
    }
  }
  /// The hash of this text with `next` behind it.
  constexpr void append(const NameHash& next) {
    sum_ = sum_ * next.power_ + next.sum_;
    power_ *= next.power_;
  }
  /// The upper bits depend on all characters, the lower ones of the sum do not.
  constexpr std::uint32_t value() const {
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
    return static_cast<std::uint32_t>(((sum_ ^ (sum_ >> 32)) * odd) >> 32);
  }

 private:
  static constexpr std::uint64_t base = 0xd1342543de82ef95;
  std::uint64_t sum_ = 0;
  std::uint64_t power_ = 1;
};

/// A hash of a text at hand, a word at a time.
inline std::uint32_t hash_text(std::string_view text) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  std::uint64_t hash = text.size();
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t part = std::min(text.size(), sizeof word);
    std::memcpy(&word, text.data(), part);
    hash = (std::rotl(hash, 23) ^ word) * odd;
    text.remove_prefix(part);
  }
  return static_cast<std::uint32_t>(hash >> 32);
}

/// Hashes to numbers: either of the two above, one and the same throughout.
class NameIndex {
 public:
  NameIndex() : heads_(std::size_t{1} << head_bits, none) {}

  void reserve(std::size_t count) { links_.reserve(count); }
  /// Gives the name with this hash the next number, counted from 0.
  void add(std::uint32_t hash) {
    std::uint32_t& head = heads_[hash >> (32 - head_bits)];
    links_.push_back({hash, head});
    head = static_cast<std::uint32_t>(links_.size() - 1);
  }
  std::size_t size() const { return links_.size(); }

  /// The lowest number with this hash of which `is_named(number)` says that it is the one.
  template <class IsNamed>
  std::optional<std::uint32_t> find(std::uint32_t hash, const IsNamed& is_named) const {
    std::vector<std::uint32_t> same;  // of the chain, which runs from high to low
    for (std::uint32_t i = heads_[hash >> (32 - head_bits)]; i != none; i = links_[i].next) {
      if (links_[i].hash == hash) same.push_back(i);
    }
    const auto found = std::find_if(same.rbegin(), same.rend(), is_named);
    return found != same.rend() ? std::optional(*found) : std::nullopt;
  }

 private:
  static constexpr unsigned head_bits = 16;
  static constexpr std::uint32_t none = UINT32_MAX;
  struct Link {
    std::uint32_t hash = 0;
    std::uint32_t next = none;
  };
  std::vector<std::uint32_t> heads_;
  std::vector<Link> links_;
};

}  // namespace memsect
