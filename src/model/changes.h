// What differs between two models of one running kernel.
#pragma once

#include <cstdint>
#include <set>

#include "model/memory_model.h"

namespace memsect {

/// Memory that came, went, or changed its state from one look at a kernel to the next.
struct MemoryChanges {
  std::set<SectionNr> plugged;     ///< sections that came or went, or were taken away and added anew
  std::set<SectionNr> onlined;     ///< sections that went online or offline
  std::set<std::uint64_t> blocks;  ///< ids of memory blocks that came or went, or changed state, zone or node
  std::set<NodeId> nodes;          ///< nodes that came or went, or whose zones changed in size

  bool empty() const { return plugged.empty() && onlined.empty() && blocks.empty() && nodes.empty(); }
  void add(const MemoryChanges& other);
};

/// What differs from `before` to `after` in all that memory hot-plug changes. Parts that one of them does not have are
/// not compared; what changes in a kernel at work (migratetypes, free pages) is no change.
MemoryChanges find_memory_changes(const MemoryModel& before, const MemoryModel& after);

/// Makes the parts of `model` that the changes touch absent with `in_flux`: they are made of bytes from before and
/// after. What was not asked for stays so. Says in a warning what was touched.
void mark_in_flux(MemoryModel& model, const MemoryChanges& changes);

/// Whether something that was asked for could not be read.
bool has_gaps(const MemoryModel& model);

}  // namespace memsect
