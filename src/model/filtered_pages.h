// Pages that a dump's filter left out although the kernel's own struct pages say that they are the kernel's.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace memsect {

/// Of the pages that were asked for and are excluded; not of all memory. No filter takes such pages on purpose: at no dump
/// level does makedumpfile leave out slab, page tables or reserved memory.
struct FilteredPages {
  std::uint64_t slab = 0, page_tables = 0, reserved = 0;
  std::map<std::string, std::uint64_t> caches;  ///< of the slab pages
  std::uint64_t slab_tails = 0;                 ///< slab pages that are tails of a compound page
  /// Excluded pages of which nothing is known: their struct pages cannot be read.
  std::uint64_t not_told = 0;

  std::uint64_t pages() const { return slab + page_tables + reserved; }
  /// "kmalloc-64 3, xfs_inode 1".
  std::string caches_text() const {
    std::string text;
    for (const auto& [name, count] : caches)
      text += (text.empty() ? "" : ", ") + name + ' ' + std::to_string(count);
    return text;
  }
  friend bool operator==(const FilteredPages&, const FilteredPages&) = default;
};

}  // namespace memsect
