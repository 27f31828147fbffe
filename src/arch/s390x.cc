// s390x: big-endian, and an address space that begins at 0: the kernel has one of its own.
//
// Where things are, up to Linux 6.9 and since c98d2ecae08f ("s390/mm: Uncouple physical vs virtual address spaces",
// v6.10):
//
//    identity map   virtual = physical          virtual = physical + IDENTITYBASE (usually 0)
//    image          in the identity map         physical = virtual - KERNELOFFSET + KERNELOFFPHYS, at the very top
//    vmemmap, vmalloc, modules                  between the two
//
// All of it is in the page tables. What is taken from these numbers is the image, where the top table lies.
//
// A virtual address and its tables (region first, second and third table, segment table, page table):
//
//    63 ..... 53 | 52 ..... 42 | 41 ..... 31 | 30 ..... 20 | 19 ..... 12 | 11 .... 0
//        R1      |     R2      |     R3      |    segment  |    page     | in page
//
// The top table is a region second or third table, as much memory as there is; the type in its entries says which.
//
//    R1, R2, R3 entry   origin of the next table (63:12) | 7:6 offset | 5 invalid | 3:2 type (3, 2, 1) | 1:0 length
//                       R3 with bit 10 set: a page of 2 GiB (63:31)
//    segment entry      origin of the page table (63:11, tables of 2 KiB) | 5 invalid | 3:2 type 0
//                       with bit 10 set: a page of 1 MiB (63:20)
//    page entry         page (63:12) | 10 invalid
//
// A dump without a note: absolute 0xe0c, in the lowcore, has the physical address of the whole VMCOREINFO note
// (arch/s390/kernel/setup.c: setup_vmcoreinfo).
//
// Sources: arch/s390/include/asm/{pgtable,lowcore}.h, arch/s390/boot/startup.c, arch/s390/kernel/{vmcore_info,setup}.c.

#include <fmt/format.h>

#include <array>
#include <utility>

#include "arch/arch.h"
#include "arch/windows.h"
#include "base/text.h"
#include "memory/elf_notes.h"

