// The objects of the memory model by where they lie, for asking what a stretch of physical memory holds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/object_kinds.h"
#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

/// All placed objects in the order of memory, for many questions.
class ObjectIndex {
 public:
  /// An object that serves several ranges of sections comes once for each.
  struct Entry {
    PhysRange place;
    PlacedObject object;
  };

  explicit ObjectIndex(const MemoryModel& model);

  /// The objects with a byte in `range`, ascending by place; once for each of their stretches.
  std::vector<const Entry*> in(PhysRange range) const;
  /// Why the first object that could not be placed is not among them; nothing where all are.
  const std::optional<Error>& unplaced() const { return unplaced_; }

 private:
  std::optional<Error> unplaced_;
  std::vector<Entry> entries_;  ///< by the start of their place
  std::uint64_t largest_ = 0;   ///< bytes of the largest place
};

}  // namespace memsect
