// arm64: pages of 4, 16 or 64 KiB, virtual addresses of 36 to 52 bits, and a direct map that may begin anywhere.
//
// The kernel's half of the address space, from Linux 14c127c957c1 ("arm64: mm: Flip kernel VA space", v5.4) on:
//
//    -2^VA_BITS = PAGE_OFFSET      -2^(VA_BITS_MIN - 1) = PAGE_END                              2^64
//        | direct map                  | modules | vmalloc, the image in it | ... | vmemmap | ... |
//
// and before it the other way round: the image and vmalloc in the lower half, the direct map from -2^(VA_BITS - 1) on.
// Which of the two it is, the place of _stext tells.
//
//   direct map   physical = virtual - PAGE_OFFSET + PHYS_OFFSET, modulo 2^64. PHYS_OFFSET is "negative" where KASLR moved
//                the direct map, and where a kernel built for 52 bits runs with 48: the sum is right as it stands
//   image        physical = virtual - kimage_voffset; needed for the top table only
//   VA_BITS      what the kernel was built for. VA_BITS_MIN is what it is sure of: VA_BITS up to 48, else 48, or 47 with
//                pages of 16 KiB. What the processor does is 64 - T1SZ, and with pages of 4 and 16 KiB the tree has as many
//                levels as that needs. With pages of 64 KiB it is built for VA_BITS whatever the processor does
//
// The tree: tables of one page, 8-byte entries, so page_shift - 3 bits a level; the top table may be shorter.
//
//    63 ..... 50 | 49 48 | 47 .......... 12 | 11 10 | 9 8 | ... | 1 0
//     attributes |       | output address   |       | SH  |     | type: 3 table or (last level) page, 1 block, 0 and 2 nothing
//
//   64 KiB pages      bits 15:12 are bits 51:48 of the address (0 with 48-bit addresses)
//   LPA2 (4 or 16 KiB pages and 52-bit virtual addresses: the processor cannot do these without it)
//                     bits 49:48 belong to the address, and bits 9:8 are its bits 51:50
//
// Blocks exist at these levels: 4 KiB pages 2 MiB, 1 GiB, 512 GiB with LPA2; 16 KiB pages 32 MiB, 64 GiB with LPA2; 64 KiB
// pages 512 MiB, 4 TiB with 52-bit addresses.
//
// Sources: arch/arm64/include/asm/{memory,pgtable-hwdef}.h, arch/arm64/kernel/vmcore_info.c; the Arm Architecture
// Reference Manual, D8 ("VMSAv8-64 translation table format descriptors").

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "arch/arch.h"
#include "arch/windows.h"

namespace memsect {
namespace {

constexpr unsigned widest_virtual = 52;
constexpr unsigned widest_before_lpa = 48;

std::uint64_t low_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }
/// -2^bits: where the topmost 2^bits bytes of the address space begin.
VirtAddr top_of_size(unsigned bits) { return VirtAddr(0 - (std::uint64_t{1} << bits)); }

/// The numbers that the rest follows from.
struct Numbers {
  unsigned page_shift = 0;
  unsigned va_bits = 0;    ///< what the kernel was built for
  unsigned tree_bits = 0;  ///< what the tree translates
  std::uint64_t kimage_voffset = 0;

