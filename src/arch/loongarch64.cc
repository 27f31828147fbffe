// loongarch64: two windows onto all of physical memory, and page tables whose empty entries are not 0.
//
//    0x8000... and 0x9000...   physical = virtual & (2^48 - 1): uncached and cached. Memory and image, in the latter
//    -2^bits ... 2^64          vmalloc, modules, vmemmap: the tree under swapper_pg_dir
//
// VMCOREINFO tells nothing of the machine. Levels have page_shift - 3 bits; how many there are, the tables that stand for
// "nothing below here" tell: invalid_pmd_table with three levels, invalid_pud_table with four. Where neither is known it is
// four with pages of 4 KiB, else three, as distributions build it.
//
// An entry that leads to a table is the virtual address of that table in a window, and one that leads nowhere that of
// invalid_pte_table, invalid_pmd_table or invalid_pud_table (or 0). One that maps a page:
//
//    63 ... 48 | 47 ........ page_shift | ... | 12 global (huge) | 7 present | 6 huge | ... | 1 dirty | 0 valid
//
// No dump of a loongarch64 kernel was at hand: this follows the sources and is tested on tables made by hand.
// Sources: arch/loongarch/include/asm/{addrspace,pgtable,pgtable-bits}.h, arch/loongarch/mm/{init,pgtable}.c.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "arch/arch.h"
#include "arch/windows.h"

namespace memsect {
namespace {

constexpr std::uint64_t window_size = std::uint64_t{1} << 48;
constexpr VirtAddr uncached(0x8000000000000000);
constexpr VirtAddr cached(0x9000000000000000);
constexpr std::uint64_t entry_valid = 1;
constexpr std::uint64_t entry_huge = 1 << 6;
constexpr std::uint64_t entry_present = 1 << 7;

bool in_window(VirtAddr at) { return at - uncached < window_size || at - cached < window_size; }
PhysAddr window_phys(VirtAddr at) { return PhysAddr(at.raw() & (window_size - 1)); }

struct EntryFormat {
  unsigned page_shift = 0;
  std::vector<VirtAddr> nowhere;  ///< the tables of empty entries

  Result<TableEntry> decode(std::uint64_t raw, const TableLevel& level, bool last) const {
    using Kind = TableEntry::Kind;
    if (last || (raw & entry_huge) != 0) {
      if ((raw & (entry_valid | entry_present)) == 0) return TableEntry{};
      const std::uint64_t page = raw & (window_size - 1) & ~((std::uint64_t{1} << level.shift) - 1);
      return TableEntry{Kind::leaf, PhysAddr(page)};
    }
    const VirtAddr table(raw);
    if (raw == 0 || std::find(nowhere.begin(), nowhere.end(), table) != nowhere.end()) return TableEntry{};
    if (!in_window(table) || raw % (std::uint64_t{1} << page_shift) != 0)
      return Error{Errc::corrupt, fmt::format("{:#x} is no address of a page table", raw), {}};
    return TableEntry{Kind::table, window_phys(table)};
  }
};

unsigned count_levels(const ArchInputs& inputs, unsigned page_shift) {
  if (find_symbol(inputs, "invalid_pud_table")) return 4;
  if (find_symbol(inputs, "invalid_pmd_table")) return 3;
  if (find_symbol(inputs, "invalid_pte_table")) return 2;
  return page_shift == 12 ? 4 : 3;
}

std::vector<TableLevel> make_levels(unsigned page_shift, unsigned count) {
  static constexpr std::array<std::string_view, 4> names{"PTE", "PMD", "PUD", "PGD"};
  std::vector<TableLevel> levels;
  for (unsigned i = count; i-- > 0;)
    levels.push_back({names[i], page_shift + i * (page_shift - 3), page_shift - 3});
  levels.front().name = "PGD";
  return levels;
}

Result<ArchMemory> open(const ArchInputs& inputs) {
  auto page_shift = find_page_shift(loongarch64, inputs.vmcoreinfo);
  if (!page_shift) return std::move(page_shift).error();
  auto root = find_swapper_pg_dir(inputs);
  if (!root) return std::move(root).error();
  if (!in_window(*root)) {
    return Error{Errc::corrupt,
                 fmt::format("the top-level page table cannot be at virtual address {:#x}", root->raw()),
                 {}};
  }
  AddressLayout layout;
  layout.windows = {{uncached, window_size, PhysAddr(0)}, {cached, window_size, PhysAddr(0)}};
  TableTree& tree = layout.tables.tree;
  tree.root = window_phys(*root);
  tree.levels = make_levels(*page_shift, count_levels(inputs, *page_shift));
  EntryFormat format{*page_shift, {}};
  for (const std::string_view name : {"invalid_pte_table", "invalid_pmd_table", "invalid_pud_table"}) {
    if (const auto at = find_symbol(inputs, name)) format.nowhere.push_back(*at);
  }
  tree.decode = [format = std::move(format)](std::uint64_t raw, const TableLevel& level, bool last) {
    return format.decode(raw, level, last);
  };
  const TableLevel& top = tree.levels.front();
  layout.tables.first = VirtAddr(0 - (std::uint64_t{1} << (top.shift + top.index_bits)));
  layout.tables.last = VirtAddr(~std::uint64_t{0});
  ArchMemory result;
  result.page_offset = cached;
  result.translator = std::make_unique<WindowTranslator>(inputs.memory, std::move(layout));
  return result;
}

}  // namespace

const ArchDriver loongarch64{.name = "loongarch64",
                             .other_name = "",
                             .elf_machine = 258,  // EM_LOONGARCH
                             .section_size_bits = 29,
                             .page_shift = 14,
                             .page_sizes = (1 << 12) | (1 << 14) | (1 << 16),
                             .word_size = 8,
                             .order = ByteOrder::little,
                             .vmcoreinfo_mark = "",
                             .pmd_shift = [](unsigned page_shift) { return 2 * page_shift - 3; },
                             .kept_tables = ~0U,    // arch/loongarch/mm/init.c, vmemmap_free()
                             .keeps_memmap = true,  // the same
                             .open = open,
                             .find_vmcoreinfo = nullptr,
                             .prstatus = {.pc = 33, .sp = 3}};

}  // namespace memsect
