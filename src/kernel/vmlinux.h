// A vmlinux: found, identified, and opened together with its separate debug file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/notes.h"
#include "base/result.h"
#include "elf/elf_image.h"

namespace memsect {

/// Where a vmlinux was looked for: every place in order, each with what was there.
struct VmlinuxSearch {
  std::shared_ptr<const File> found;
  /// Named for the release, and of another build ID than the dump says, if there is such a one: some releases damage
  /// the build ID in their VMCOREINFO.
  std::shared_ptr<const File> of_other_build;
  struct Place {
    std::string path;
    std::string_view outcome;  ///< "taken", "not there", "another build", ...
  };
  std::vector<Place> tried;
};

/// Looks for the vmlinux of a kernel by build ID, then by release, beside the dump (not for an empty path) and in the
/// usual places of the distributions. A file whose build ID differs from a known one is passed over.
VmlinuxSearch search_vmlinux(const std::string& dump_path, const std::string& build_id,
                             const std::string& release);

/// "A, B and C", each with its outcome.
std::string list_places(const std::vector<VmlinuxSearch::Place>& places);

/// A vmlinux and what is to be had from it and its debug file.
struct Vmlinux {
  std::shared_ptr<const File> file;
  ElfImage image;
  std::shared_ptr<const File> debug_file;    ///< the separate one, null when there is none
  std::shared_ptr<const File> with_symbols;  ///< which of the two has a symbol table, or null
  std::shared_ptr<const File> with_dwarf;    ///< which of the two has DWARF, or null
  std::vector<std::string> tried;            ///< where a debug file was looked for in vain
};

/// Reads the headers of `file` and looks for its debug file where it has no debug information itself: `named` if that
/// is not null, else, if `search`, in the usual places.
Result<Vmlinux> open_vmlinux(std::shared_ptr<const File> file, std::shared_ptr<const File> named, bool search,
                             Notes& notes);

}  // namespace memsect
