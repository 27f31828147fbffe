// page_type through the releases (include/linux/page-flags.h). It shares its place with _mapcount, -1 for none.
//
//   ..4.17     a magic _mapcount, all 32 bits of it: buddy -128
//   4.18-6.10  base 0xf0000000; a type is a bit that is *cleared*: buddy 0x80, offline 0x100, ...
//   6.11       the same with base 0x80000000 and the bits at the top: buddy 0x40000000, ...
//   6.12+      the top byte is the type, enum pagetype: PGTY_buddy 0xf0, ...; the rest belongs to the owner
//
// Up to 6.11 types are macros, which leave no trace; VMCOREINFO prints ~bit of some as
// NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE) and the like. Of the others, table and guard moved once: 5.11 took kmemcg's bit
// away (bcfe06bf2622, "mm: memcontrol: Use helpers to read page's memcg data"), which also turned page.mem_cgroup
// into page.memcg_data.
#include "page/page_types.h"

#include <algorithm>
#include <array>
#include <bit>

namespace memsect {
namespace {

constexpr std::uint32_t low_base = 0xf0000000, high_base = 0x80000000, top_byte = 0xff000000;

PageType cleared_bit(std::string name, std::uint32_t bit) {
  const std::uint32_t base = bit >= 0x01000000 ? high_base : low_base;
  return {std::move(name), base | bit, base};
}

struct Printed {
  std::string_view key;  // in VMCOREINFO, NUMBER(...)
  const char* name;
};
constexpr std::array<Printed, 5> printed_types{{{"PAGE_BUDDY_MAPCOUNT_VALUE", "buddy"},
                                                {"PAGE_OFFLINE_MAPCOUNT_VALUE", "offline"},
                                                {"PAGE_HUGETLB_MAPCOUNT_VALUE", "hugetlb"},
                                                {"PAGE_SLAB_MAPCOUNT_VALUE", "slab"},
                                                {"PAGE_UNACCEPTED_MAPCOUNT_VALUE", "unaccepted"}}};

/// The types of an enum pagetype: PGTY_x is a top byte; a PG_x (6.11) would be a bit.
std::vector<PageType> types_of_enum(const std::vector<Enumerator>& enumerators) {
  std::vector<PageType> found;
  for (const Enumerator& e : enumerators) {
    const auto value = static_cast<std::uint32_t>(e.value);
    if (e.name.starts_with("PGTY_") && e.value > 0 && e.value < 0xff) {  // 0xff: PGTY_mapcount_underflow
      found.push_back({e.name.substr(5), top_byte, value << 24});
    } else if (e.name.starts_with("PG_") && std::has_single_bit(value)) {
      found.push_back(cleared_bit(e.name.substr(3), value));
    }
  }
  return found;
}

std::vector<PageType> types_of_vmcoreinfo(const Vmcoreinfo& vmcoreinfo, bool has_page_type) {
  std::vector<PageType> found;
  for (const Printed& printed : printed_types) {
    const auto number = vmcoreinfo.number(printed.key);
    if (!number) continue;
    const auto value = static_cast<std::uint32_t>(*number);
    if (!has_page_type) {
      found.push_back({printed.name, ~std::uint32_t{0}, value});
    } else if (std::has_single_bit(~value)) {
      found.push_back(cleared_bit(printed.name, ~value));
    } else if ((value & ~top_byte) == 0) {
      found.push_back({printed.name, top_byte, value});
    }
  }
  return found;
}

/// The bits of 4.18-6.8 that VMCOREINFO does not print.
std::vector<PageType> unprinted_types(const StructLayout& page) {
  if (page.has("memcg_data")) return {cleared_bit("table", 0x200), cleared_bit("guard", 0x400)};
  if (page.has("mem_cgroup"))
    return {cleared_bit("kmemcg", 0x200), cleared_bit("table", 0x400), cleared_bit("guard", 0x800)};
  return {};
}

}  // namespace

std::vector<PageFlag> find_page_flags(const TypeSource& types) {
  std::vector<PageFlag> flags;
  const auto enumerators = types.enumerators_of("pageflags");
  if (!enumerators) return flags;
  std::int64_t end = 64;
  for (const Enumerator& e : *enumerators) {
    if (e.name == "__NR_PAGEFLAGS") end = std::min(end, e.value);
  }
  for (const Enumerator& e : *enumerators) {
    if (!e.name.starts_with("PG_") || e.value < 0 || e.value >= end) continue;
    const auto bit = static_cast<unsigned>(e.value);
    const auto same_bit = [bit](const PageFlag& flag) { return flag.bit == bit; };
    if (std::none_of(flags.begin(), flags.end(), same_bit)) flags.push_back({e.name.substr(3), bit});
  }
  std::sort(flags.begin(), flags.end(), [](const PageFlag& a, const PageFlag& b) { return a.bit < b.bit; });
  return flags;
}

std::vector<PageType> find_page_types(const TypeSource& types, const Vmcoreinfo& vmcoreinfo,
                                      const StructLayout& page) {
  if (const auto enumerators = types.enumerators_of("pagetype")) return types_of_enum(*enumerators);
  std::vector<PageType> found = types_of_vmcoreinfo(vmcoreinfo, page.has("page_type"));
  const auto is_low = [](const PageType& type) { return type.name == "buddy" && type.value == low_base; };
  if (std::any_of(found.begin(), found.end(), is_low)) {
    for (PageType& type : unprinted_types(page)) {
      const auto taken = [&type](const PageType& other) { return other.mask == type.mask; };
      if (std::none_of(found.begin(), found.end(), taken)) found.push_back(std::move(type));
    }
  }
  return found;
}

std::optional<std::string_view> page_type_name(const std::vector<PageType>& known, std::uint32_t word) {
  for (const PageType& type : known) {
    if ((word & type.mask) == type.value) return type.name;
  }
  return std::nullopt;
}

}  // namespace memsect
