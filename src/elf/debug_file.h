// The separate debug file of a stripped vmlinux.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "elf/elf_image.h"
#include "elf/elf_sections.h"

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

/// The file that .gnu_debugaltlink names.
struct AlternateFileSearch {
  std::shared_ptr<const File> found;
  std::string named;  ///< empty when there is no such section, or it makes no sense
  std::vector<std::string> tried;
};

/// Looks for the file that `dwz -m` moved to what several files share: by its name, from the folder of the file that
/// refers to it, in that very folder, under /usr/lib/debug, and by its build ID. A file of another build is passed over.
AlternateFileSearch find_alternate_file(const ElfSections& sections);

}  // namespace memsect
