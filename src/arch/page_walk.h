// The walk through a tree of page tables, the same on every machine that has one: what differs is how many
// levels there are, how wide each is, and what the bits of an entry mean. Sees memory only through
// PhysicalMemory.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/position.h"
#include "base/result.h"
#include "memory/physical_memory.h"
#include "memory/translator.h"

namespace memsect {

/// What one entry of a page table says.
struct TableEntry {
  enum class Kind { hole, table, leaf };
  Kind kind = Kind::hole;
  PhysAddr phys;  ///< of the next table, or of the page; means nothing for a hole
  /// log2 of the page's size, where several entries beside each other name one and the same page: each of them the
  /// start of it (riscv: NAPOT). 0: the page is as large as what the entry covers.
  unsigned page_shift = 0;
  /// log2 of what such entries map together, where the processor was told that they belong together (arm64: the
  /// contiguous bit) though each names its own page. 0: the entry stands alone.
  unsigned group_shift = 0;
};

/// One level of a tree: tables of `1 << index_bits` entries, each of which covers `1 << shift` bytes.
struct TableLevel {
  std::string_view name;  ///< as the kernel calls it: "PGD", ..., "PTE"
  unsigned shift = 0;
  unsigned index_bits = 0;
};

/// A tree of page tables.
struct TableTree {
  PhysAddr root;
  std::vector<TableLevel>
      levels;  ///< the top one first; each one's shift + index_bits is the shift of the one above
  ByteOrder order = ByteOrder::little;
  std::uint64_t entry_size = 8;  ///< bytes, at most 8
  /// Takes an entry apart; `corrupt` for one that no working machine has. `last` is the level without tables
  /// below it.
  std::function<Result<TableEntry>(std::uint64_t raw, const TableLevel& level, bool last)> decode;
};

/// What the tree says of `at`, one table a level at most. The answer takes in the entries that follow in the
/// same table and continue it: holes beside holes, pages at consecutive addresses. It looks at the bits of
/// `at` that the levels index and at no others: which addresses belong to the tree is the caller's knowledge.
Result<Mapping> walk_tables(const PhysicalMemory& memory, const TableTree& tree, VirtAddr at);

/// How many bytes the leaf that maps `at` has, with those that belong together with it; 0 where nothing is mapped.
Result<std::uint64_t> leaf_size(const PhysicalMemory& memory, const TableTree& tree, VirtAddr at);

/// The tables below the top one that translate [start, start + size), by the bits that the levels index. Reads no table of
/// the last level. As many entries are looked at as the addresses have, however the tables are knotted.
void visit_tables(const PhysicalMemory& memory, const TableTree& tree, VirtAddr start, std::uint64_t size,
                  const TableListener& listener);

}  // namespace memsect
