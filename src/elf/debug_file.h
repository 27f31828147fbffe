// The separate debug file of a stripped vmlinux.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "elf/elf_image.h"

namespace memsect {

/// Where it was found, and every place that was looked at, in order.
struct DebugFileSearch {
  std::shared_ptr<const File> found;
  std::vector<std::string> tried;
};

/// Looks for the file with the debug information of `image`, by build ID and by the name in its
/// .gnu_debuglink, where gdb looks: /usr/lib/debug/.build-id, beside it, in .debug beside it, and under
/// /usr/lib/debug. A file without DWARF, or of another build ID, is passed over; where one of the two has no
/// build ID, the checksum in .gnu_debuglink decides.
DebugFileSearch find_debug_file(const std::shared_ptr<const File>& file, const ElfImage& image);

}  // namespace memsect
