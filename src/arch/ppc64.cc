// ppc64 (Book3S), both byte orders: one linear range for memory and image, and two ways to map the rest.
//
//    0xc000...   physical = virtual & 0x0fff'ffff'ffff'ffff, up to where vmalloc begins: 0xc008... with pages of 64 KiB and
//                with the radix MMU, 0xc000'3d00... with the hash MMU and pages of 4 KiB. The image lies in it
//    0xc00c...   vmemmap (0xc000'3f00... and before 5.2 0xf000... with the hash MMU)
//
// Radix: a tree under swapper_pg_dir, whose entries are big-endian in kernels of either byte order. Of an address the
// lower 52 bits count:
//
//    51 ...... 39 | 38 ...... 30 | 29 ...... 21 | 20 ...... 16 | 15 ..... 0        pages of 64 KiB: the last level has 5 bits
//        PGD      |     PUD      |     PMD      |     PTE      |  in page          pages of 4 KiB: 20 ... 12, 9 bits
//
//    63 valid | 62 leaf | 59:8 next table, 4:0 log2 of its entries       a table
//    63 valid | 62 leaf | 56:12 page                                     a page, at any level but the first
//
// Hash: the processor's table maps what its software put there last, and tells nothing of the rest. For vmemmap the kernel
// keeps a list of its own, vmemmap_list, of pieces of the size mmu_psize_defs[mmu_vmemmap_psize].shift:
//
//    struct vmemmap_backing { struct vmemmap_backing *list; unsigned long phys, virt_addr; }
//
// VMCOREINFO names all of it. The MMU: NUMBER(RADIX_MMU) (6.12), else by swapper_pg_dir, whose first entry maps the
// beginning of memory with radix, and nothing with hash.
//
// Sources: arch/powerpc/include/asm/book3s/64/{radix,radix-4k,radix-64k,hash-4k,hash-64k,pgtable}.h,
// arch/powerpc/mm/init_64.c, arch/powerpc/kernel/vmcore_info.c.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "arch/arch.h"
#include "arch/windows.h"

namespace memsect {
namespace {

constexpr VirtAddr linear_start(0xc000000000000000);
constexpr std::uint64_t linear_size = std::uint64_t{1} << 51;
constexpr std::uint64_t linear_size_hash_4k = 0x3d0000000000;
constexpr VirtAddr radix_vmalloc_start(0xc008000000000000);  // RADIX_KERN_VIRT_START
constexpr std::uint64_t radix_vmalloc_size = std::uint64_t{1} << 49;
constexpr std::uint64_t region_mask = 0x0fffffffffffffff;
constexpr std::uint64_t entry_valid = std::uint64_t{1} << 63;
constexpr std::uint64_t entry_leaf = std::uint64_t{1} << 62;
constexpr std::uint64_t table_mask = 0x0fffffffffffff00;
constexpr std::uint64_t page_mask = 0x01fffffffffff000;
constexpr std::uint64_t table_size_mask = 0x1f;
constexpr unsigned tree_bits = 52;
constexpr unsigned pmd_shift = 21;

/// No machine has more pieces of vmemmap, not with 64 TiB of memory and pages of 4 KiB.
constexpr std::size_t most_pieces = 1 << 20;

/// A piece of vmemmap.
struct Piece {
  VirtAddr start;
  PhysAddr phys;
};

/// What the hash MMU maps of vmemmap, sorted.
struct VmemmapPieces {
  std::uint64_t size = 0;  ///< of each
  std::vector<Piece> pieces;
};

std::vector<TableLevel> make_levels(unsigned page_shift) {
  return {
      {"PGD", 39, 13}, {"PUD", 30, 9}, {"PMD", pmd_shift, 9}, {"PTE", page_shift, pmd_shift - page_shift}};
}

Result<TableEntry> decode(std::uint64_t raw, const TableLevel& level, bool last, unsigned page_shift) {
  using Kind = TableEntry::Kind;
  if ((raw & entry_valid) == 0) return TableEntry{};
  if ((raw & entry_leaf) != 0) {
    const PhysAddr page(raw & page_mask);
    if ((page.raw() & ((std::uint64_t{1} << level.shift) - 1)) != 0)
      return Error{Errc::corrupt, fmt::format("{:#x} names a page that is not aligned to its size", raw), {}};
    return TableEntry{Kind::leaf, page};
  }
  const unsigned expected = level.shift == pmd_shift ? pmd_shift - page_shift : 9;
  if (last || (raw & table_size_mask) != expected) {
    return Error{
        Errc::corrupt, fmt::format("{:#x} names a table of a size that the kernel does not use", raw), {}};
  }
  return TableEntry{Kind::table, PhysAddr(raw & table_mask)};
}

bool is_linear(VirtAddr at) { return at - linear_start < linear_size; }
PhysAddr linear_phys(VirtAddr at) { return PhysAddr(at.raw() & region_mask); }

/// Numbers of a kernel structure, read by linear addresses.
class KernelReader {
 public:
  explicit KernelReader(const ArchInputs& inputs) : inputs_(inputs) {}

