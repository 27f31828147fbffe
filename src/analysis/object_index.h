// The objects of the memory model by where they lie, for asking what a stretch of physical memory holds.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

/// A stretch of physical memory that belongs to an object. Objects in several stretches have several entries.
struct PlacedObject {
  PhysRange place;
  std::string_view kind;       ///< as in deps: "usage", "memmap", "pgdat", ...
  VirtAddr address;            ///< of the whole object
  std::uint64_t first_of = 0;  ///< whom it serves: a section, or a node for a pgdat
  std::uint64_t sections = 0;  ///< how many sections from first_of on; 0: it serves a node
  bool permanent = false;      ///< the kernel never frees it when its subject goes
};

class ObjectIndex {
 public:
  explicit ObjectIndex(const MemoryModel& model);

  /// The objects with a byte in `range`, ascending by place.
  std::vector<const PlacedObject*> in(PhysRange range) const;

 private:
  void add(const std::vector<PhysRange>& places, const PlacedObject& object);
  void add_of_sections(const MemoryModel& model);
  void add_roots(const MemoryModel& model);
  void add_of_nodes(const MemoryModel& model);
  void add_blocks(const MemoryModel& model);
  void add_tables(const MemoryModel& model);
  void add_device_maps(const MemoryModel& model);

  std::vector<PlacedObject> objects_;  ///< by the start of their place
  std::uint64_t largest_ = 0;          ///< bytes of the largest place
};

}  // namespace memsect
