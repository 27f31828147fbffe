// Which section holds which object of the memory model: the facts that the graph, the circles and the order
// of removal are drawn from.
#pragma once

#include <optional>
#include <vector>

#include "analysis/dependencies.h"
#include "base/notes.h"
#include "model/memory_model.h"

namespace memsect {

/// That a section's usage, memmap or page_ext lies, at least in part, in another section.
struct Need {
  SectionNr from, to;
  EdgeKind kind = EdgeKind::usage;
};

/// Every placed object, cut up by the sections its bytes lie in.
struct Survey {
  std::vector<Holder> holders;  ///< ascending by section; objects that serve only their own section included
  std::vector<Need> needs;      ///< by `from`
  bool incomplete = false;      ///< some object's place is unknown
  /// Why the first one is.
  std::optional<Error> keepers_unplaced;
  Notes notes;  ///< which ones
};
Survey survey_holders(const MemoryModel& model);

/// A usage, a memmap or the like that serves no other section than the one it lies in.
bool serves_only_itself(const HeldObject& object, SectionNr holder);

}  // namespace memsect
