// Files of memory ranges for tests: LiME's and AVML's.
#pragma once

#include "support/dump_builder.h"

namespace memsect::test {

/// A range of LiME: header and bytes. The header says what `last` says where it is given.
Buffer lime_range(std::uint64_t first, Bytes bytes, std::optional<std::uint64_t> last = std::nullopt);
/// The same of AVML: a snappy stream in chunks of 64 KiB. `plain`: of chunks that are not compressed.
Buffer avml_range(std::uint64_t first, Bytes bytes, bool plain = false);

Buffer operator+(Buffer one, const Buffer& other);

}  // namespace memsect::test
