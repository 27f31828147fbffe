// Finding VMCOREINFO among the ELF notes of a dump.
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_order.h"
#include "base/byte_source.h"
#include "base/result.h"

namespace memsect {

/// The kernel writes one page at most; anything much larger is not VMCOREINFO.
constexpr std::uint64_t largest_vmcoreinfo = std::uint64_t{1} << 20;

/// The text of `size` bytes at `offset`, without the NULs at its end. Fails with `corrupt` beyond
/// largest_vmcoreinfo.
Result<std::string> read_vmcoreinfo(const ByteSource& file, std::uint64_t offset, std::uint64_t size);

/// The text of the note named VMCOREINFO among the notes in [offset, offset + size) of the file, empty when
/// there is none. Reads the note headers only, not what lies between them.
Result<std::string> find_vmcoreinfo_note(const ByteSource& file, std::uint64_t offset, std::uint64_t size,
                                         ByteOrder order);

}  // namespace memsect
