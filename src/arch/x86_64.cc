// x86-64: page tables of four or five levels, and the kernel image beside them.
//
// A virtual address (five levels; with four the PGD is what the P4D is here):
//
//    63     57 56     48 47     39 38     30 29     21 20     12 11       0
//   | as bit 56 |  PGD    |  P4D    |  PUD    |  PMD    |  PTE    | in page |
//
// Addresses whose upper bits are not all equal are non-canonical: nothing can be mapped there.
//
// An entry, eight bytes, little-endian:
//
//    63   62..52    51 ................. 12   11..8   7    6..1   0
//   | NX | software | address (SME: - C bit) | ..  | PS | ...  | P |
//
//   P    0: nothing is mapped, all other bits mean nothing
//   PS   in a PUD or PMD entry: the page itself, of 1 GiB or 2 MiB, not a table. Reserved (0) in PGD and P4D entries;
//        another bit (PAT) in a PTE. Large pages have PAT in bit 12, and bits 13 up to their size must be 0.
//
// The image map: the kernel's text and data, variables such as the top page table among them, are mapped at
// fixed distance from where they lie: physical = virtual - __START_KERNEL_map + phys_base. VMCOREINFO tells
// phys_base, so it works before any table is read, and is used in place of the tables: image addresses can be
// read in a dump that has lost its tables.
//
// Sources: arch/x86/include/asm/{pgtable_types,pgtable_64_types,page_64_types}.h,
// arch/x86/mm/{kaslr,init_64}.c.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "arch/arch.h"
#include "arch/page_walk.h"

namespace memsect {
namespace {

constexpr unsigned page_shift = 12;
constexpr unsigned index_bits = 9;
constexpr std::uint64_t entry_present = 1 << 0;
constexpr std::uint64_t entry_large = 1 << 7;
constexpr std::uint64_t large_page_pat = 1 << 12;
constexpr std::uint64_t address_mask = 0x000ffffffffff000;

constexpr VirtAddr image_start(0xffffffff80000000);  // __START_KERNEL_map
/// KERNEL_IMAGE_SIZE without KASLR, the smaller of the two the kernel has. Kernels since 4.10 name theirs.
constexpr std::uint64_t least_image_size = std::uint64_t{512} << 20;

constexpr std::array<TableLevel, 5> all_levels{{
    {"PGD", 48, index_bits},
    {"P4D", 39, index_bits},
    {"PUD", 30, index_bits},
    {"PMD", 21, index_bits},
    {"PTE", 12, index_bits},
}};

/// The number of bytes from `at` to the end of the address space.
std::uint64_t bytes_above(VirtAddr at) { return 0 - at.raw(); }

/// Where the kernel image lies.
struct ImageMap {
  std::uint64_t size = 0;
  std::uint64_t phys_base = 0;  ///< signed in the kernel; added modulo 2^64

  bool contains(VirtAddr at) const { return at - image_start < size; }
  /// Below physical 0 and above what an entry can name lies nothing.
  Mapping mapping_at(VirtAddr at) const {
    const std::uint64_t left = size - (at - image_start);
    const PhysAddr phys = phys_of(at);
    if ((phys.raw() & ~(address_mask | 0xfff)) == 0) return {at, left, phys};
    return {at, std::min(left, 0 - phys.raw()), std::nullopt};
  }
  PhysAddr phys_of(VirtAddr at) const { return PhysAddr(at - image_start + phys_base); }
};

/// What the bits of an entry mean on this machine.
struct EntryFormat {
  std::uint64_t encryption_mask = 0;  ///< the bit of an address that marks encrypted memory (SME, SEV), or 0
  std::uint64_t table_limit = 0;      ///< tables are RAM, and no RAM lies at or above this

  Result<TableEntry> decode(std::uint64_t raw, const TableLevel& level, bool last) const;
};

Result<TableEntry> EntryFormat::decode(std::uint64_t raw, const TableLevel& level, bool last) const {
  using Kind = TableEntry::Kind;
  if ((raw & entry_present) == 0) return TableEntry{};
  const std::uint64_t address = raw & address_mask & ~encryption_mask;
  if (last) return TableEntry{Kind::leaf, PhysAddr(address)};
  if ((raw & entry_large) == 0) {
    if (address < table_limit) return TableEntry{Kind::table, PhysAddr(address)};
    return Error{Errc::corrupt, fmt::format("{:#x} names a table beyond physical memory", raw), {}};
  }
  if (level.shift > 30) return Error{Errc::corrupt, fmt::format("{:#x} has the reserved bit 7 set", raw), {}};
  const std::uint64_t page = address & ~large_page_pat;
  if ((page & ((std::uint64_t{1} << level.shift) - 1)) != 0) {
    return Error{
        Errc::corrupt, fmt::format("{:#x} names a large page that is not aligned to its size", raw), {}};
  }
  return TableEntry{Kind::leaf, PhysAddr(page)};
}

class X8664Translator final : public Translator {
 public:
  X8664Translator(const PhysicalMemory& memory, ImageMap image, TableTree tree)
      : memory_(&memory),
        image_(image),
        tree_(std::move(tree)),
        upper_half_(0 - (std::uint64_t{1} << (tree_.levels.front().shift + index_bits - 1))) {}