  Result<std::uint64_t> number(VirtAddr at, std::size_t size) const {
    if (!is_linear(at))
      return Error{Errc::corrupt, fmt::format("{:#x} is no address of kernel data", at.raw()), {}};
    return read_number(inputs_.memory, linear_phys(at), size, inputs_.order);
  }
  Result<VirtAddr> address_of(std::string_view name) const {
    if (const auto at = find_symbol(inputs_, name)) return *at;
    return Error{Errc::no_symbol, fmt::format("{} is not known", name), {}};
  }
  Result<std::uint64_t> offset_of(std::string_view member) const {
    if (const auto offset = inputs_.vmcoreinfo.offset(member)) return *offset;
    return Error{Errc::unsupported, fmt::format("VMCOREINFO has no OFFSET({})", member), {}};
  }

 private:
  const ArchInputs& inputs_;
};

/// mmu_psize_defs[mmu_vmemmap_psize].shift
Result<unsigned> find_piece_shift(const ArchInputs& inputs) {
  const KernelReader reader(inputs);
  const auto which_at = reader.address_of("mmu_vmemmap_psize");
  if (!which_at) return which_at.error();
  const auto which = reader.number(*which_at, 4);
  if (!which) return which.error();
  const auto table = reader.address_of("mmu_psize_defs");
  if (!table) return table.error();
  const auto size = inputs.vmcoreinfo.size("mmu_psize_def");
  const auto offset = reader.offset_of("mmu_psize_def.shift");
  if (!offset) return offset.error();
  if (!size) return Error{Errc::unsupported, "VMCOREINFO has no SIZE(mmu_psize_def)", {}};
  constexpr std::uint64_t most_psizes = 16;
  const auto shift = reader.number(*table + *which % most_psizes * *size + *offset, 4);
  if (!shift) return shift.error();
  if (*which >= most_psizes || *shift < 12 || *shift > 34) {
    return Error{
        Errc::corrupt,
        fmt::format("pages of vmemmap are said to have 2^{} bytes (mmu_vmemmap_psize {})", *shift, *which),
        {}};
  }
  return static_cast<unsigned>(*shift);
}

Result<VmemmapPieces> read_vmemmap_list(const ArchInputs& inputs) {
  const KernelReader reader(inputs);
  auto shift = find_piece_shift(inputs);
  if (!shift) return std::move(shift).error();
  std::array<std::uint64_t, 3> offsets{};  // list, phys, virt_addr
  constexpr std::array<std::string_view, 3> members{"vmemmap_backing.list", "vmemmap_backing.phys",
                                                    "vmemmap_backing.virt_addr"};
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto offset = reader.offset_of(members[i]);
    if (!offset) return offset.error();
    offsets[i] = *offset;
  }
  const auto head = reader.address_of("vmemmap_list");
  if (!head) return head.error();
  auto next = reader.number(*head, 8);
  VmemmapPieces found{std::uint64_t{1} << *shift, {}};
  VirtAddr remembered(0);
  while (next && *next != 0) {
    const VirtAddr entry(*next);
    // Each time the list has doubled, its last entry is remembered: a circle comes back to one of them.
    if (entry == remembered || found.pieces.size() == most_pieces)
      return Error{Errc::corrupt,
                   fmt::format("it runs in a circle, or beyond all measure, at {:#x}", entry.raw()),
                   {}};
    if (std::has_single_bit(found.pieces.size())) remembered = entry;
    const auto phys = reader.number(entry + offsets[1], 8);
    if (!phys) return phys.error();
    const auto start = reader.number(entry + offsets[2], 8);
    if (!start) return start.error();
    found.pieces.push_back({VirtAddr(*start), PhysAddr(*phys)});
    next = reader.number(entry + offsets[0], 8);
  }
  if (!next) return next.error();
  std::sort(found.pieces.begin(), found.pieces.end(),
            [](const Piece& a, const Piece& b) { return a.start < b.start; });
  return found;
}

class HashTranslator final : public Translator {
 public:
  HashTranslator(std::uint64_t linear, Result<VmemmapPieces> vmemmap)
      : linear_(linear), vmemmap_(std::move(vmemmap)) {}

