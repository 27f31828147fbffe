// The objects of the memory model by where they lie, for asking what a stretch of physical memory holds.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "analysis/dependencies.h"
#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

/// An object that could be placed, and whom it serves. One that serves several ranges of sections comes once for each.
struct PlacedObject {
  ObjectKind kind = ObjectKind::usage;
  VirtAddr address;  ///< 0 where it is not known
  std::uint64_t bytes = 0;
  SectionNr first;             ///< serves `sections` numbers from here on, present or not
  std::uint64_t sections = 0;  ///< 0: it serves `node`
  NodeId node{};
  bool permanent = false;  ///< the kernel never frees it when its subject goes
};

/// Visits all objects that could be placed, kind by kind, each with the stretches of physical memory that it takes.
using ObjectVisitor = std::function<void(const PlacedObject&, std::span<const PhysRange>)>;
void visit_objects(const MemoryModel& model, const ObjectVisitor& visit);

/// The same in the order of memory, for many questions.
class ObjectIndex {
 public:
  struct Entry {
    PhysRange place;
    PlacedObject object;
  };

  explicit ObjectIndex(const MemoryModel& model);

  /// The objects with a byte in `range`, ascending by place; once for each of their stretches.
  std::vector<const Entry*> in(PhysRange range) const;

 private:
  std::vector<Entry> entries_;  ///< by the start of their place
  std::uint64_t largest_ = 0;   ///< bytes of the largest place
};

}  // namespace memsect
