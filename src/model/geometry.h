// The numbers that cut memory into pages, subsections, pageblocks, sections and memory blocks, and the
// conversions between them. All of them come from the dump (model/geometry.cc says how); nothing here is a
// constant of a release.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/position.h"

namespace memsect {

/// Which of the kernel's memory models the dump uses (mm/Kconfig).
enum class MemoryModelKind { flatmem, sparsemem_static, sparsemem_extreme, sparsemem_vmemmap };

struct MemoryGeometry {
  MemoryModelKind kind = MemoryModelKind::sparsemem_vmemmap;
  unsigned word_size = 8;  ///< bytes of a pointer and of an unsigned long
  unsigned page_shift = 12;
  unsigned section_size_bits = 27;
  unsigned max_physmem_bits = 46;
  std::uint64_t sections_per_root = 1;
  std::uint64_t nr_section_roots = 0;
  std::uint64_t mem_section_size = 16;  ///< bytes of struct mem_section
  std::uint64_t struct_page_size = 64;  ///< bytes
  unsigned subsection_shift = 21;       ///< SUBSECTION_SHIFT, 2 MiB in every release and machine
  bool has_subsection_map = false;      ///< 5.3+; since 5.7 with VMEMMAP only
  unsigned pageblock_order = 0;  ///< pages per pageblock as a power of two; 0 with pageblock_bits 0: unknown
  unsigned pageblock_bits = 0;   ///< bits stored per pageblock: 3, 4 or 8; 0: unknown
  bool zeroed_usemaps = true;    ///< hot-added sections start with one (5.3+); before, with what was there
  std::uint64_t usage_header_size = 0;   ///< bytes of mem_section_usage before the usemap; 0 before 5.3
  std::uint64_t usage_size = 0;          ///< bytes of one mem_section_usage with its usemap; 0: unknown
  std::uint64_t sections_per_block = 0;  ///< sections of one memory block; 0: unknown

  unsigned word_bits() const { return 8 * word_size; }
  /// A sum of addresses, modulo 2^word_bits() as the kernel's own.
  VirtAddr wrapped(std::uint64_t sum) const {
    return VirtAddr(word_size == 4 ? static_cast<std::uint32_t>(sum) : sum);
  }
  std::uint64_t page_size() const { return std::uint64_t{1} << page_shift; }
  std::uint64_t section_size() const { return std::uint64_t{1} << section_size_bits; }
  std::uint64_t pages_per_section() const { return std::uint64_t{1} << (section_size_bits - page_shift); }
  std::uint64_t nr_mem_sections() const { return std::uint64_t{1} << (max_physmem_bits - section_size_bits); }
  std::uint64_t subsections_per_section() const {
    return has_subsection_map ? std::uint64_t{1} << (section_size_bits - subsection_shift) : 0;
  }
  std::uint64_t pages_per_subsection() const { return std::uint64_t{1} << (subsection_shift - page_shift); }
  std::uint64_t pages_per_pageblock() const { return std::uint64_t{1} << pageblock_order; }
  std::uint64_t pageblocks_per_section() const { return pages_per_section() >> pageblock_order; }
  bool pageblocks_known() const { return pageblock_bits != 0; }

  Pfn phys_to_pfn(PhysAddr at) const { return Pfn(at.raw() >> page_shift); }
  PhysAddr pfn_to_phys(Pfn pfn) const { return PhysAddr(pfn.raw() << page_shift); }
  SectionNr pfn_to_section_nr(Pfn pfn) const {
    return SectionNr(pfn.raw() >> (section_size_bits - page_shift));
  }
  Pfn section_nr_to_pfn(SectionNr nr) const { return Pfn(nr.raw() << (section_size_bits - page_shift)); }
  SectionNr phys_to_section_nr(PhysAddr at) const { return SectionNr(at.raw() >> section_size_bits); }
  PhysRange section_range(SectionNr nr) const {
    return {PhysAddr(nr.raw() << section_size_bits), section_size()};
  }

  /// The sections that any byte of `ranges` lies in, ascending, each once.
  std::vector<SectionNr> sections_of(std::span<const PhysRange> ranges) const;
};

}  // namespace memsect
