// VMCOREINFO in a dump that carries no note of it (a hypervisor's, mostly): the kernel's own copy in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "memory/crash_header.h"
#include "memory/physical_memory.h"
#include "memory/vmcoreinfo.h"

namespace memsect {

struct VmcoreinfoSearch {
  /// Whether this is the dumped kernel's beyond doubt. From then on others are looked for no longer than `afterwards`.
  /// Without it all memory is searched.
  std::function<bool(const Vmcoreinfo&)> belongs;
  std::chrono::milliseconds afterwards{3000};
  /// Told now and then how many bytes of how many have been searched.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// One text, and where it was found. Several copies of one text are one.
struct FoundVmcoreinfo {
  std::string text;
  std::vector<PhysAddr> at;  ///< of the copies, some dozen of them at most, the lowest first
  std::size_t copies = 1;
};

struct VmcoreinfoFinds {
  std::vector<FoundVmcoreinfo> found;  ///< by their first address
  std::vector<CrashHeader> crash_headers;
  bool complete = false;       ///< whether all memory was searched
  std::uint64_t searched = 0;  ///< bytes, unreadable pages and holes among them
  std::uint64_t total = 0;     ///< bytes that there are
};

/// Searches all pages for the text, which begins at the start of one (behind the head of a note in the copy that the
/// kernel keeps ready for a crash), and for crash headers. However large memory is, all of it is searched; holes are leapt
/// over. `not_in_dump` when there is no text.
Result<VmcoreinfoFinds> find_vmcoreinfo(const PhysicalMemory& memory, const VmcoreinfoSearch& search);

}  // namespace memsect
