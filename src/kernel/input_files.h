// Which file is what: recognised by content, never by name or place.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "formats/format.h"

namespace memsect {

/// What the user named.
struct InputRequest {
  std::vector<std::string> files;  ///< in any order
  std::string core;                ///< -c, empty when not given
  std::string vmlinux;             ///< -s, empty when not given
  bool force = false;              ///< go on with files that do not belong together
  bool search = true;              ///< look for a vmlinux where none was named
};

/// The same, opened and told apart.
struct InputFiles {
  std::shared_ptr<const File> dump;                     ///< the first part of a split one
  std::vector<std::shared_ptr<const File>> more_parts;  ///< the others
  const FormatDriver* dump_format = nullptr;            ///< of all parts
  std::shared_ptr<const File> vmlinux;                  ///< null when none was named
  std::shared_ptr<const File> debug_file;               ///< of a stripped vmlinux, null when none was named

  /// All files of the dump.
  DumpParts dump_parts() const;
};

/// Opens and classifies the files of `request`. Errors name the file.
Result<InputFiles> open_input_files(const InputRequest& request);

/// Where a vmlinux was found, and every place that was looked at, in order.
struct VmlinuxSearch {
  std::shared_ptr<const File> found;
  std::vector<std::string> tried;
};

/// Looks for the vmlinux of a kernel by build ID, then by release, beside the dump and in the usual places of
/// the distributions. A file whose build ID differs from a known one is passed over.
VmlinuxSearch search_vmlinux(const std::string& dump_path, const std::string& build_id,
                             const std::string& release);

}  // namespace memsect
