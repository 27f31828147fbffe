// Dump file formats. To add one: a file with a class deriving from PhysicalMemory and, as its last lines, its
// FormatDriver; an extern line and an array entry in format.cc; a recipe in tests/support; a row in
// docs/support.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/file.h"
#include "base/notes.h"
#include "base/result.h"
#include "memory/physical_memory.h"

namespace memsect {

/// What the file says of itself, for `info`.
struct DumpInfo {
  std::string_view format;        ///< "elf-core", "kdump"
  std::optional<unsigned> level;  ///< makedumpfile's dump level, where the file records it
  std::string compression;        ///< of the first page stored compressed: "zlib", ..., or "none"
  unsigned parts = 1;             ///< files of a split dump
  bool truncated = false;         ///< the file ends before what its headers promise, or is marked incomplete
  std::uint16_t elf_machine = 0;  ///< EM_*; 0 when the format does not say
  std::string utsname_machine;    ///< "x86_64" from the header's utsname, empty when it has none
  ByteOrder order = ByteOrder::little;  ///< of the headers; the memory's own may differ (QEMU on ppc64le)
};

/// An open dump. Immutable.
struct Dump {
  std::unique_ptr<const PhysicalMemory> memory;
  std::string vmcoreinfo;  ///< the text of the note, empty when the file has none
  DumpInfo info;
  Notes notes;
};

/// One format: `sniff` looks at the first bytes of a file and does nothing else; `open` runs once, after
/// sniff said yes.
struct FormatDriver {
  std::string_view name;
  bool (*sniff)(std::span<const std::byte> head);
  Result<Dump> (*open)(std::shared_ptr<const File> file);
};

/// How many bytes from the start of a file `sniff` is given (fewer when the file is shorter).
constexpr std::size_t sniff_size = 4096;

/// All formats, in the order in which they are tried.
std::span<const FormatDriver* const> format_drivers();
/// The format of `file`, or null when it is no dump of a known kind.
Result<const FormatDriver*> sniff_format(const File& file);

}  // namespace memsect
