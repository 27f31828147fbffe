// Kernel virtual memory: a Translator over a PhysicalMemory.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/byte_order.h"
#include "base/position.h"
#include "base/result.h"
#include "base/view.h"
#include "memory/physical_memory.h"
#include "memory/translator.h"

namespace memsect {

/// Reads by virtual address. A cheap value that remembers the last few mappings: each thread copies its own.
/// Does not own the memory and the translator; the Kernel does.
class AddressSpace {
 public:
  AddressSpace(const PhysicalMemory& memory, const Translator& translator)
      : memory_(&memory), translator_(&translator) {}

  const PhysicalMemory& memory() const { return *memory_; }

  /// What lies at `at`, as Translator::mapping_at, from the last mappings where they reach.
  Result<Mapping> mapping_at(VirtAddr at) const;
  /// The physical address behind `at`; `not_mapped` in a hole.
  Result<PhysAddr> translate(VirtAddr at) const;
  /// The physical stretches behind [at, at + size), merged where they touch, in virtual order. Holes are left
  /// out.
  Result<std::vector<PhysRange>> mapped_ranges(VirtAddr at, std::uint64_t size) const;
  /// The physical stretches behind [at, at + size); `not_mapped` when any byte of it lies in a hole.
  Result<std::vector<PhysRange>> translate_range(VirtAddr at, std::uint64_t size) const;

  /// 1 to `want` bytes at `at`, inside one cached block.
  Result<View> view(VirtAddr at, std::size_t want) const;
  /// Fills `out` from `at`, or fails at the first byte that cannot be had.
  Result<void> read(VirtAddr at, std::span<std::byte> out) const;
  /// The unsigned integer of `size` bytes (8 at most) at `at`.
  Result<std::uint64_t> read_number(VirtAddr at, std::size_t size, ByteOrder order) const;
  /// The NUL-terminated text at `at`, `limit` bytes at most; `corrupt` when it does not end or is not
  /// printable.
  Result<std::string> read_text(VirtAddr at, std::size_t limit) const;

 private:
  const PhysicalMemory* memory_;
  const Translator* translator_;
  mutable std::array<Mapping, 4> recent_{};
  mutable std::size_t next_recent_ = 0;
};

}  // namespace memsect