  Result<Mapping> mapping_at(VirtAddr at) const override {
    return image_.contains(at) ? image_.mapping_at(at) : table_mapping_at(at);
  }

  Result<std::uint64_t> leaf_size_at(VirtAddr at) const override {
    const bool in_gap = at.raw() >= bytes_above(upper_half_) && at < upper_half_;
    return in_gap ? 0 : leaf_size(*memory_, tree_, at);
  }

  Result<Mapping> table_mapping_at(VirtAddr at) const override {
    const std::uint64_t lower_half = bytes_above(upper_half_);  // as large as the upper one
    if (at.raw() >= lower_half && at < upper_half_) return Mapping{at, upper_half_ - at, std::nullopt};
    auto mapping = walk_tables(*memory_, tree_, at);
    if (!mapping) return mapping;
    // A run of entries goes on where the addresses do not: to the other half, or into the image.
    std::uint64_t limit = bytes_above(at);
    if (at.raw() < lower_half)
      limit = lower_half - at.raw();
    else if (at < image_start)
      limit = image_start - at;
    mapping->size = std::min(mapping->size, limit);
    return mapping;
  }

  Result<void> visit_tables(VirtAddr start, std::uint64_t size,
                            const TableListener& listener) const override {
    if (start < upper_half_ || start >= image_start || size > image_start - start) {
      return Error{Errc::not_applicable, fmt::format("{:#x} is no address of kernel data", start.raw()), {}};
    }
    memsect::visit_tables(*memory_, tree_, start, size, listener);
    return {};
  }

