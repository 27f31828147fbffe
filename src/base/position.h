// Positions on number lines that must not be mixed: physical addresses, virtual addresses, page frame
// numbers, section numbers. Explicit to make, explicit to take apart.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace memsect {

/// A point on the number line named by the tag. Arithmetic is modulo 2^64, as the kernel's own.
template <class Line>
class Position {
 public:
  constexpr Position() = default;
  constexpr explicit Position(std::uint64_t raw) : raw_(raw) {}
  constexpr std::uint64_t raw() const { return raw_; }

  // clang-tidy 14 takes the comparison's 0 for a pointer.
  friend constexpr auto operator<=>(Position, Position) = default;  // NOLINT(modernize-use-nullptr)
  friend constexpr Position operator+(Position at, std::uint64_t count) { return Position(at.raw_ + count); }
  friend constexpr Position operator-(Position at, std::uint64_t count) { return Position(at.raw_ - count); }
  friend constexpr std::uint64_t operator-(Position a, Position b) { return a.raw_ - b.raw_; }
  constexpr Position& operator+=(std::uint64_t count) {
    raw_ += count;
    return *this;
  }

 private:
  std::uint64_t raw_ = 0;
};

using PhysAddr = Position<struct PhysicalLine>;
using VirtAddr = Position<struct VirtualLine>;
using Pfn = Position<struct PfnLine>;
using SectionNr = Position<struct SectionLine>;

/// A NUMA node number. Negative is NUMA_NO_NODE.
enum class NodeId : int {};
constexpr int raw(NodeId node) { return static_cast<int>(node); }

/// A stretch of a number line, half-open: [start, start + size).
template <class P>
struct Range {
  P start;
  std::uint64_t size = 0;

  constexpr P end() const { return start + size; }
  constexpr bool contains(P at) const { return at - start < size; }
  constexpr bool empty() const { return size == 0; }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};
using PhysRange = Range<PhysAddr>;
using VirtRange = Range<VirtAddr>;
using PfnRange = Range<Pfn>;

}  // namespace memsect

template <class Line>
struct std::hash<memsect::Position<Line>> {
  std::size_t operator()(memsect::Position<Line> at) const noexcept {
    return std::hash<std::uint64_t>{}(at.raw());
  }
};
