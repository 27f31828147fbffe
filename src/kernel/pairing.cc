#include "kernel/pairing.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "memory/elf_notes.h"

namespace memsect {
namespace {

/// Build ID, build salt, PVH entry, ...: some hundred bytes in what is known.
constexpr std::uint64_t largest_notes = 64 << 10;

// The VMCOREINFO_SYMBOL()s of kernel/vmcore_info.c that are the addresses of these very symbols. Not so mem_section,
// swapper_pg_dir and vmemmap, which stand there by their values, and node_online_map, which is part of node_states.
// A list that has _stext agrees there by itself: it tells by how much the others are moved.
constexpr std::array<std::string_view, 15> compared_symbols{"_stext",
                                                            "init_uts_ns",
                                                            "init_top_pgt",
                                                            "node_data",
                                                            "kallsyms_names",
                                                            "kallsyms_num_syms",
                                                            "kallsyms_token_table",
                                                            "log_buf",
                                                            "log_buf_len",
                                                            "prb",
                                                            "clear_seq",
                                                            "contig_page_data",
                                                            "init_mm",
                                                            "vmap_area_list",
                                                            "vmap_nodes"};
struct ComparedStruct {
  std::string_view name;
  std::array<std::string_view, 6> members;
};
constexpr std::array<ComparedStruct, 6> compared_structs{
    {{"page", {"flags", "_refcount", "mapping", "_mapcount", "private", "compound_head"}},
     {"mem_section", {"section_mem_map"}},
     {"pglist_data", {"node_zones", "nr_zones", "node_start_pfn", "node_spanned_pages", "node_id"}},
     {"zone", {"free_area", "vm_stat", "spanned_pages"}},
     {"free_area", {"free_list"}},
     {"list_head", {"next", "prev"}}}};
/// NUMBER()s that are enumerators of that name.
struct ComparedNumber {
  std::string_view enumeration, enumerator;
};
constexpr std::array<ComparedNumber, 4> compared_numbers{{{"zone_stat_item", "NR_FREE_PAGES"},
                                                          {"pageflags", "PG_lru"},
                                                          {"pageflags", "PG_private"},
                                                          {"pageflags", "PG_hwpoison"}}};

/// That one value is another by the types than in the dumped kernel.
Error differs(const std::string& subject, std::int64_t said, std::int64_t found) {
  return {Errc::mismatch,
          fmt::format("{} {} in the dumped kernel, and {} by these types", subject, said, found),
          {}};
}

}  // namespace

bool is_build_id(std::string_view text) {
  return (text.size() == 32 || text.size() == 40) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

Result<std::string> dumped_build_id(const AddressSpace& space, VirtAddr start, VirtAddr stop,
                                    ByteOrder order) {
  if (stop < start || stop - start > largest_notes) {
    return Error{Errc::corrupt,
                 fmt::format("the kernel's notes reach from {:#x} to {:#x}", start.raw(), stop.raw()),
                 {}};
  }
  std::vector<std::byte> bytes(stop - start);
  if (auto done = space.read(start, bytes); !done)
    return std::move(done).error().within("the kernel's notes");
  return gnu_build_id(parse_elf_notes(bytes, order));
}

Result<bool> banner_names_release(const AddressSpace& space, VirtAddr banner, const std::string& release) {
  const std::string wanted = "Linux version " + release + " ";
  std::vector<std::byte> bytes(wanted.size());
  if (auto done = space.read(banner, bytes); !done) return std::move(done).error();
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == wanted;
}

Result<void> check_symbols(const Vmcoreinfo& info, const SymbolSource& symbols, std::uint64_t shift) {
  std::string missing;
  bool compared = false;
  for (const std::string_view name : compared_symbols) {
    const auto run = info.symbol(name);
    if (!run) continue;
    const auto listed = symbols.address_of(name);
    if (!listed) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
    compared = compared || listed;
    if (!listed || *run == *listed + shift) continue;
    return Error{Errc::mismatch,
                 fmt::format("{} lies at {:#x} in the dumped kernel, and at {:#x} by this list", name,
                             run->raw(), (*listed + shift).raw()),
                 {}};
  }
  if (!compared && !missing.empty())
    return Error{Errc::mismatch, fmt::format("it has none of the dumped kernel's symbols ({})", missing), {}};
  return {};
}

Result<void> check_shift(const Vmcoreinfo& info, bool is_of_running_kernel, std::uint64_t shift) {
  const auto offset = info.kernel_offset();
  if (shift == 0 || (!is_of_running_kernel && (!offset || *offset == shift))) return {};
  return Error{
      Errc::mismatch,
      fmt::format("its addresses are off by {:#x}, {}", shift,
                  is_of_running_kernel ? "and it is a list of a running kernel"
                                       : fmt::format("and the dumped kernel was moved by {:#x}", *offset)),
      {}};
}

Result<void> check_types(const Vmcoreinfo& info, const TypeSource& types) {
  const auto as_number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  for (const auto& [name, members] : compared_structs) {
    const auto size = info.size(name);
    const auto layout = types.find_struct(name);
    if (!layout) continue;
    if (size && *size != layout->size) {
      return Error{Errc::mismatch,
                   fmt::format("struct {} has {} bytes in the dumped kernel, and {} by these types", name,
                               *size, layout->size),
                   {}};
    }
    for (const std::string_view member : members) {
      const auto offset = info.offset(fmt::format("{}.{}", name, member));
      const Member* const found = offset ? layout->find(member) : nullptr;
      if (found != nullptr && *offset != found->offset)
        return differs(fmt::format("{}.{} has offset", name, member), as_number(*offset),
                       as_number(found->offset));
    }
  }
  for (const auto& [enumeration, enumerator] : compared_numbers) {
    const auto number = info.number(enumerator);
    const auto found = number ? types.find_enumerator(enumeration, enumerator) : Result<std::int64_t>(0);
    if (number && found && *number != *found)
      return differs(fmt::format("{} is", enumerator), *number, *found);
  }
  return {};
}

ByteOrder order_of_memory(const AddressSpace& space, const Vmcoreinfo& info, ByteOrder claimed) {
  constexpr std::uint64_t pointer_size = 8;
  constexpr std::uint64_t most_pointers = 8192;  // the first that is not NULL is among them, or nearly so
  const ByteOrder other = claimed == ByteOrder::little ? ByteOrder::big : ByteOrder::little;
  for (const std::string_view table : {"mem_section", "node_data"}) {
    const auto at = info.symbol(table);
    std::array<std::byte, pointer_size> bytes{};
    for (std::uint64_t i = 0; at && i < most_pointers && space.read(*at + i * pointer_size, bytes); ++i) {
      for (const ByteOrder order : {claimed, other}) {
        const VirtAddr pointer(load_unsigned(bytes, order));
        if (pointer.raw() != 0 && space.view(pointer, pointer_size)) return order;
      }
    }
  }
  return claimed;
}

}  // namespace memsect
