// The kernel's sparse-memory metadata as plain values. Nothing in here reads memory: analyses and views work
// on it alone, so each of them can be tested from a text file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/notes.h"
#include "base/position.h"
#include "base/result.h"
#include "model/filtered_pages.h"
#include "model/geometry.h"
#include "model/memory_block.h"
#include "model/metadata.h"
#include "model/node.h"
#include "model/section.h"

namespace memsect {

/// What of memory hot-plug is built into the kernel.
enum class HotPlug {
  none,      ///< no memory blocks (!CONFIG_MEMORY_HOTPLUG)
  add_only,  ///< memory comes and never goes (!CONFIG_MEMORY_HOTREMOVE)
  full,
};

struct MemoryModel {
  std::string release;  ///< the kernel's own, for prose and for kernel_messages only
  bool live = false;    ///< of a running kernel: what was read at different moments need not fit together
  HotPlug hot_plug = HotPlug::full;  ///< also where the symbols that tell are not known
  /// Sections bear SECTION_IS_ONLINE (4.13+). Before, those are taken for online whose memory block is not offline.
  bool marks_online = true;
  MemoryGeometry geometry;
  std::map<std::string, std::string> origin;  ///< for each number of `info`: where it came from
  std::vector<std::string> migratetypes;      ///< the kernel's names, by value: "Unmovable", "Movable", ...
  VirtAddr root_table_address;
  Result<Placement> root_table = Error{Errc::not_applicable, "not asked for", {}};
  std::vector<SectionRoot> roots;  ///< those that exist, ascending
  std::vector<Section> sections;   ///< the present ones, ascending
  std::vector<Node> nodes;         ///< ascending
  Result<std::vector<MemoryBlock>> blocks = Error{Errc::not_applicable, "not asked for", {}};
  /// Why some of the blocks may be missing, or are derived.
  std::optional<Error> blocks_short;
  /// Tables of the levels below the top one. Short where one could not be read: `incomplete` is set then.
  Result<std::vector<TableRun>> page_tables = Error{Errc::not_applicable, "not asked for", {}};
  Result<std::vector<DeviceMap>> device_maps = Error{Errc::not_applicable, "not asked for", {}};
  /// Evidence of its own that pages are boot memory; most machines throw the list away when they have booted.
  Result<std::vector<BootReservation>> boot_reserved = Error{Errc::not_applicable, "not asked for", {}};
  FilteredPages filtered;           ///< kernel pages that the dump's filter took
  bool keeps_memmap = false;        ///< this machine never frees memmaps (loongarch)
  std::optional<VirtAddr> vmemmap;  ///< where all decoded section_mem_map values agree
  bool incomplete = false;          ///< roots or lists could not be read: rows may be missing (exit 5)
  /// Sections, nodes or page tables may be missing, and with them what keeps a section: the first reason.
  std::optional<Error> keepers_missing;
  Notes notes;

  /// Sections, nodes or page tables may be missing, for that reason.
  void miss_keepers(const Error& why) {
    incomplete = true;
    if (!keepers_missing) keepers_missing = why;
  }
  /// The present section of that number, or null. Binary search.
  const Section* find_section(SectionNr nr) const;
  /// The present sections with the numbers first, ... first + count - 1. Binary search.
  std::span<const Section> sections_from(SectionNr first, std::uint64_t count) const;
  /// The memory block that contains the section, or null.
  const MemoryBlock* block_of(SectionNr nr) const;
};

}  // namespace memsect
