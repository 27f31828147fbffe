// Page tables made by hand in fake memory, for any machine whose tables are trees of eight-byte entries.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "arch/arch.h"
#include "support/fake_memory.h"

namespace memsect::test {

/// One level of the tree, the top one first.
struct Level {
  unsigned shift = 0;
  unsigned index_bits = 0;
};

/// Tables are made as they are needed, one after the other, above the root.
class HandMadeTables {
 public:
  /// `link` makes the entry that leads to a table, at a level of the given number (0 is the root's).
  HandMadeTables(std::vector<Level> levels, PhysAddr root,
                 std::function<std::uint64_t(PhysAddr, std::size_t)> link,
                 ByteOrder order = ByteOrder::little)
      : memory(order),
        levels_(std::move(levels)),
        root_(root),
        link_(std::move(link)),
        next_(root + spacing) {
    memory.add({root, table_size(0)});
  }

  /// Where the entry for `at` lies that covers `1 << shift` bytes.
  PhysAddr entry(VirtAddr at, unsigned shift) {
    PhysAddr table = root_;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const std::uint64_t index =
          at.raw() >> levels_[i].shift & ((std::uint64_t{1} << levels_[i].index_bits) - 1);
      const PhysAddr slot = table + index * 8;
      if (levels_[i].shift <= shift) return slot;
      table = next_table(slot, i);
    }
    return table;
  }
  /// Writes the entry for `at` that covers `1 << shift` bytes.
  void set(VirtAddr at, unsigned shift, std::uint64_t raw) { memory.write_u64(entry(at, shift), raw); }

  FakeMemory memory;

 private:
  static constexpr std::uint64_t spacing = 0x100000;
  std::uint64_t table_size(std::size_t level) const { return std::uint64_t{8} << levels_[level].index_bits; }
  PhysAddr next_table(PhysAddr slot, std::size_t level) {
    const auto known = made_.find(slot.raw());
    if (known != made_.end()) return known->second;
    const PhysAddr table = next_;
    next_ += spacing;
    made_.emplace(slot.raw(), table);
    memory.add({table, table_size(level + 1)});
    memory.write_u64(slot, link_(table, level));
    return table;
  }

  std::vector<Level> levels_;
  PhysAddr root_;
  std::function<std::uint64_t(PhysAddr, std::size_t)> link_;
  PhysAddr next_;
  std::map<std::uint64_t, PhysAddr> made_;
};

inline Result<ArchMemory> open_arch(const ArchDriver& driver, const PhysicalMemory& memory,
                                    const std::string& keys, ByteOrder order,
                                    std::function<std::optional<VirtAddr>(std::string_view)> symbol = {}) {
  const auto info = Vmcoreinfo::parse(keys);
  EXPECT_TRUE(info);
  return driver.open({memory, *info, std::move(symbol), order});
}

/// The mapping at `at`, which must not be an error.
inline Mapping look(const Result<ArchMemory>& arch, VirtAddr at) {
  EXPECT_TRUE(arch) << arch.error().message;
  if (!arch) return {};
  const auto mapping = arch->translator->mapping_at(at);
  EXPECT_TRUE(mapping) << mapping.error().message;
  return mapping.value_or(Mapping{});
}

/// The error at `at`, which must be one.
inline Error failure(const Result<ArchMemory>& arch, VirtAddr at) {
  EXPECT_TRUE(arch) << arch.error().message;
  if (!arch) return arch.error();
  const auto mapping = arch->translator->mapping_at(at);
  EXPECT_FALSE(mapping);
  return mapping ? Error{} : mapping.error();
}

}  // namespace memsect::test
