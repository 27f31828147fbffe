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
constexpr std::array<std::string_view, 16> compared_symbols{"_stext",
                                                            "init_uts_ns",
                                                            "node_online_map",
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
constexpr std::array<std::string_view, 4> compared_sizes{"page", "mem_section", "pglist_data", "zone"};
struct StructMember {
  std::string_view type, member;
};
constexpr std::array<StructMember, 4> compared_offsets{{{"page", "_refcount"},
                                                        {"mem_section", "section_mem_map"},
                                                        {"pglist_data", "node_start_pfn"},
                                                        {"zone", "spanned_pages"}}};

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
  for (const std::string_view name : compared_sizes) {
    const auto said = info.size(name);
    const auto layout = types.find_struct(name);
    if (!said || !layout || *said == layout->size) continue;
    return Error{Errc::mismatch,
                 fmt::format("struct {} has {} bytes in the dumped kernel, and {} by these types", name,
                             *said, layout->size),
                 {}};
  }
  for (const auto& [type, member] : compared_offsets) {
    const auto said = info.offset(fmt::format("{}.{}", type, member));
    const auto layout = types.find_struct(type);
    const Member* const found = layout ? layout->find(member) : nullptr;
    if (!said || found == nullptr || *said == found->offset) continue;
    return Error{Errc::mismatch,
                 fmt::format("{}.{} has offset {} in the dumped kernel, and {} by these types", type, member,
                             *said, found->offset),
                 {}};
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