 private:
  const PhysicalMemory* memory_;  // outlives the translator (ArchInputs)
  ImageMap image_;
  TableTree tree_;
  VirtAddr upper_half_;
};

Result<ImageMap> find_image(const Vmcoreinfo& info) {
  // The value since Linux 4.10; before, the note had the variable's address, which cannot be read without the
  // value.
  const auto phys_base = info.number("phys_base");
  if (!phys_base) {
    return Error{Errc::unsupported, "VMCOREINFO has no NUMBER(phys_base): the page tables cannot be located",
                 "Kernels before 4.10 do not write it, and a dump without VMCOREINFO has none"};
  }
  const std::int64_t size = info.number("KERNEL_IMAGE_SIZE").value_or(0);
  const std::uint64_t image_size = size > 0 ? static_cast<std::uint64_t>(size) : least_image_size;
  return ImageMap{std::min(image_size, bytes_above(image_start)), static_cast<std::uint64_t>(*phys_base)};
}

Result<PhysAddr> find_root(const ArchInputs& inputs, const ImageMap& image) {
  // "x86/boot/64: Rename init_level4_pgt and early_level4_pgt" (v4.13). swapper_pg_dir is another name of the
  // same table.
  std::optional<VirtAddr> root;
  for (const std::string_view name : {"init_top_pgt", "init_level4_pgt", "swapper_pg_dir"}) {
    if (!root) root = find_symbol(inputs, name);
  }
  if (!root) {
    return Error{Errc::no_symbol,
                 "the top-level page table cannot be located: no symbol init_top_pgt, init_level4_pgt "
                 "or swapper_pg_dir",
                 "Name a vmlinux or a System.map of this kernel"};
  }
  const PhysAddr phys = image.phys_of(*root);
  if (*root < image_start || (phys.raw() & ~address_mask) != 0) {
    return Error{Errc::corrupt,
                 fmt::format("the top-level page table cannot be at virtual address {:#x} with phys_base "
                             "{:#x}",
                             root->raw(), image.phys_base),
                 {}};
  }
  return phys;
}

Result<EntryFormat> find_entry_format(const Vmcoreinfo& info, bool five_levels) {
  // One bit of the address, or none. "x86/kdump: Export the SME mask to vmcoreinfo" (v5.1).
  const auto mask = static_cast<std::uint64_t>(info.number("sme_mask").value_or(0));
  if (mask != 0 && (!std::has_single_bit(mask) || (mask & address_mask) == 0)) {
    return Error{
        Errc::corrupt, fmt::format("NUMBER(sme_mask) is {:#x}, not one bit of an address", mask), {}};
  }
  const std::int64_t physmem_bits = info.number("MAX_PHYSMEM_BITS").value_or(0);
  const bool plausible = physmem_bits >= 32 && physmem_bits <= 52;
  const unsigned bits = plausible ? static_cast<unsigned>(physmem_bits) : five_levels ? 52 : 46;
  return EntryFormat{mask, std::uint64_t{1} << bits};
}

/// Whether the kernel could have put one of its regions there: in the upper half, below the image, at a multiple
/// of 1 GiB.
bool can_be_base(VirtAddr base) {
  constexpr std::uint64_t alignment = std::uint64_t{1} << 30;
  return base >= VirtAddr(0xff00000000000000) && base < image_start && base.raw() % alignment == 0;
}

/// What one of the variables says that KASLR sets: page_offset_base, vmalloc_base. Nothing when it cannot be had.
std::optional<VirtAddr> read_base(const ArchInputs& inputs, const ImageMap& image, std::string_view name) {
  const auto variable = find_symbol(inputs, name);
  if (!variable || !image.contains(*variable)) return std::nullopt;
  const auto value = read_number(inputs.memory, image.phys_of(*variable), 8, ByteOrder::little);
  if (!value || !can_be_base(VirtAddr(*value))) return std::nullopt;
  return VirtAddr(*value);
}

/// The lowest address of the direct map, and the one without KASLR. Linux d52888aa2753 ("x86/mm: Move LDT remap out of
/// KASLR region on 5-level paging") (v4.20) moved it here.
VirtAddr usual_page_offset(bool five_levels) {
  return VirtAddr(five_levels ? 0xff11000000000000 : 0xffff888000000000);
}

/// Where the direct map begins: the kernel's own variable, or else the first mapped address at or above the
/// lowest one that KASLR chooses from (the direct map is always the lowest region), if it maps physical
/// memory from 0 on. Nothing when neither can be had.
std::optional<VirtAddr> find_page_offset(const ArchInputs& inputs, const ImageMap& image,
                                         const Translator& translator, bool five_levels) {
  if (const auto base = read_base(inputs, image, "page_offset_base")) return base;
  VirtAddr at = usual_page_offset(five_levels);
  for (std::size_t hole = 0; hole <= all_levels.size(); ++hole) {
    const auto mapping = translator.mapping_at(at);
    if (!mapping) return std::nullopt;
    if (mapping->phys) return mapping->phys == PhysAddr(0) ? std::optional(at) : std::nullopt;
    at += mapping->size;
  }
  return std::nullopt;
}

/// Where vmalloc() has its memory, and the modules theirs, behind the image. Kernels that have not moved their direct map
/// have not moved this region either (Documentation/arch/x86/x86_64/mm.rst).
std::vector<VirtRange> find_vmalloc(const ArchInputs& inputs, const ImageMap& image,
                                    std::optional<VirtAddr> page_offset, bool five_levels) {
  auto start = read_base(inputs, image, "vmalloc_base");
  if (const auto told = inputs.vmcoreinfo.number("VMALLOC_START"); told && !start) {  // 6.9+
    const VirtAddr base(static_cast<std::uint64_t>(*told));
    if (can_be_base(base)) start = base;
  }
  if (!start && page_offset == usual_page_offset(five_levels))
    start = VirtAddr(five_levels ? 0xffa0000000000000 : 0xffffc90000000000);
  if (!start) return {};
  const std::uint64_t size = std::uint64_t{five_levels ? 12800U : 32U} << 40;  // VMALLOC_SIZE_TB
  std::vector<VirtRange> ranges{{*start, std::min(size, image_start - *start)}};
  constexpr VirtAddr modules_end(0xffffffffff000000);
  const std::uint64_t behind_image = modules_end - image_start;
  if (image.size < behind_image) ranges.push_back({image_start + image.size, behind_image - image.size});
  return ranges;
}

TableTree make_tree(PhysAddr root, bool five_levels, const EntryFormat& format) {
  TableTree tree;
  tree.root = root;
  tree.levels.assign(all_levels.begin() + (five_levels ? 0 : 1), all_levels.end());
  if (!five_levels) tree.levels.front().name = "PGD";
  tree.decode = [format](std::uint64_t raw, const TableLevel& level, bool last) {
    return format.decode(raw, level, last);
  };
  return tree;
}

Result<ArchMemory> open(const ArchInputs& inputs) {
  auto image = find_image(inputs.vmcoreinfo);
  if (!image) return std::move(image).error();
  auto root = find_root(inputs, *image);
  if (!root) return std::move(root).error();
  const bool five_levels = inputs.vmcoreinfo.number("pgtable_l5_enabled").value_or(0) != 0;
  auto format = find_entry_format(inputs.vmcoreinfo, five_levels);
  if (!format) return std::move(format).error();

  ArchMemory result;
  result.translator =
      std::make_unique<X8664Translator>(inputs.memory, *image, make_tree(*root, five_levels, *format));
  result.phys_base = static_cast<std::int64_t>(image->phys_base);
  result.page_offset = find_page_offset(inputs, *image, *result.translator, five_levels);
  result.vmalloc = find_vmalloc(inputs, *image, result.page_offset, five_levels);
  result.kasan_shadow_offsets = {0xdffffc0000000000};  // since 4.0 (ef7f0d6a6ca8)
  return result;
}

/// By the banner's place: the sum of phys_base and KASLR's offset. Which part is whose, the kernel's own tables say.
Result<ImageFacts> describe_image(const ArchInputs& inputs, VirtAddr linked, PhysAddr phys) {
  const std::uint64_t moved = phys.raw() - (linked - image_start);
  const auto phys_of = [moved](VirtAddr at) { return PhysAddr(at - image_start + moved); };
  std::optional<VirtAddr> top;
  for (const std::string_view name : {"init_top_pgt", "init_level4_pgt", "swapper_pg_dir"}) {
    if (!top) top = inputs.symbol(name);
  }
  const auto text = inputs.symbol("_stext");
  if (!top || !text || *text < image_start)
    return Error{Errc::no_symbol, "the symbols know no top-level page table, or not _stext", {}};
  const auto mask_at = inputs.symbol("sme_me_mask");
  std::uint64_t mask = 0;
  if (mask_at) mask = read_number(inputs.memory, phys_of(*mask_at), 8, ByteOrder::little).value_or(0);
  const EntryFormat format{mask, std::uint64_t{1} << 52};
  constexpr std::uint64_t image_size = std::uint64_t{1} << 30, step = std::uint64_t{2} << 20;
  for (const bool five_levels : {false, true}) {
    const X8664Translator tables(inputs.memory, ImageMap{}, make_tree(phys_of(*top), five_levels, format));
    for (std::uint64_t offset = 0; *text - image_start + offset < image_size; offset += step) {
      const auto mapping = tables.table_mapping_at(*text + offset);
      if (!mapping || mapping->phys != phys_of(*text)) continue;
      return ImageFacts{fmt::format("PAGESIZE=4096\nNUMBER(phys_base)={}\nNUMBER(pgtable_l5_enabled)={:d}\n"
                                    "NUMBER(KERNEL_IMAGE_SIZE)={}\nNUMBER(sme_mask)={}\nKERNELOFFSET={:x}\n",
                                    static_cast<std::int64_t>(moved - offset), five_levels, image_size,
                                    format.encryption_mask, offset),
                        offset};
    }
  }
  return Error{Errc::corrupt, "the page tables of the kernel found do not map its image", {}};
}

// QEMUCPUState, the note "QEMU" (target/i386/arch_dump.c): u32 version, u32 size, 18 registers of 64 bits, 10 segments of
// 24 bytes, cr0 to cr4, ...
constexpr std::size_t cpu_state_cr0 = 392, cpu_state_cr3 = 416, cpu_state_cr4 = 424;
constexpr std::uint64_t cr0_paging = 1U << 31, cr4_five_levels = 1 << 12;
/// With page table isolation a process has two top tables side by side, the second for user mode.
constexpr std::uint64_t user_half = 1 << 12;

std::optional<CpuTables> cpu_tables(const PhysicalMemory& memory, std::string_view name, Bytes note) {
  if (name != "QEMU" || note.size() < cpu_state_cr4 + 8) return std::nullopt;
  const auto control = [note](std::size_t at) {
    return load_unsigned(note.subspan(at, 8), ByteOrder::little);
  };
  if ((control(cpu_state_cr0) & cr0_paging) == 0) return std::nullopt;
  const bool five_levels = (control(cpu_state_cr4) & cr4_five_levels) != 0;
  const std::uint64_t root = control(cpu_state_cr3) & address_mask;
  const auto translator = [&](std::uint64_t top) {
    const EntryFormat format{0, std::uint64_t{1} << 52};
    return std::make_unique<X8664Translator>(memory, ImageMap{},
                                             make_tree(PhysAddr(top), five_levels, format));
  };
  CpuTables tables{translator(root), nullptr};
  if ((root & user_half) != 0) tables.in_kernel = translator(root & ~user_half);
  return tables;
}

}  // namespace

const ArchDriver x86_64{.name = "x86_64",
                        .other_name = "",
                        .elf_machine = 62,  // EM_X86_64
                        .section_size_bits = 27,
                        .page_shift = page_shift,
                        .page_sizes = 1 << page_shift,
                        .word_size = 8,
                        .order = ByteOrder::little,
                        .vmcoreinfo_mark = "NUMBER(phys_base)",
                        .pmd_shift = [](unsigned) { return 21U; },
                        .kept_tables = 1,  // remove_p4d_table() frees a table of PUDs with five levels only
                        .open = open,
                        .find_vmcoreinfo = nullptr,
                        .prstatus = {.pc = 16, .sp = 19},
                        .describe_image = describe_image,
                        .cpu_tables = cpu_tables};

}  // namespace memsect
