// The boot-time check of 2.6.27 to 7.0 (check_usemap_section_nr in mm/sparse.c), replayed on a dump.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

/// What the check printed, and how far the replay can be trusted.
struct KernelMessages {
  std::vector<std::string> lines;  ///< in the kernel's words and order
  /// Boot sections left out because their node, their usage or their node's pgdat could not be read. The
  /// check remembers what it last printed, so lines after such a section may differ from the kernel's.
  std::vector<SectionNr> skipped;
};

/// The lines the check printed, or would print, for this layout of early sections.
KernelMessages replay_kernel_messages(const MemoryModel& model);

/// Whether this kernel, by its release, still has the check: from 2.6.27 to 7.0. Nothing when the release is
/// unknown.
std::optional<bool> kernel_still_checks(const MemoryModel& model);

}  // namespace memsect
