#include "arch/windows.h"

#include <fmt/format.h>

#include <algorithm>

namespace memsect {

VirtAddr WindowTranslator::without_tag(VirtAddr at) const {
  constexpr std::uint64_t selects_kernel = std::uint64_t{1} << 55;
  constexpr std::uint64_t top_byte = std::uint64_t{0xff} << 56;
  if (!layout_.ignores_top_byte || (at.raw() & selects_kernel) == 0) return at;
  return VirtAddr(at.raw() | top_byte);
}

Mapping WindowTranslator::window_mapping(const Window& window, VirtAddr at) const {
  const std::uint64_t within = at - window.start;
  Mapping mapping{at, window.size - within, window.phys + within};
  const std::uint64_t phys = mapping.phys->raw();
  const std::uint64_t limit = layout_.phys_limit;
  if (limit == 0) return mapping;
  if (phys < limit) {
    mapping.size = std::min(mapping.size, limit - phys);
  } else {
    mapping.size = std::min(mapping.size, 0 - phys);  // physical 0 may follow, modulo 2^64
    mapping.phys.reset();
  }
  return mapping;
}

Result<Mapping> WindowTranslator::mapping_at(VirtAddr at) const {
  const VirtAddr bare = without_tag(at);
  for (const Window& window : layout_.windows) {
    if (!window.contains(bare)) continue;
    Mapping mapping = window_mapping(window, bare);
    mapping.start = at;
    return mapping;
  }
  auto mapping = table_mapping_at(at);
  if (!mapping) return mapping;
  // A run of table entries does not end where a window begins.
  for (const Window& window : layout_.windows) {
    if (window.start > bare) mapping->size = std::min(mapping->size, window.start - bare);
  }
  return mapping;
}

Result<Mapping> WindowTranslator::table_mapping_at(VirtAddr at) const {
  const VirtAddr bare = without_tag(at);
  const TreeSpan& tables = layout_.tables;
  if (bare < tables.first) return Mapping{at, tables.first - bare, std::nullopt};
  if (bare > tables.last) return Mapping{at, 0 - bare.raw(), std::nullopt};
  auto mapping = walk_tables(*memory_, tables.tree, bare);
  if (!mapping) return mapping;
  mapping->start = at;
  const std::uint64_t behind = tables.last - bare;  // bytes after this one: with it, they may be 2^64
  if (mapping->size - 1 > behind) mapping->size = behind + 1;
  return mapping;
}

Result<std::uint64_t> WindowTranslator::leaf_size_at(VirtAddr at) const {
  const VirtAddr bare = without_tag(at);
  if (bare < layout_.tables.first || bare > layout_.tables.last) return 0;
  return leaf_size(*memory_, layout_.tables.tree, bare);
}

Result<void> WindowTranslator::visit_tables(VirtAddr start, std::uint64_t size,
                                            const TableListener& listener) const {
  const TreeSpan& tables = layout_.tables;
  const VirtAddr first = std::max(without_tag(start), tables.first);
  const VirtAddr last = std::min(without_tag(start) + (size - 1), tables.last);
  if (size == 0 || first > last) {
    return Error{
        Errc::not_applicable,
        fmt::format("no page table translates {:#x}: its place follows from the address", start.raw()),
        {}};
  }
  memsect::visit_tables(*memory_, tables.tree, first, last - first + 1, listener);
  return {};
}

}  // namespace memsect