  bool lpa2() const { return page_shift < 16 && tree_bits == widest_virtual; }
  unsigned va_bits_min() const {
    if (va_bits <= widest_before_lpa) return va_bits;
    return page_shift == 14 ? 47 : 48;
  }
};

Error absurd(std::string_view key, std::int64_t value) {
  return {Errc::corrupt,
          fmt::format("NUMBER({}) in VMCOREINFO is {}, which no arm64 kernel has", key, value),
          {}};
}

Result<Numbers> find_numbers(const Vmcoreinfo& info) {
  Numbers numbers;
  auto page_shift = find_page_shift(arm64, info);
  if (!page_shift) return std::move(page_shift).error();
  numbers.page_shift = *page_shift;
  const auto va_bits = info.number("VA_BITS");
  const auto voffset = info.number("kimage_voffset");
  if (!va_bits || !voffset) {
    return Error{Errc::unsupported,
                 fmt::format("VMCOREINFO has no NUMBER({}): the page tables cannot be located",
                             va_bits ? "kimage_voffset" : "VA_BITS"),
                 "Kernels before 4.12 do not write it, and a dump without VMCOREINFO has none"};
  }
  if (*va_bits < 36 || *va_bits > widest_virtual) return absurd("VA_BITS", *va_bits);
  numbers.va_bits = static_cast<unsigned>(*va_bits);
  numbers.kimage_voffset = static_cast<std::uint64_t>(*voffset);
  numbers.tree_bits = numbers.va_bits;
  // Linux bbdbc11804ff ("arm64/crash_core: Export TCR_EL1.T1SZ in vmcoreinfo") (v5.11, and stable branches). Without it
  // the kernel has no 52 bits but with pages of 64 KiB.
  const auto t1sz = info.number("TCR_EL1_T1SZ");
  if (t1sz && (*t1sz < 64 - static_cast<int>(widest_virtual) || *t1sz > 64 - 36))
    return absurd("TCR_EL1_T1SZ", *t1sz);
  if (t1sz && numbers.page_shift < 16) numbers.tree_bits = 64 - static_cast<unsigned>(*t1sz);
  if (numbers.tree_bits > numbers.va_bits) return absurd("TCR_EL1_T1SZ", *t1sz);
  return numbers;
}

/// What the bits of an entry mean.
struct EntryFormat {
  unsigned page_shift = 0;
  bool lpa2 = false;

