// Dump file formats. To add one: a file with a class deriving from PhysicalMemory and, as its last lines, its
// FormatDriver; an extern line and an array entry in format.cc; a recipe in tests/support; a row in
// docs/support.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/byte_source.h"
#include "base/notes.h"
#include "base/result.h"
#include "memory/physical_memory.h"

namespace memsect {

/// What the file says of itself, for `info`.
struct DumpInfo {
  std::string_view format;  ///< "elf-core", "kdump", "proc-kcore"
  bool live = false;        ///< of the running kernel: the same address can hold something else next time
  bool flattened = false;   ///< in makedumpfile's flattened form of that format
  std::optional<unsigned> level;  ///< makedumpfile's dump level, where the file records it
  bool is_extract = false;        ///< written by memsect: what it lacks no filter took
  std::string compression;        ///< of the first page stored compressed: "zlib", ..., or "none"
  unsigned parts = 1;             ///< files of a split dump
  bool truncated = false;         ///< the file ends before what its headers promise, is marked incomplete, or
                                  ///< a part is missing
  std::uint16_t elf_machine = 0;  ///< EM_*; 0 when the format does not say
  std::string utsname_machine;    ///< "x86_64" from the header's utsname, empty when it has none
  unsigned word_bits = 64;        ///< of the headers: 32 for machines with 32-bit words
  ByteOrder order = ByteOrder::little;  ///< of the headers; the memory's own may differ (QEMU on ppc64le)
  std::string advice;  ///< what to do where memory is missing that must be there, empty for nothing better
};

/// A note with the registers of a CPU.
struct CpuNote {
  std::string name;  ///< "CORE", "QEMU", ...
  std::uint32_t type = 0;
  std::vector<std::byte> bytes;
};

/// An open dump. Immutable.
struct Dump {
  std::unique_ptr<const PhysicalMemory> memory;
  std::string vmcoreinfo;  ///< the text of the note, empty when the file has none
  /// Reads the texts of all notes of that name, a few at most; null where the file has no notes.
  std::function<std::vector<std::string>()> vmcoreinfo_notes;
  /// Reads the notes of the CPUs, some thousands at most; null where the file has none.
  std::function<std::vector<CpuNote>()> cpu_notes;
  /// x86-64: what the headers say of phys_base, signed modulo 2^64. Right in some files, nonsense in others.
  std::vector<std::uint64_t> phys_bases;
  DumpInfo info;
  Notes notes;
};

/// The files of a dump: one, or the parts of a split dump in any order.
using DumpParts = std::vector<std::shared_ptr<const ByteSource>>;

/// One format: `sniff` looks at the first bytes of a file and does nothing else; `read` runs once, after sniff said yes to
/// every part.
struct FormatDriver {
  std::string_view name;
  bool (*sniff)(std::span<const std::byte> head);
  Result<Dump> (*read)(const DumpParts& parts);

  /// Opens a dump, and says in its notes what there is to say of its files.
  Result<Dump> open(const DumpParts& parts) const;
};

/// For the formats that have no parts: `usage` when there are several files.
Result<void> refuse_parts(const DumpParts& parts);

/// Renders the error of one part: it names the part where there are several.
Error in_part(Error error, const DumpParts& parts, const ByteSource& part);

/// How many bytes from the start of a file `sniff` is given (fewer when the file is shorter).
constexpr std::size_t sniff_size = 4096;

/// All formats, in the order in which they are tried.
std::span<const FormatDriver* const> format_drivers();
/// The format of `file`, or null when it is no dump of a known kind.
Result<const FormatDriver*> sniff_format(const ByteSource& file);

}  // namespace memsect
