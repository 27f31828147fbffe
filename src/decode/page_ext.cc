// struct page_ext: what debug features keep for each page beside struct page (mm/page_ext.c).
//
//   mem_section.page_ext = table - page_ext_size * first pfn of the section
//
// so that page_ext_size * pfn leads to the entry of any page. Bit 0 is a mark since 6.1 (b1d5488a2524, PAGE_EXT_INVALID):
// the section is being taken offline. page_ext_size is a sum made at boot, of what the features in use ask for; up to 5.3
// it was sizeof(struct page_ext) + extra_mem, renamed by 5556cfe8d994 (v5.4).
//
// The table has an entry for each page of the section: exact pages of the section's node, or vmalloc memory where those
// cannot be had. It lives while the section is online (MEM_GOING_ONLINE to MEM_OFFLINE), boot memory's too.
#include <fmt/format.h>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// page_owner, the largest by far, has less than a hundred bytes a page.
constexpr std::uint64_t largest_entry = 4096;

Result<std::uint64_t> find_entry_size(const Kernel& kernel) {
  Result<std::uint64_t> size = Error{Errc::no_symbol, "the symbol page_ext_size is not known", {}};
  const auto read_word = [&](VirtAddr at) {
    return kernel.space().read_number(at, kernel.arch().word_size, kernel.order());
  };
  if (const auto sum = kernel.address_of("page_ext_size")) {
    size = read_word(*sum);
  } else if (const auto extra = kernel.address_of("extra_mem")) {
    auto layout = kernel.types().find_struct("page_ext");
    if (!layout) return std::move(layout).error();
    size = read_word(*extra);
    if (size) *size += layout->size;
  }
  if (size && (*size == 0 || *size > largest_entry))
    return Error{Errc::corrupt, fmt::format("page_ext_size cannot be {}", *size), {}};
  return size;
}

struct TableReader {
  AddressSpace space;
  Field pointer;
  std::uint64_t mark = 0;
  Result<std::uint64_t> entry_size;
};

Result<Placement> read_table(const TableReader& reader, const MemoryModel& model, const PageReader& pages,
                             const Section& section) {
  std::vector<std::byte> bytes(reader.pointer.end());
  if (auto done = reader.space.read(section.mem_section, bytes); !done) return std::move(done).error();
  const std::uint64_t pointer = reader.pointer.get(bytes) & ~reader.mark;
  if (pointer == 0) return Error{Errc::not_applicable, "the section has no page_ext", {}};
  if (!reader.entry_size) return reader.entry_size.error();
  const Pfn first = model.geometry.section_nr_to_pfn(section.nr);
  Placement table;
  table.address = model.geometry.wrapped(pointer + first.raw() * *reader.entry_size);
  table.bytes = model.geometry.pages_per_section() * *reader.entry_size;
  auto phys = reader.space.translate_range(table.address, table.bytes);
  if (!phys) return std::move(phys).error().within("page_ext");
  table.phys = std::move(*phys);
  table.allocation = pages.allocation_at(model, table.first_phys(), Allocation::buddy);
  return table;
}

}  // namespace

void load_page_ext(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  const auto layout = kernel.types().find_struct("mem_section");
  const auto pointer = layout ? layout->field("page_ext") : Result<Field>(layout.error());
  if (!pointer) {
    const Error why = pointer.error().code == Errc::no_member
                          ? Error{Errc::not_applicable, "this kernel has no page_ext", {}}
                          : pointer.error();
    for (Section& section : model.sections) section.page_ext = why;
    return;
  }
  // No table begins at an odd address, and entries are of whole words: the bit is free in every release.
  const TableReader reader{kernel.space(), *pointer, 1, find_entry_size(kernel)};
  for (Section& section : model.sections) section.page_ext = read_table(reader, model, pages, section);
}

}  // namespace memsect