  PhysAddr address(std::uint64_t raw) const {
    const unsigned top = lpa2 ? 50 : 48;
    std::uint64_t address = raw & low_bits(top) & ~low_bits(page_shift);
    if (lpa2) address |= (raw >> 8 & 3) << 50;
    if (page_shift == 16) address |= (raw >> 12 & 0xf) << 48;
    return PhysAddr(address);
  }
  bool has_blocks(const TableLevel& level) const {
    if (level.shift == 2 * page_shift - 3) return true;  // a PMD
    if (page_shift == 12) return level.shift == 30 || (lpa2 && level.shift == 39);
    if (page_shift == 14) return lpa2 && level.shift == 36;
    return level.shift == 42;
  }
  /// The contiguous bit (52): 16 entries belong together with pages of 4 KiB, 32 with 64 KiB; with 16 KiB 128 pages or 32
  /// blocks (CONT_PTE_SHIFT, CONT_PMD_SHIFT). Linux sets it on PTEs and PMDs alone.
  unsigned group_shift(std::uint64_t raw, const TableLevel& level) const {
    if ((raw >> 52 & 1) == 0 || level.shift > 2 * page_shift - 3) return 0;
    const bool of_pages = level.shift == page_shift;
    return level.shift + (page_shift == 12 ? 4 : page_shift == 14 && of_pages ? 7 : 5);
  }
  Result<TableEntry> decode(std::uint64_t raw, const TableLevel& level, bool last) const {
    using Kind = TableEntry::Kind;
    const bool valid = (raw & 1) != 0;
    const bool table_or_page = (raw & 2) != 0;
    if (!valid) return TableEntry{};
    if (table_or_page)
      return TableEntry{last ? Kind::leaf : Kind::table, address(raw), 0, last ? group_shift(raw, level) : 0};
    if (last || !has_blocks(level))
      return Error{Errc::corrupt, fmt::format("{:#x} is of the reserved type 1", raw), {}};
    const PhysAddr block = address(raw);
    if ((block.raw() & low_bits(level.shift)) != 0)
      return Error{
          Errc::corrupt, fmt::format("{:#x} names a block that is not aligned to its size", raw), {}};
    return TableEntry{Kind::leaf, block, 0, group_shift(raw, level)};
  }
};

/// The levels of a tree for addresses of `bits` bits, the top one first.
std::vector<TableLevel> make_levels(unsigned page_shift, unsigned bits) {
  static constexpr std::array<std::string_view, 5> names{"PTE", "PMD", "PUD", "P4D", "PGD"};
  const unsigned bits_per_level = page_shift - 3;
  std::vector<TableLevel> levels;
  for (unsigned shift = page_shift; shift < bits; shift += bits_per_level) {
    const unsigned index_bits = std::min(bits_per_level, bits - shift);
    levels.insert(levels.begin(),
                  TableLevel{names[std::min(levels.size(), names.size() - 1)], shift, index_bits});
  }
  levels.front().name = "PGD";
  return levels;
}

Result<PhysAddr> find_root(const ArchInputs& inputs, const Numbers& numbers) {
  auto root = find_swapper_pg_dir(inputs);
  if (!root) return std::move(root).error();
  const PhysAddr phys(root->raw() - numbers.kimage_voffset);
  // Shorter than a page, the top table need not begin with one.
  if (phys.raw() >> widest_virtual != 0 || phys.raw() % 8 != 0) {
    return Error{
        Errc::corrupt,
        fmt::format("the top-level page table cannot be at virtual address {:#x} with kimage_voffset {:#x}",
                    root->raw(), numbers.kimage_voffset),
        {}};
  }
  return phys;
}

/// The direct map, where VMCOREINFO tells what it needs: PHYS_OFFSET, and where the image lies.
std::optional<Window> find_direct_map(const ArchInputs& inputs, const Numbers& numbers) {
  const auto phys_offset = inputs.vmcoreinfo.number("PHYS_OFFSET");
  const auto stext = find_symbol(inputs, "_stext");
  if (!phys_offset || !stext) return std::nullopt;
  const PhysAddr phys(static_cast<std::uint64_t>(*phys_offset));
  const VirtAddr page_end = top_of_size(numbers.va_bits_min() - 1);
  if (*stext < page_end) return Window{page_end, 0 - page_end.raw(), phys};  // before 5.4
  const VirtAddr page_offset = top_of_size(numbers.va_bits);
  std::uint64_t size = page_end - page_offset;
  // With KASAN its shadow takes the upper eighth of what the processor translates, and PAGE_END comes before it.
  if (find_symbol(inputs, "kasan_early_shadow_page"))
    size -= std::min(size, std::uint64_t{1} << (numbers.tree_bits - 3));
  return Window{page_offset, size, phys};
}

/// The shadow of all 64 bits of address ends where the upper half begins, at PAGE_END, and a quarter of a half further up
/// from 5.4 to 5.10 (f4693c2716b3, "arm64: mm: extend linear region for 52-bit VA configurations", v5.11).
std::vector<std::uint64_t> find_kasan_shadow_offsets(const Numbers& numbers) {
  const unsigned half = numbers.va_bits_min() - 1;
  const std::uint64_t end = top_of_size(half).raw();
  constexpr std::uint64_t whole_shadow = std::uint64_t{1} << 61;
  return {end - whole_shadow, end + (std::uint64_t{1} << (half - 2)) - whole_shadow};
}

Result<ArchMemory> open(const ArchInputs& inputs) {
  auto numbers = find_numbers(inputs.vmcoreinfo);
  if (!numbers) return std::move(numbers).error();
  auto root = find_root(inputs, *numbers);
  if (!root) return std::move(root).error();

  ArchMemory result;
  AddressLayout layout;
  if (const auto direct_map = find_direct_map(inputs, *numbers)) {
    layout.windows.push_back(*direct_map);
    result.page_offset = direct_map->start - direct_map->phys.raw();
  }
  layout.phys_limit = std::uint64_t{1} << widest_virtual;
  layout.ignores_top_byte = true;
  layout.tables.first = top_of_size(numbers->tree_bits);
  layout.tables.last = VirtAddr(~std::uint64_t{0});
  layout.tables.tree.root = *root;
  layout.tables.tree.levels = make_levels(numbers->page_shift, numbers->tree_bits);
  layout.tables.tree.order = inputs.order;
  const EntryFormat format{numbers->page_shift, numbers->lpa2()};
  layout.tables.tree.decode = [format](std::uint64_t raw, const TableLevel& level, bool last) {
    return format.decode(raw, level, last);
  };
  result.translator = std::make_unique<WindowTranslator>(inputs.memory, std::move(layout));
  result.vmalloc = named_vmalloc_ranges(inputs.vmcoreinfo);
  result.kasan_shadow_offsets = find_kasan_shadow_offsets(*numbers);
  return result;
}

/// kimage_voffset says where the image runs; how many bits addresses have, what makes the tables lead there.
Result<ImageFacts> describe_image(const ArchInputs& inputs, VirtAddr linked, PhysAddr phys) {
  const auto variable = [&](std::string_view name) -> std::optional<std::uint64_t> {
    const auto at = inputs.symbol(name);
    if (!at) return std::nullopt;
    const auto value =
        read_number(inputs.memory, PhysAddr(phys.raw() + (at->raw() - linked.raw())), 8, inputs.order);
    return value ? std::optional(*value) : std::nullopt;
  };
  const auto voffset = variable("kimage_voffset");
  const auto start = variable("memstart_addr");
  const auto text = inputs.symbol("_stext");
  if (!voffset || !start || !text)
    return Error{Errc::no_symbol, "kimage_voffset, memstart_addr or _stext cannot be read", {}};
  const std::uint64_t shift = phys.raw() + *voffset - linked.raw();
  for (const unsigned page_bits : {12U, 16U, 14U}) {
    for (const unsigned bits : {48U, 39U, 42U, 47U, 52U, 36U}) {
      std::string lines = fmt::format(
          "PAGESIZE={}\nNUMBER(VA_BITS)={}\nNUMBER(TCR_EL1_T1SZ)={:#x}\nNUMBER(kimage_voffset)={:#x}\n"
          "NUMBER(PHYS_OFFSET)={:#x}\nKERNELOFFSET={:x}\n",
          1U << page_bits, bits, 64 - bits, *voffset, *start, shift);
      const auto info = Vmcoreinfo::parse(lines);
      if (!info) return info.error();
      const auto memory = open({inputs.memory, *info,
                                [&](std::string_view name) -> std::optional<VirtAddr> {
                                  const auto at = inputs.symbol(name);
                                  return at ? std::optional(*at + shift) : std::nullopt;
                                },
                                inputs.order});
      if (!memory) continue;
      const auto mapping = memory->translator->table_mapping_at(*text + shift);
      if (mapping && mapping->phys == PhysAddr(text->raw() + shift - *voffset))
        return ImageFacts{lines, shift};
    }
  }
  return Error{Errc::corrupt, "the page tables of the kernel found do not map its image", {}};
}

}  // namespace

const ArchDriver arm64{.name = "aarch64",
                       .other_name = "arm64",
                       .elf_machine = 183,  // EM_AARCH64
                       .section_size_bits = 27,
                       .page_shift = 12,
                       .page_sizes = (1 << 12) | (1 << 14) | (1 << 16),
                       .word_size = 8,
                       .order = std::nullopt,
                       .vmcoreinfo_mark = "NUMBER(kimage_voffset)",
                       .pmd_shift = [](unsigned page_shift) { return 2 * page_shift - 3; },
                       .open = open,
                       .find_vmcoreinfo = nullptr,
                       .prstatus = {.pc = 32, .sp = 31},
                       .describe_image = describe_image};

}  // namespace memsect
