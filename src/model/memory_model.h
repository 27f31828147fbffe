// The kernel's sparse-memory metadata as plain values. Nothing in here reads memory: analyses and views work
// on it alone, so each of them can be tested from a text file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/notes.h"
#include "base/position.h"
#include "base/result.h"
#include "model/geometry.h"
#include "model/memory_block.h"
#include "model/node.h"
#include "model/section.h"

namespace memsect {

struct MemoryModel {
  std::string release;  ///< the kernel's own, for prose and for kernel_messages only
  MemoryGeometry geometry;
  std::map<std::string, std::string> origin;  ///< for each number of `info`: where it came from
  std::vector<std::string> migratetypes;      ///< the kernel's names, by value: "Unmovable", "Movable", ...
  VirtAddr root_table_address;
  Result<Placement> root_table = Error{Errc::not_applicable, "not asked for", {}};
  std::vector<SectionRoot> roots;  ///< those that exist, ascending
  std::vector<Section> sections;   ///< the present ones, ascending
  std::vector<Node> nodes;         ///< ascending
  Result<std::vector<MemoryBlock>> blocks = Error{Errc::not_applicable, "not asked for", {}};
  std::optional<VirtAddr> vmemmap;  ///< where all decoded section_mem_map values agree
  bool incomplete = false;          ///< roots or lists could not be read: rows may be missing (exit 5)
  Notes notes;

  /// The present section of that number, or null. Binary search.
  const Section* find_section(SectionNr nr) const;
  /// The memory block that contains the section, or null.
  const MemoryBlock* block_of(SectionNr nr) const;
};

}  // namespace memsect
