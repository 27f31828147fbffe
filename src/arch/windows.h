// The kernel's address space on most machines: windows at a fixed distance from physical memory (the direct map, the
// image), which need no page tables, and a tree of page tables for all the rest.
#pragma once

#include <vector>

#include "arch/page_walk.h"
#include "base/position.h"
#include "memory/physical_memory.h"
#include "memory/translator.h"

namespace memsect {

/// A window: virtual `start` + n is physical `phys` + n (modulo 2^64), for n below `size`.
struct Window {
  VirtAddr start;
  std::uint64_t size = 0;
  PhysAddr phys;

  bool contains(VirtAddr at) const { return at - start < size; }
  VirtAddr end() const { return start + size; }
};

/// A tree, and the addresses that are looked up in it. Outside of them nothing is mapped.
struct TreeSpan {
  TableTree tree;
  VirtAddr first;
  VirtAddr last;
};

/// Where what is.
struct AddressLayout {
  std::vector<Window> windows;  ///< do not overlap
  TreeSpan tables;
  /// Memory lies below this; a window's addresses beyond it are holes. 0 means that there is no such limit.
  std::uint64_t phys_limit = 0;
  /// The topmost eight bits of a kernel address say nothing of where it leads (arm64: tags of KASAN, pointer
  /// authentication).
  bool ignores_top_byte = false;
};

class WindowTranslator final : public Translator {
 public:
  /// `memory` must outlive the translator.
  WindowTranslator(const PhysicalMemory& memory, AddressLayout layout)
      : memory_(&memory), layout_(std::move(layout)) {}

  Result<Mapping> mapping_at(VirtAddr at) const override;
  Result<Mapping> table_mapping_at(VirtAddr at) const override;
  Result<std::uint64_t> leaf_size_at(VirtAddr at) const override;
  Result<void> visit_tables(VirtAddr start, std::uint64_t size, const TableListener& listener) const override;

 private:
  VirtAddr without_tag(VirtAddr at) const;
  Mapping window_mapping(const Window& window, VirtAddr at) const;

  const PhysicalMemory* memory_;
  AddressLayout layout_;
};

}  // namespace memsect
