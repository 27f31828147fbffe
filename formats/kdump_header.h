// The headers of kdump-compressed files, and where they put what follows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_order.h"
#include "base/byte_source.h"
#include "base/result.h"

namespace memsect {

/// What an extract has in the place of utsname.version, which begins with "#1" in a kernel's dump.
constexpr std::string_view kdump_extract_version = "(none)";

/// The fields of the header that memsect uses.
struct KdumpHeader {
  ByteOrder order = ByteOrder::little;
  unsigned word_bits = 64;
  std::uint32_t version = 0;
  std::string identity;     ///< the bytes of utsname and timestamp: the same in all parts of a split dump
  std::string machine;      ///< of utsname, empty when it is not known
  bool is_extract = false;  ///< written by kdump_writer.cc
  std::uint32_t status = 0;
  std::uint64_t block_size = 0;
  std::uint64_t sub_header_blocks = 0;
  std::uint64_t bitmap_blocks = 0;
  std::uint64_t pages = 0;  ///< max_mapnr, its low 32 bits: page numbers end below it
};

/// Finds the byte order and the word size from what makes sense.
Result<KdumpHeader> read_kdump_header(const ByteSource& file);

/// A stretch of the file, empty when the header has none.
struct Stretch {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct KdumpSubHeader {
  std::uint64_t phys_base = 0;  ///< x86-64's, signed modulo 2^64. QEMU's is wrong
  std::uint32_t dump_level = 0;
  bool split = false;
  std::uint64_t start_pfn = 0;  ///< of a split dump
  std::uint64_t end_pfn = 0;    ///< exclusive
  Stretch vmcoreinfo;
  Stretch notes;
  std::uint64_t pages = 0;  ///< max_mapnr in 64 bits, 0 when the version has none
};

Result<KdumpSubHeader> read_kdump_sub_header(const ByteSource& file, const KdumpHeader& header);

/// Where things are in the file, checked against its size.
struct KdumpLayout {
  ByteOrder order = ByteOrder::little;
  std::uint64_t page_size = 0;
  std::uint64_t pages = 0;
  std::uint64_t existing_at = 0;  ///< 1st bitmap
  std::uint64_t stored_at = 0;    ///< 2nd bitmap
  std::uint64_t descriptors_at = 0;
};

Result<KdumpLayout> lay_out_kdump(const ByteSource& file, const KdumpHeader& header,
                                  const KdumpSubHeader& sub);

}  // namespace memsect
