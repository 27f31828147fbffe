// VMCOREINFO in a dump that carries no note of it (a hypervisor's, mostly): the kernel's own copy in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "memory/physical_memory.h"
#include "memory/vmcoreinfo.h"

namespace memsect {

struct VmcoreinfoSearch {
  /// Whether this is the dumped kernel's, and not one left over from a kernel before it: to be told by looking at
  /// the memory that it describes. The first text it accepts ends the search. Without it all memory is searched.
  std::function<bool(const Vmcoreinfo&)> belongs;
  std::chrono::milliseconds at_most{30000};
  /// Told now and then how many bytes of how many have been searched.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// One text, and where it was found. Several copies of one text are one.
struct FoundVmcoreinfo {
  std::string text;
  PhysAddr at;  ///< of the first copy
  unsigned copies = 1;
  bool belongs = false;  ///< as VmcoreinfoSearch::belongs said; false without it
};

struct VmcoreinfoFinds {
  /// The most plausible first: what belongs, then what was found most often, then what lies lowest.
  std::vector<FoundVmcoreinfo> found;
  bool complete = false;       ///< whether all memory was searched
  bool out_of_time = false;    ///< where not: whether time was up, not the search over
  std::uint64_t searched = 0;  ///< bytes, unreadable pages among them
};

/// Searches all pages for the text, which begins at the start of one (behind the head of a note in the copy that the
/// kernel keeps ready for a crash). `not_in_dump` when there is none, or none was found in time.
Result<VmcoreinfoFinds> find_vmcoreinfo(const PhysicalMemory& memory, const VmcoreinfoSearch& search);

}  // namespace memsect
