// riscv64: Sv39, Sv48 or Sv57, three to five levels of page tables, whatever the processor can.
//
//    direct map   physical = virtual - PAGE_OFFSET + phys_ram_base, a quarter of what the levels translate
//    image        physical = virtual - va_kernel_pa_offset, from KERNEL_LINK_ADDR up
//
// All four are in the VMCOREINFO of 6.12, and none in that of 6.1.
//
// A virtual address (Sv57; the others leave out the first tables), and an entry:
//
//    56 ... 48 | 47 ... 39 | 38 ... 30 | 29 ... 21 | 20 ... 12 | 11 ... 0
//       PGD    |    P4D    |    PUD    |    PMD    |    PTE    | in page
//
//    63  | 62:61 | 60:54    | 53 .............. 10 | 9:8 | 7 6 5 4 3 2 1 0
//     N  | PBMT  | reserved | physical page number |     | D A G U X W R V
//
//   V    0: nothing is mapped
//   RWX  all 0: the next table; else the page itself, at any level
//   N    (Svnapot) the page is larger than what the entry covers: the lowest set bit of its number says how large. Only
//        64 KiB is defined: ....1000
//
// Sources: arch/riscv/include/asm/{pgtable,pgtable-64,page}.h, arch/riscv/kernel/vmcore_info.c, Documentation/arch/riscv/
// vm-layout.rst; the RISC-V Privileged Architecture, "Sv57" and "Svnapot".

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "arch/arch.h"
#include "arch/windows.h"

