// What a struct page says of its own use: names of its flags, and the type that page_type holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memory/vmcoreinfo.h"
#include "types/type_source.h"

namespace memsect {

/// A bit of page.flags, "locked" for PG_locked.
struct PageFlag {
  std::string name;
  unsigned bit = 0;
};
/// The flags this kernel has, ascending by bit, each by the name that enum pageflags gives it first: the later
/// ones are second meanings of the same bits. Empty when the enum is not known.
std::vector<PageFlag> find_page_flags(const TypeSource& types);

/// A use that page_type can name: "buddy", "slab", "table", ...
struct PageType {
  std::string name;
  std::uint32_t mask = 0, value = 0;  ///< (word & mask) == value
};
/// The types this kernel has. Where they are macros, and VMCOREINFO does not print them, they are missing.
std::vector<PageType> find_page_types(const TypeSource& types, const Vmcoreinfo& vmcoreinfo,
                                      const StructLayout& page);
/// The name of the type in `word`; nothing when it is none of `known`.
std::optional<std::string_view> page_type_name(const std::vector<PageType>& known, std::uint32_t word);

}  // namespace memsect