namespace memsect {
namespace {

constexpr unsigned page_shift = 12;
constexpr std::uint64_t region_or_segment_invalid = 0x20;
constexpr std::uint64_t page_invalid = 0x400;
constexpr std::uint64_t large_page = 0x400;
constexpr unsigned region3_shift = 31;
constexpr unsigned segment_shift = 20;

constexpr std::array<TableLevel, 5> all_levels{{
    {"region-first", 53, 11},
    {"region-second", 42, 11},
    {"region-third", region3_shift, 11},
    {"segment", segment_shift, 11},
    {"page", page_shift, 8},
}};

constexpr unsigned type_of(std::uint64_t raw) { return static_cast<unsigned>(raw >> 2 & 3); }
/// The type that entries of a region or segment table have.
constexpr unsigned type_at(const TableLevel& level) { return (level.shift - segment_shift) / 11; }

Result<TableEntry> decode(std::uint64_t raw, const TableLevel& level, bool last) {
  using Kind = TableEntry::Kind;
  const auto aligned_to = [raw](unsigned shift) {
    return PhysAddr(raw & ~((std::uint64_t{1} << shift) - 1));
  };
  if (last) {
    if ((raw & page_invalid) != 0) return TableEntry{};
    return TableEntry{Kind::leaf, aligned_to(page_shift)};
  }
  if ((raw & region_or_segment_invalid) != 0) return TableEntry{};
  if (type_of(raw) != type_at(level))
    return Error{Errc::corrupt, fmt::format("{:#x} is an entry of another kind of table", raw), {}};
  const bool may_be_large = level.shift <= region3_shift;
  if (may_be_large && (raw & large_page) != 0) return TableEntry{Kind::leaf, aligned_to(level.shift)};
  return TableEntry{Kind::table, aligned_to(level.shift == segment_shift ? 11 : 12)};
}

/// A line of the form KEY=1f000: hexadecimal, no tag. Absent is 0; damaged is an error.
Result<std::uint64_t> hexadecimal(const Vmcoreinfo& info, std::string_view key) {
  const auto text = info.value(key);
  if (!text) return std::uint64_t{0};
  if (const auto value = parse_hex(*text)) return *value;
  return Error{Errc::corrupt, fmt::format("{} in VMCOREINFO is {}, no hexadecimal number", key, *text), {}};
}

/// The image, where it has addresses of its own.
Result<std::optional<Window>> find_image(const Vmcoreinfo& info) {
  if (!info.value("KERNELOFFPHYS")) return std::optional<Window>();
  auto start = hexadecimal(info, "KERNELOFFSET");
  if (!start) return std::move(start).error();
  auto phys = hexadecimal(info, "KERNELOFFPHYS");
  if (!phys) return std::move(phys).error();
  return std::optional(Window{VirtAddr(*start), 0 - *start, PhysAddr(*phys)});
}

/// The tree from the top table on, whose first entry says of which kind it is.
Result<std::vector<TableLevel>> find_levels(const PhysicalMemory& memory, PhysAddr root) {
  const auto first = read_number(memory, root, 8, ByteOrder::big);
  if (!first) return Error(first.error()).within(fmt::format("top-level page table at {:#x}", root.raw()));
  const std::size_t skipped = 3 - type_of(*first);
  if (skipped > 2) {
    return Error{
        Errc::corrupt,
        fmt::format("top-level page table at {:#x}: {:#x} is no entry of a region table", root.raw(), *first),
        {}};
  }
  return std::vector<TableLevel>(all_levels.begin() + static_cast<std::ptrdiff_t>(skipped), all_levels.end());
}

/// All between vmemmap and the image, or the end of the tree where the image lies in the identity map: vmalloc memory,
/// then the modules (arch/s390/boot/startup.c, setup_kernel_memory_layout()). VMCOREINFO tells the start from 6.9 on.
std::vector<VirtRange> find_vmalloc(const Vmcoreinfo& info, const AddressLayout& layout) {
  const auto start = info.number("VMALLOC_START");
  if (!start) return {};
  const VirtAddr from(static_cast<std::uint64_t>(*start));
  const VirtAddr last = layout.windows.empty() ? layout.tables.last : layout.windows.front().start - 1;
  if (from > last) return {};
  return {{from, last - from + 1}};
}

Result<ArchMemory> open(const ArchInputs& inputs) {
  if (auto page = find_page_shift(s390x, inputs.vmcoreinfo); !page) return std::move(page).error();
  auto image = find_image(inputs.vmcoreinfo);
  if (!image) return std::move(image).error();
  auto identity_base = hexadecimal(inputs.vmcoreinfo, "IDENTITYBASE");
  if (!identity_base) return std::move(identity_base).error();
  auto root = find_swapper_pg_dir(inputs);
  if (!root) return std::move(root).error();

  AddressLayout layout;
  TableTree& tree = layout.tables.tree;
  tree.root = PhysAddr(root->raw() - *identity_base);
  if (*image && (*image)->contains(*root)) tree.root = (*image)->phys + (*root - (*image)->start);
  auto levels = find_levels(inputs.memory, tree.root);
  if (!levels) return std::move(levels).error();
  tree.levels = *std::move(levels);
  tree.order = ByteOrder::big;
  tree.decode = decode;
  const TableLevel& top = tree.levels.front();
  const unsigned bits = top.shift + top.index_bits;
  layout.tables.last = VirtAddr(bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1);
  if (*image && (*image)->start <= layout.tables.last) {
    (*image)->size = layout.tables.last - (*image)->start + 1;
    layout.windows.push_back(**image);
  }
  ArchMemory result;
  result.page_offset = VirtAddr(*identity_base);
  result.vmalloc = find_vmalloc(inputs.vmcoreinfo, layout);
  result.translator = std::make_unique<WindowTranslator>(inputs.memory, std::move(layout));
  return result;
}

Result<std::string> find_vmcoreinfo(const PhysicalMemory& memory) {
  constexpr PhysAddr lowcore_vmcore_info(0xe0c);
  constexpr std::size_t head_size = 24;  // three numbers, "VMCOREINFO" and its NULs
  constexpr std::uint64_t longest_text = 64 << 10;
  const auto place = read_number(memory, lowcore_vmcore_info, 8, ByteOrder::big);
  if (!place) return Error(place.error()).within("the lowcore");
  const PhysAddr note(*place);
  const auto length = read_number(memory, note + 4, 4, ByteOrder::big);
  if (!length) return Error(length.error()).within("the note that the lowcore names");
  if (*length == 0 || *length > longest_text)
    return Error{Errc::corrupt, fmt::format("the lowcore names no note: {:#x}", note.raw()), {}};
  std::vector<std::byte> bytes(static_cast<std::size_t>(head_size + *length));
  if (auto done = memory.read(note, bytes); !done) return std::move(done).error();
  for (const ElfNote& found : parse_elf_notes(bytes, ByteOrder::big)) {
    if (found.name == "VMCOREINFO")
      return std::string(reinterpret_cast<const char*>(found.description.data()), found.description.size());
  }
  return Error{Errc::corrupt, fmt::format("the lowcore names no VMCOREINFO note: {:#x}", note.raw()), {}};
}

}  // namespace

const ArchDriver s390x{.name = "s390x",
                       .other_name = "s390",
                       .elf_machine = 22,  // EM_S390
                       .section_size_bits = 28,
                       .page_shift = page_shift,
                       .page_sizes = 1 << page_shift,
                       .word_size = 8,
                       .order = ByteOrder::big,
                       .vmcoreinfo_mark = "SYMBOL(lowcore_ptr)",
                       .pmd_shift = [](unsigned) { return segment_shift; },
                       .open = open,
                       .find_vmcoreinfo = find_vmcoreinfo,
                       .prstatus = {.pc = 1, .sp = 17}};

}  // namespace memsect
