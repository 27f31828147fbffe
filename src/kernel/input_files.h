// Which file is what: recognised by content, never by name or place. Files that are compressed as a whole are unpacked
// first (formats/packing.h), whatever they hold.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "formats/format.h"

namespace memsect {

/// Where types may come from: --types.
enum class TypesWanted { automatic, dwarf, btf, vmcoreinfo };

/// More than most machines have memory; a small file can hold any number of zeros.
constexpr std::uint64_t default_unpack_limit = std::uint64_t{128} << 30;

/// What the user named.
struct InputRequest {
  std::vector<std::string> files;  ///< in any order
  std::string core;                ///< -c, empty when not given
  std::string vmlinux;             ///< -s, empty when not given
  std::string symbols;             ///< --symbols, empty when not given
  std::string btf;                 ///< --btf, empty when not given
  std::string kernel;              ///< --kernel: which of several in memory, empty when not given
  TypesWanted types = TypesWanted::automatic;
  bool force = false;  ///< go on with files that do not belong together
  bool search = true;  ///< look for a vmlinux where none was named
  bool unpack = true;  ///< files that are compressed as a whole, into a temporary one
  std::uint64_t unpack_limit = default_unpack_limit;  ///< bytes that one may have when unpacked
  bool debuginfod = false;  ///< ask the distribution's servers for one that is not at hand
  /// Told of work that may take long: what it is, and how much of how much is done (of 0 while that is not known).
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress;
};

/// The same, opened and told apart.
struct InputFiles {
  bool live = false;                 ///< /proc/kcore was named: the running kernel
  std::shared_ptr<Dump> given;       ///< memory of the caller, in place of any file; taken by open()
  std::shared_ptr<const File> dump;  ///< the first part of a split one
  std::vector<std::shared_ptr<const File>> more_parts;  ///< the others
  const FormatDriver* dump_format = nullptr;            ///< of all parts
  std::shared_ptr<const File> vmlinux;                  ///< null when none was named
  std::shared_ptr<const File> debug_file;               ///< of a stripped vmlinux, null when none was named
  std::shared_ptr<const File> symbols;                  ///< System.map or kallsyms, null when none was named
  std::shared_ptr<const File> btf;                      ///< null when none was named

  /// All files of the dump.
  DumpParts dump_parts() const;
};

/// Opens and classifies the files of `request`. Errors name the file.
Result<InputFiles> open_input_files(const InputRequest& request);

}  // namespace memsect