namespace memsect {
namespace {

constexpr unsigned page_shift = 12;
constexpr unsigned index_bits = 9;
constexpr std::uint64_t entry_valid = 1;
constexpr std::uint64_t entry_is_page = 0xe;
constexpr std::uint64_t entry_reserved = std::uint64_t{0x7f} << 54;
constexpr std::uint64_t entry_napot = std::uint64_t{1} << 63;
constexpr std::uint64_t napot_64k = 8;
constexpr unsigned napot_shift = 16;
constexpr unsigned physical_bits = 56;

constexpr std::array<TableLevel, 5> all_levels{{
    {"PGD", 48, index_bits},
    {"P4D", 39, index_bits},
    {"PUD", 30, index_bits},
    {"PMD", 21, index_bits},
    {"PTE", page_shift, index_bits},
}};

Result<TableEntry> decode(std::uint64_t raw, const TableLevel& level, bool last) {
  using Kind = TableEntry::Kind;
  if ((raw & entry_valid) == 0) return TableEntry{};
  if ((raw & entry_reserved) != 0)
    return Error{Errc::corrupt, fmt::format("{:#x} has reserved bits set", raw), {}};
  const std::uint64_t number = raw >> 10 & ((std::uint64_t{1} << 44) - 1);
  const PhysAddr phys(number << page_shift);
  if ((raw & entry_is_page) == 0) return TableEntry{Kind::table, phys};
  if ((raw & entry_napot) != 0) {
    if (!last || (number & 0xf) != napot_64k)
      return Error{Errc::corrupt, fmt::format("{:#x} is of a size that is not defined", raw), {}};
    return TableEntry{Kind::leaf, PhysAddr((number & ~std::uint64_t{0xf}) << page_shift), napot_shift};
  }
  if ((phys.raw() & ((std::uint64_t{1} << level.shift) - 1)) != 0)
    return Error{
        Errc::corrupt, fmt::format("{:#x} names a large page that is not aligned to its size", raw), {}};
  return TableEntry{Kind::leaf, phys};
}

/// How many bits of an address the tables translate: 39, 48 or 57.
Result<unsigned> find_virtual_bits(const Vmcoreinfo& info) {
  if (const auto satp = info.number("satp")) {  // 7.2+
    const auto mode = static_cast<std::uint64_t>(*satp) >> 60;
    if (mode >= 8 && mode <= 10) return static_cast<unsigned>(39 + 9 * (mode - 8));
    return Error{Errc::corrupt, fmt::format("NUMBER(satp) in VMCOREINFO is {:#x}: no known mode", *satp), {}};
  }
  const std::int64_t bits = info.number("VA_BITS").value_or(0);
  if (bits == 39 || bits == 48 || bits == 57) return static_cast<unsigned>(bits);
  return Error{Errc::corrupt, fmt::format("NUMBER(VA_BITS) in VMCOREINFO is {}, not 39, 48 or 57", bits), {}};
}

/// The numbers of VMCOREINFO that everything follows from.
struct Numbers {
  std::uint64_t page_offset = 0;
  std::uint64_t phys_ram_base = 0;
  std::uint64_t kernel_link_addr = 0;
  std::uint64_t va_kernel_pa_offset = 0;
};

Result<Numbers> find_numbers(const Vmcoreinfo& info) {
  struct Wanted {
    std::string_view key;
    std::uint64_t Numbers::*field;
  };
  Numbers numbers;
  for (const Wanted& wanted :
       {Wanted{"PAGE_OFFSET", &Numbers::page_offset}, Wanted{"phys_ram_base", &Numbers::phys_ram_base},
        Wanted{"KERNEL_LINK_ADDR", &Numbers::kernel_link_addr},
        Wanted{"va_kernel_pa_offset", &Numbers::va_kernel_pa_offset}}) {
    const auto value = info.number(wanted.key);
    if (!value) {
      return Error{
          Errc::unsupported,
          fmt::format("VMCOREINFO has no NUMBER({}): the page tables cannot be located", wanted.key),
          "Older kernels do not write it (6.1 does not, 6.12 does), and a dump without VMCOREINFO has none"};
    }
    numbers.*wanted.field = static_cast<std::uint64_t>(*value);
  }
  return numbers;
}

/// The direct map, and the image.
Result<std::vector<Window>> find_windows(const Numbers& numbers, unsigned virtual_bits) {
  const VirtAddr link_addr(numbers.kernel_link_addr);
  const Window image{link_addr, 0 - link_addr.raw(), PhysAddr(link_addr.raw() - numbers.va_kernel_pa_offset)};
  Window direct{VirtAddr(numbers.page_offset), std::uint64_t{1} << (virtual_bits - 2),
                PhysAddr(numbers.phys_ram_base)};
  if (direct.start < image.start) direct.size = std::min(direct.size, image.start - direct.start);
  const VirtAddr lowest(0 - (std::uint64_t{1} << (virtual_bits - 1)));
  if (direct.start < lowest || direct.start >= image.start) {
    return Error{Errc::corrupt,
                 fmt::format("the direct map cannot be at {:#x} (PAGE_OFFSET), nor the image at {:#x} "
                             "(KERNEL_LINK_ADDR), with addresses of {} bits",
                             direct.start.raw(), image.start.raw(), virtual_bits),
                 {}};
  }
  return std::vector<Window>{direct, image};
}

Result<ArchMemory> open(const ArchInputs& inputs) {
  if (auto page = find_page_shift(riscv64, inputs.vmcoreinfo); !page) return std::move(page).error();
  auto numbers = find_numbers(inputs.vmcoreinfo);
  if (!numbers) return std::move(numbers).error();
  auto bits = find_virtual_bits(inputs.vmcoreinfo);
  if (!bits) return std::move(bits).error();
  auto windows = find_windows(*numbers, *bits);
  if (!windows) return std::move(windows).error();
  auto root = find_swapper_pg_dir(inputs);
  if (!root) return std::move(root).error();

  ArchMemory result;
  const Window& direct = windows->front();
  const Window& image = windows->back();
  result.page_offset = direct.start - direct.phys.raw();
  AddressLayout layout;
  layout.phys_limit = std::uint64_t{1} << physical_bits;
  layout.tables.first = VirtAddr(0 - (std::uint64_t{1} << (*bits - 1)));
  layout.tables.last = VirtAddr(~std::uint64_t{0});
  TableTree& tree = layout.tables.tree;
  tree.root = image.phys + (*root - image.start);
  if (!image.contains(*root) || tree.root.raw() >> physical_bits != 0) {
    return Error{Errc::corrupt,
                 fmt::format("the top-level page table cannot be at virtual address {:#x}", root->raw()),
                 {}};
  }
  tree.levels.assign(all_levels.end() - (*bits - page_shift) / index_bits, all_levels.end());
  tree.levels.front().name = "PGD";
  tree.decode = decode;
  layout.windows = *std::move(windows);
  result.translator = std::make_unique<WindowTranslator>(inputs.memory, std::move(layout));
  result.vmalloc = named_vmalloc_ranges(inputs.vmcoreinfo);
  result.kasan_shadow_offsets = {
      0xdfffffff00000000};  // since 5.17 (f7ae02333d13), for all widths of addresses
  return result;
}

}  // namespace

const ArchDriver riscv64{.name = "riscv64",
                         .other_name = "",
                         .elf_machine = 243,  // EM_RISCV
                         .section_size_bits = 27,
                         .page_shift = page_shift,
                         .page_sizes = 1 << page_shift,
                         .word_size = 8,
                         .order = ByteOrder::little,
                         .vmcoreinfo_mark = "NUMBER(va_kernel_pa_offset)",
                         .pmd_shift = [](unsigned) { return 21U; },
                         .open = open,
                         .find_vmcoreinfo = nullptr,
                         .prstatus = {.pc = 0, .sp = 2}};

}  // namespace memsect
