// What else the kernel keeps in memory for the sake of memory: page tables, device pagemaps, the boot allocator's list.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/placement.h"

namespace memsect {

/// Page tables of one level that lie beside each other and translate for neighbouring sections.
struct TableRun {
  enum class Maps { vmemmap, direct_map } maps = Maps::vmemmap;
  unsigned depth = 0;               ///< 1: the top table, which is part of the kernel image, leads to them
  PhysRange phys;                   ///< never across the end of a section
  std::optional<VirtAddr> address;  ///< of the lowest one in the direct map, where that is known
  /// The first and the last section whose struct pages (vmemmap) or whose memory (direct map) they translate.
  SectionNr first, last;
  Allocation allocation = Allocation::unknown;
  bool permanent = false;  ///< the kernel never frees tables of this level
};

/// Memory that a driver manages (struct dev_pagemap): ZONE_DEVICE.
struct DeviceMap {
  Placement placement;  ///< of the struct dev_pagemap
  std::string type;     ///< "fs_dax", "generic", ...: enum memory_type in lower case
  std::vector<PhysRange> ranges;
  /// Pages at the start of the memory whose own struct pages lie in it, where the map brings an altmap.
  struct Altmap {
    Pfn base;
    std::uint64_t reserved_pages = 0;   ///< kept for the device's own use
    std::uint64_t free_pages = 0;       ///< for struct pages
    std::uint64_t allocated_pages = 0;  ///< of them
  };
  std::optional<Altmap> altmap;
  std::uint64_t vmemmap_shift =
      0;  ///< order of the device's folios; above 0 their tail pages share struct pages, 5.17+
};

/// A range of memblock.reserved: what the boot allocator gave away and never got back.
struct BootReservation {
  PhysRange range;
  std::optional<NodeId> node;      ///< nothing for MAX_NUMNODES: none was asked for
  std::vector<std::string> flags;  ///< "noinit", "kern", ...: enum memblock_flags in lower case
};

}  // namespace memsect
