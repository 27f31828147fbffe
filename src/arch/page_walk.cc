#include "arch/page_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

namespace memsect {
namespace {

constexpr std::uint64_t largest_entry = 8;

std::uint64_t index_of(const TableLevel& level, VirtAddr at) {
  return at.raw() >> level.shift & ((std::uint64_t{1} << level.index_bits) - 1);
}

/// "top-level PGD page table at 0x2610000, entry 273 (for virtual address 0xffff888000000000)"
std::string place(const TableTree& tree, const TableLevel& level, PhysAddr table, VirtAddr at) {
  return fmt::format("{}{} page table at {:#x}, entry {} (for virtual address {:#x})",
                     &level == &tree.levels.front() ? "top-level " : "", level.name, table.raw(),
                     index_of(level, at), at.raw());
}

/// The entries of one table from the one for `at` on: as many as came with one look at the memory, at least
/// one.
class TableTail {
 public:
  static Result<TableTail> read(const PhysicalMemory& memory, const TableTree& tree, const TableLevel& level,
                                PhysAddr table, VirtAddr at) {
    const std::uint64_t first = index_of(level, at);
    const std::uint64_t count = (std::uint64_t{1} << level.index_bits) - first;
    const std::uint64_t entry_size = tree.entry_size;
    auto view = memory.view(table + first * entry_size, static_cast<std::size_t>(count * entry_size));
    if (view && view->bytes.size() < entry_size) {
      // The entry straddles two cached blocks: memory in an ELF core need not begin at a multiple of 8.
      auto entry = std::make_shared<std::array<std::byte, largest_entry>>();
      const auto bytes = std::span(*entry).first(entry_size);
      auto read = memory.read(table + first * entry_size, bytes);
      if (!read) return std::move(read).error();
      return TableTail(tree, level, View{bytes, entry});
    }
    if (!view) return std::move(view).error();
    return TableTail(tree, level, *std::move(view));
  }

  std::size_t size() const { return view_.bytes.size() / tree_->entry_size; }
  Result<TableEntry> entry(std::size_t i) const {
    const std::uint64_t size = tree_->entry_size;
    const std::uint64_t raw = load_unsigned(view_.bytes.subspan(i * size, size), tree_->order);
    return tree_->decode(raw, *level_, level_ == &tree_->levels.back());
  }

  /// How many entries from the first on say the same, or go on where the one before ends.
  std::size_t run_of(const TableEntry& first) const {
    std::size_t length = 1;
    while (length < size()) {
      const auto next = entry(length);
      if (!next || next->kind != first.kind || next->page_shift != first.page_shift) break;
      const PhysAddr expected = first.phys + (std::uint64_t{length} << level_->shift);
      if (first.kind == TableEntry::Kind::leaf && next->phys != expected) break;
      ++length;
    }
    return length;
  }

 private:
  TableTail(const TableTree& tree, const TableLevel& level, View view)
      : tree_(&tree), level_(&level), view_(std::move(view)) {}

  const TableTree* tree_;
  const TableLevel* level_;
  View view_;
};

/// Where the walk for an address ends: a leaf, or a hole.
struct LastEntry {
  TableTail tail;
  TableEntry entry;
  const TableLevel* level;
};

Result<LastEntry> find_last(const PhysicalMemory& memory, const TableTree& tree, VirtAddr at) {
  PhysAddr table = tree.root;
  for (const TableLevel& level : tree.levels) {
    auto tail = TableTail::read(memory, tree, level, table, at);
    if (!tail) return std::move(tail).error().within(place(tree, level, table, at));
    auto entry = tail->entry(0);
    if (!entry) return std::move(entry).error().within(place(tree, level, table, at));
    if (entry->kind != TableEntry::Kind::table) return LastEntry{*std::move(tail), *entry, &level};
    table = entry->phys;
  }
  return Error{Errc::corrupt,
               fmt::format("the last page table for virtual address {:#x} leads to another one", at.raw()),
               {}};
}

/// Goes down through the tables that translate some addresses.
class TableVisit {
 public:
  TableVisit(const PhysicalMemory& memory, const TableTree& tree, const TableListener& listener)
      : memory_(memory), tree_(tree), listener_(listener) {}

