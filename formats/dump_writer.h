// Writing dumps. One function a format; what is written is asked for page by page, so that memory does not
// grow with the dump.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/byte_order.h"
#include "base/output_file.h"
#include "base/page_run.h"
#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// What to write.
struct NewDump {
  ByteOrder order = ByteOrder::little;
  std::uint64_t page_size = 0;
  std::uint16_t elf_machine = 0;
  std::string machine;     ///< as uname -m says it: "x86_64"
  std::string release;     ///< as uname -r says it
  std::string vmcoreinfo;  ///< the text of the note
  struct ImageMap {
    std::uint64_t virt = 0, phys = 0, size = 0;
  };
  std::optional<ImageMap> image;            ///< where the kernel image is mapped, if not in the direct map
  std::optional<std::uint64_t> direct_map;  ///< virtual address of physical 0, if the machine has one
  std::vector<PageRun> runs;                ///< ascending, without overlap
  /// Fills one page, which comes zeroed.
  std::function<Result<void>(Pfn, std::span<std::byte>)> read_page;
};

/// Writes kdump-compressed, header version 6, pages compressed with zlib.
Result<void> write_kdump(const NewDump& dump, OutputFile& out);
/// Writes an ELF core. It cannot tell filtered pages from lost ones or from holes: all are left out.
Result<void> write_elf_core(const NewDump& dump, OutputFile& out);

}  // namespace memsect
