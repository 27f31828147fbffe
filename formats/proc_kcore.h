// The memory of the running kernel. Not one of format_drivers(): it is no file that somebody saved, but opened in
// place of a dump where none is named.
#pragma once

#include <string>

#include "base/result.h"
#include "formats/format.h"

namespace memsect {

/// Where the running kernel shows itself. Other paths serve tests only.
struct LiveSystem {
  std::string kcore = "/proc/kcore";
  std::string sysfs = "/sys";
  std::string process_status = "/proc/self/status";
};

/// Whether `path` is the kernel's own file, by whatever name: it must not be read as an ELF core, through a cache.
bool is_proc_kcore(const std::string& path);

/// Opens the running kernel's memory. Its segments are those of this moment: open it again for what was plugged since.
/// Beside what PhysicalMemory says, reads fail with
/// - `not_in_dump` for a page that shows as zeros where the kernel may show zeros for what it keeps back,
/// - `in_flux` when segments come or go meanwhile: open it again.
/// Nothing is cached: the same address read twice is two looks at the machine.
Result<Dump> open_proc_kcore(const LiveSystem& system = {});

/// What to say when opening it failed with `number` (errno): who may, and what stands in the way.
Error explain_refusal(int number, const LiveSystem& system = {});

}  // namespace memsect