  /// `last`: the last address that is asked for, of those that `table` translates.
  void go_through(std::size_t depth, PhysAddr table, VirtAddr first, VirtAddr last) const {
    const TableLevel& level = tree_.levels[depth];
    const std::uint64_t covered = std::uint64_t{1} << level.shift;
    for (VirtAddr at = first;;) {
      const auto tail = TableTail::read(memory_, tree_, level, table, at);
      if (!tail) listener_.lost(at, Error(tail.error()).within(place(tree_, level, table, at)));
      const std::size_t entries = tail ? tail->size() : 1;
      for (std::size_t i = 0; i < entries; ++i) {
        const VirtAddr entry_last(at.raw() | (covered - 1));
        if (tail) look_at(depth, table, tail->entry(i), at, std::min(entry_last, last));
        if (entry_last >= last) return;
        at = entry_last + 1;
      }
    }
  }

 private:
  void look_at(std::size_t depth, PhysAddr table, const Result<TableEntry>& entry, VirtAddr first,
               VirtAddr last) const {
    const TableLevel& level = tree_.levels[depth];
    if (!entry) return listener_.lost(first, Error(entry.error()).within(place(tree_, level, table, first)));
    if (entry->kind != TableEntry::Kind::table || depth + 1 == tree_.levels.size()) return;
    const std::uint64_t covered = std::uint64_t{1} << level.shift;
    listener_.found({entry->phys, tree_.entry_size << tree_.levels[depth + 1].index_bits,
                     static_cast<unsigned>(depth + 1), VirtAddr(first.raw() & ~(covered - 1)), covered});
    if (depth + 2 < tree_.levels.size()) go_through(depth + 1, entry->phys, first, last);
  }

  const PhysicalMemory& memory_;
  const TableTree& tree_;
  const TableListener& listener_;
};

}  // namespace

void visit_tables(const PhysicalMemory& memory, const TableTree& tree, VirtAddr start, std::uint64_t size,
                  const TableListener& listener) {
  const TableLevel& top = tree.levels.front();
  const std::uint64_t left = (std::uint64_t{1} << (top.shift + top.index_bits)) - 1;
  if (size == 0) return;
  const std::uint64_t reach = std::min(size - 1, left - (start.raw() & left));
  TableVisit(memory, tree, listener).go_through(0, tree.root, start, start + reach);
}

Result<Mapping> walk_tables(const PhysicalMemory& memory, const TableTree& tree, VirtAddr at) {
  const auto last = find_last(memory, tree, at);
  if (!last) return last.error();
  const TableEntry& entry = last->entry;
  const unsigned shift = last->level->shift;
  if (entry.page_shift > shift) {
    const std::uint64_t size = std::uint64_t{1} << entry.page_shift;
    const std::uint64_t in_page = at.raw() & (size - 1);
    return Mapping{at, size - in_page, entry.phys + in_page};
  }
  const std::uint64_t within = at.raw() & ((std::uint64_t{1} << shift) - 1);
  Mapping mapping{at, (std::uint64_t{last->tail.run_of(entry)} << shift) - within, std::nullopt};
  if (entry.kind == TableEntry::Kind::leaf) mapping.phys = entry.phys + within;
  return mapping;
}

Result<std::uint64_t> leaf_size(const PhysicalMemory& memory, const TableTree& tree, VirtAddr at) {
  const auto last = find_last(memory, tree, at);
  if (!last) return last.error();
  if (last->entry.kind != TableEntry::Kind::leaf) return 0;
  return std::uint64_t{1} << std::max({last->level->shift, last->entry.page_shift, last->entry.group_shift});
}

}  // namespace memsect