  Result<Mapping> mapping_at(VirtAddr at) const override {
    if (at - linear_start < linear_) return Mapping{at, linear_ - (at - linear_start), linear_phys(at)};
    if (at < linear_start) return Mapping{at, linear_start - at, std::nullopt};
    if (!vmemmap_) return Error(vmemmap_.error()).within("vmemmap_list");
    return vmemmap_mapping(at);
  }

 private:
  /// Between the pieces, and outside of them, lies what only the processor's table tells.
  Result<Mapping> vmemmap_mapping(VirtAddr at) const {
    const auto& pieces = vmemmap_->pieces;
    const auto above =
        std::upper_bound(pieces.begin(), pieces.end(), at,
                         [](VirtAddr wanted, const Piece& piece) { return wanted < piece.start; });
    if (above != pieces.begin() && at - std::prev(above)->start < vmemmap_->size) {
      const std::uint64_t within = at - std::prev(above)->start;
      return Mapping{at, vmemmap_->size - within, std::prev(above)->phys + within};
    }
    if (above != pieces.begin() && above != pieces.end()) return Mapping{at, above->start - at, std::nullopt};
    return Error{
        Errc::unsupported,
        fmt::format("{:#x} is mapped by the hash MMU, which leaves no page tables to read", at.raw()),
        {}};
  }

  std::uint64_t linear_;
  Result<VmemmapPieces> vmemmap_;
};

Result<bool> is_radix(const ArchInputs& inputs, PhysAddr root) {
  if (const auto said = inputs.vmcoreinfo.number("RADIX_MMU")) return *said != 0;
  const auto first = read_number(inputs.memory, root, 8, ByteOrder::big);
  if (!first) return Error(first.error()).within(fmt::format("top-level page table at {:#x}", root.raw()));
  return (*first & entry_valid) != 0;
}

Result<ArchMemory> open(const ArchInputs& inputs) {
  auto page_shift = find_page_shift(ppc64, inputs.vmcoreinfo);
  if (!page_shift) return std::move(page_shift).error();
  auto root = find_swapper_pg_dir(inputs);
  if (!root) return std::move(root).error();
  if (!is_linear(*root)) {
    return Error{Errc::corrupt,
                 fmt::format("the top-level page table cannot be at virtual address {:#x}", root->raw()),
                 {}};
  }
  auto radix = is_radix(inputs, linear_phys(*root));
  if (!radix) return std::move(radix).error();

  ArchMemory result;
  result.page_offset = linear_start;
  if (!*radix) {
    const std::uint64_t linear = *page_shift == 12 ? linear_size_hash_4k : linear_size;
    result.translator = std::make_unique<HashTranslator>(linear, read_vmemmap_list(inputs));
    return result;
  }
  AddressLayout layout;
  layout.windows.push_back({linear_start, linear_size, PhysAddr(0)});
  layout.tables.first = linear_start;
  layout.tables.last = linear_start + ((std::uint64_t{1} << tree_bits) - 1);
  TableTree& tree = layout.tables.tree;
  tree.root = linear_phys(*root);
  tree.levels = make_levels(*page_shift);
  tree.order = ByteOrder::big;
  tree.decode = [shift = *page_shift](std::uint64_t raw, const TableLevel& level, bool last) {
    return decode(raw, level, last, shift);
  };
  result.translator = std::make_unique<WindowTranslator>(inputs.memory, std::move(layout));
  result.vmalloc = {{radix_vmalloc_start, radix_vmalloc_size}};
  return result;
}

}  // namespace

const ArchDriver ppc64{.name = "ppc64le",
                       .other_name = "ppc64",
                       .elf_machine = 21,  // EM_PPC64
                       .section_size_bits = 24,
                       .page_shift = 16,
                       .page_sizes = (1 << 12) | (1 << 16),
                       .word_size = 8,
                       .order = std::nullopt,
                       .vmcoreinfo_mark = "SYMBOL(vmemmap_list)",
                       .pmd_shift = [](unsigned) { return pmd_shift; },
                       .open = open,
                       .find_vmcoreinfo = nullptr,
                       .prstatus = {.pc = 32, .sp = 1}};

}  // namespace memsect
