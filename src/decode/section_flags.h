// Which bit of section_mem_map means what in this kernel.
#pragma once

#include <cstdint>

#include "model/geometry.h"
#include "model/section.h"
#include "types/type_source.h"

namespace memsect {

/// Bit masks of the flags; 0 for a flag this kernel does not have.
struct SectionFlagBits {
  std::uint64_t present = 1, has_mem_map = 2, online = 0, early = 0, taint_zone_device = 0,
                vmemmap_preinit = 0;
  std::uint64_t map_mask = 0;  ///< clears every flag bit
  std::uint64_t unused = 0;    ///< bits below the coded map that are no flag: always clear

  SectionFlags decode(std::uint64_t section_mem_map) const;
};

/// The bits by their enumerators (6.0+), else by the fixed positions of the older macros.
SectionFlagBits find_section_flag_bits(const TypeSource& types, const MemoryGeometry& geometry);

}  // namespace memsect
