// Finding VMCOREINFO and the registers of the CPUs among the ELF notes of a dump.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/byte_source.h"
#include "base/byte_writer.h"
#include "base/result.h"
#include "formats/format.h"

namespace memsect {

/// The kernel writes one page at most; anything much larger is not VMCOREINFO.
constexpr std::uint64_t largest_vmcoreinfo = std::uint64_t{1} << 20;

/// The text of `size` bytes at `offset`, without the NULs at its end. Fails with `corrupt` beyond
/// largest_vmcoreinfo.
Result<std::string> read_vmcoreinfo(const ByteSource& file, std::uint64_t offset, std::uint64_t size);

/// The texts of the notes named VMCOREINFO among those in [offset, offset + size) of the file: one in what is known, and
/// `most` at most. Reads the note headers only, not what lies between them.
Result<std::vector<std::string>> find_vmcoreinfo_notes(const ByteSource& file, std::uint64_t offset,
                                                       std::uint64_t size, ByteOrder order, std::size_t most);
constexpr std::size_t most_vmcoreinfo_notes = 8;
/// Adds those notes there that are as large as the registers of a CPU and whose names are those of such notes. What cannot
/// be read is left out.
void find_cpu_notes(const ByteSource& file, std::uint64_t offset, std::uint64_t size, ByteOrder order,
                    std::vector<CpuNote>& notes);

/// The same note, to be written. Its text begins at `vmcoreinfo_text_at`.
ByteWriter make_vmcoreinfo_note(std::string_view text, ByteOrder order);
constexpr std::uint64_t vmcoreinfo_text_at =
    24;  // 12 bytes of header, the name with its NUL, a byte of padding

}  // namespace memsect
