// i386, with or without PAE.
//
//    PAGE_OFFSET                   high_memory   VMALLOC_START                 2^32
//        | low memory, the image in it  |  8 MiB  | vmalloc | kmap | fixmap |
//
//   low memory   physical = virtual - PAGE_OFFSET; VMCOREINFO has no KERNELOFFSET, and needs none. Where it ends, it says by
//                NUMBER(VMALLOC_START) (6.9+); before that the page tables are asked
//   the rest     page tables from swapper_pg_dir on
//
// Without PAE two levels of 1024 entries of 4 bytes; with it (CONFIG_X86_PAE=y in VMCOREINFO) four entries, then two levels
// of 512, of 8 bytes:
//
//    31 ... 22 | 21 ... 12 | 11 ... 0            31 30 | 29 ... 21 | 20 ... 12 | 11 ... 0
//       PGD    |    PTE    | in page              PGD  |    PMD    |    PTE    | in page
//
//   entry   bit 0 present, bit 7 of a PGD or PMD entry: the page itself (4 MiB, with PAE 2 MiB), bit 63 no execution
//           a 4 MiB page has bits 39:32 of its address in bits 20:13 (PSE-36)
//
// QEMU writes ELF64 headers when the machine's memory map reaches 4 GiB, which that of its own BIOS does: the width of
// words is the machine's, not the file's.
//
// Sources: arch/x86/include/asm/{page_32_types,pgtable-2level,pgtable-3level}.h, arch/x86/kernel/vmcore_info_32.c; Intel SDM
// volume 3, 4.3 and 4.4.
#include <fmt/format.h>

#include "arch/arch.h"
#include "arch/lowmem.h"
#include "arch/windows.h"

namespace memsect {
namespace {

constexpr unsigned page_shift = 12;
constexpr std::uint64_t entry_present = 1 << 0;
constexpr std::uint64_t entry_is_page = 1 << 7;
constexpr std::uint64_t vmalloc_offset = std::uint64_t{8} << 20;  // VMALLOC_OFFSET: nothing is mapped there
constexpr std::uint64_t pae_address = 0xffffffffff000;            // bits 51:12

std::uint64_t low_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

Result<TableEntry> decode_two_levels(std::uint64_t raw, const TableLevel& level, bool last) {
  using Kind = TableEntry::Kind;
  if ((raw & entry_present) == 0) return TableEntry{};
  if (last) return TableEntry{Kind::leaf, PhysAddr(raw & ~low_bits(page_shift))};
  if ((raw & entry_is_page) == 0) return TableEntry{Kind::table, PhysAddr(raw & ~low_bits(page_shift))};
  return TableEntry{Kind::leaf, PhysAddr((raw & ~low_bits(level.shift)) | (raw >> 13 & 0xff) << 32)};
}

Result<TableEntry> decode_pae(std::uint64_t raw, const TableLevel& level, bool last) {
  using Kind = TableEntry::Kind;
  if ((raw & entry_present) == 0) return TableEntry{};
  const std::uint64_t phys = raw & pae_address;
  const bool is_top = level.shift == 30;  // there bit 7 is reserved
  if (last || (!is_top && (raw & entry_is_page) != 0))
    return TableEntry{Kind::leaf, PhysAddr(phys & ~low_bits(level.shift))};
  return TableEntry{Kind::table, PhysAddr(phys)};
}

std::optional<VirtAddr> find_vmalloc_start(const ArchInputs& inputs, VirtAddr page_offset) {
  const auto number = inputs.vmcoreinfo.number("VMALLOC_START");
  const VirtAddr start(static_cast<std::uint32_t>(number.value_or(0)));
  return start > page_offset + vmalloc_offset ? std::optional(start) : std::nullopt;
}

Result<ArchMemory> open(const ArchInputs& inputs) {
  const auto start = find_lowmem_start(inputs);
  if (!start) return start.error();
  const auto root = find_swapper_pg_dir(inputs);
  if (!root) return root.error();
  if (*root < *start || root->raw() > low_bits(32)) {
    return Error{Errc::corrupt,
                 fmt::format("the top-level page table cannot be at virtual address {:#x}", root->raw()),
                 {}};
  }
  AddressLayout layout;
  const auto vmalloc = find_vmalloc_start(inputs, *start);
  if (vmalloc) layout.windows.push_back({*start, *vmalloc - vmalloc_offset - *start, PhysAddr(0)});
  layout.tables.first = *start;
  layout.tables.last = VirtAddr(low_bits(32));
  TableTree& tree = layout.tables.tree;
  tree.root = PhysAddr(*root - *start);
  if (inputs.vmcoreinfo.value("CONFIG_X86_PAE")) {
    tree.levels = {{"PGD", 30, 2}, {"PMD", 21, 9}, {"PTE", page_shift, 9}};
    tree.decode = decode_pae;
  } else {
    tree.levels = {{"PGD", 22, 10}, {"PTE", page_shift, 10}};
    tree.entry_size = 4;
    tree.decode = decode_two_levels;
  }
  ArchMemory result;
  result.page_offset = *start;
  result.pmd_shift = tree.levels[tree.levels.size() - 2].shift;
  if (vmalloc) result.vmalloc = {{*vmalloc, layout.tables.last - *vmalloc}};
  result.translator = std::make_unique<WindowTranslator>(inputs.memory, std::move(layout));
  return result;
}

}  // namespace

const ArchDriver i386{.name = "i686",
                      .other_name = "i386",
                      .elf_machine = 3,  // EM_386
                      .section_size_bits = 26,
                      .page_shift = page_shift,
                      .page_sizes = 1 << page_shift,
                      .word_size = 4,
                      .order = ByteOrder::little,
                      .vmcoreinfo_mark = "",
                      .pmd_shift = [](unsigned) { return 21U; },
                      .open = open,
                      .find_vmcoreinfo = nullptr,
                      .prstatus = {.pc = 12, .sp = 15}};

}  // namespace memsect
