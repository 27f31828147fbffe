// Which objects of the memory model lie at a place in physical memory.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

/// An object that has bytes in the place asked for.
struct ObjectAt {
  std::string_view kind;  ///< as in deps: "usage", "memmap", "pgdat", ...
  VirtAddr address;       ///< of its first byte
  std::uint64_t bytes = 0;
  std::vector<SectionNr> of_sections;  ///< whom it serves, ascending
  std::vector<NodeId> of_nodes;
};

/// The objects with a byte in `place`, in the order of the model: that of ObjectKind. A page of struct pages that several sections share is one
/// object that serves them all. Objects that could not be placed are missing.
std::vector<ObjectAt> objects_at(const MemoryModel& model, PhysRange place);

}  // namespace memsect
