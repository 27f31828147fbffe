// The headers of a kdump-compressed file. On machines with 64-bit and with 32-bit words:
//
//   header                                64     32     sub header                      64  32  32a  since
//     signature "KDUMP   "                 0      0       phys_base (a long)             0   0   0   1
//     s32 version                          8      8       s32 dump_level                 8   4   4   1
//     utsname, 6 texts of 65 bytes        12     12       s32 split                     12   8   8   2
//     timestamp (two longs)              408    404       start_pfn (long)              16  12  12   2
//     u32 status                         424    412       end_pfn                       24  16  16   2
//     s32 block_size                     428    416       u64 offset of VMCOREINFO      32  20  24   3
//     s32 sub_hdr_size                   432    420       size (long)                   40  28  32   3
//     u32 bitmap_blocks                  436    424       u64 offset of the notes       48  32  40   4
//     u32 max_mapnr (low 32 bits)        440    428       size                          56  40  48   4
//                                                         u64 offset of eraseinfo       64  44  56   5
//                                                         size                          72  52  64   5
//                                                         u64 start_pfn                 80  56  72   6
//                                                         u64 end_pfn                   88  64  80   6
//                                                         u64 max_mapnr                 96  72  88   6
//
// 32: 64-bit numbers stand at multiples of 4, as i386 has them and QEMU writes them for all machines; 32a: at
// multiples of 8, as arm, mips and powerpc have them. Which of the two: max_mapnr must repeat the header's.
//
// Nothing tells the byte order: it is the one in which block_size is a page size. Only one is, as the page sizes of
// Linux (4K ... 256K) read the other way round are none. Source: makedumpfile's IMPLEMENTATION and diskdump_mod.h,
// crash's diskdump.h, QEMU's dump.h.
//
// makedumpfile 1.6.7 writes utsname four bytes early for kernels from 5.11 on, whose struct uts_namespace has lost the
// reference count before it: the first text is "x", what is left of "Linux", and the others begin four bytes early.
#include "formats/kdump_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "base/byte_reader.h"

namespace memsect {
namespace {

constexpr std::size_t header_size = 464;
constexpr std::size_t sub_header_size = 104;
constexpr std::size_t signature_size = 8;
constexpr std::size_t utsname_at = 12;
constexpr std::size_t utsname_width = 65;
constexpr std::uint64_t smallest_page = 4096;
constexpr std::uint64_t largest_page = std::uint64_t{256} << 10;
constexpr unsigned physical_bits = 52;  // the widest of x86-64 and arm64

/// The header read as `order` and for words of `word_bits`; makes no judgement.
KdumpHeader read_header_as(Bytes bytes, ByteOrder order, unsigned word_bits) {
  const std::size_t status_at = word_bits == 64 ? 424 : 412;
  KdumpHeader header;
  header.order = order;
  header.word_bits = word_bits;
  ByteReader reader(bytes, order);
  reader.skip(signature_size);
  header.version = reader.u32();
  const Bytes identity = bytes.subspan(utsname_at, status_at - utsname_at);
  header.identity.assign(reinterpret_cast<const char*>(identity.data()), identity.size());
  const std::string system = reader.text(utsname_width);
  const std::size_t early = system == "x" ? 4 : 0;
  reader.seek(utsname_at + 3 * utsname_width - early);  // sysname, nodename, release
  header.is_extract = reader.text(utsname_width) == kdump_extract_version;
  header.machine = reader.text(utsname_width);
  // Linux says so; QEMU writes the machine alone. A text that belongs to neither is no evidence.
  if (!system.empty() && system != "Linux" && early == 0) header.machine.clear();
  if (header.machine == "Unknown") header.machine.clear();  // QEMU, where it does not know
  reader.seek(status_at);
  header.status = reader.u32();
  header.block_size = reader.u32();
  header.sub_header_blocks = reader.u32();
  header.bitmap_blocks = reader.u32();
  header.pages = reader.u32();
  return header;
}

bool is_plausible(const KdumpHeader& header) {
  return header.block_size >= smallest_page && header.block_size <= largest_page &&
         std::has_single_bit(header.block_size) && header.version >= 1 && header.version < 256 &&
         header.sub_header_blocks >= 1;
}

/// The sub header with words of `word` bytes and 64-bit numbers at multiples of `alignment`.
KdumpSubHeader read_sub_header_as(Bytes bytes, const KdumpHeader& header, std::size_t word,
                                  std::size_t alignment) {
  ByteReader reader(bytes, header.order);
  const auto aligned_u64 = [&reader, alignment] {
    reader.align(alignment);
    return reader.u64();
  };
  KdumpSubHeader sub;
  sub.phys_base = reader.word(word);
  sub.dump_level = reader.u32();
  if (header.version < 2) return sub;
  sub.split = reader.u32() != 0;
  sub.start_pfn = reader.word(word);
  sub.end_pfn = reader.word(word);
  if (header.version < 3) return sub;
  sub.vmcoreinfo.offset = aligned_u64();
  sub.vmcoreinfo.size = reader.word(word);
  if (header.version < 4) return sub;
  sub.notes.offset = aligned_u64();
  sub.notes.size = reader.word(word);
  if (header.version < 6) return sub;
  aligned_u64();  // eraseinfo
  reader.skip(word);
  sub.start_pfn = aligned_u64();
  sub.end_pfn = aligned_u64();
  sub.pages = aligned_u64();
  return sub;
}

/// How well the numbers agree with the header: 0 not at all, 1 they say nothing, 2 they point into the file.
int agreement(const KdumpSubHeader& sub, const KdumpHeader& header, std::uint64_t file_size) {
  if (header.version >= 6) return (sub.pages & 0xffffffff) == header.pages ? 2 : 0;
  int result = 1;
  for (const Stretch& stretch : {sub.vmcoreinfo, sub.notes}) {
    if (stretch.offset == 0 && stretch.size == 0) continue;
    const bool inside = stretch.offset < file_size && stretch.size <= file_size - stretch.offset;
    if (!inside || stretch.offset == 0 || stretch.size == 0) return 0;
    result = 2;
  }
  return result;
}

}  // namespace

Result<KdumpHeader> read_kdump_header(const ByteSource& file) {
  std::array<std::byte, header_size> bytes{};
  if (auto read = file.read(0, bytes); !read) return std::move(read).error().within("kdump header");
  for (const unsigned word_bits : {64U, 32U}) {
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
      KdumpHeader header = read_header_as(bytes, order, word_bits);
      if (is_plausible(header)) return header;
    }
  }
  const KdumpHeader raw = read_header_as(bytes, ByteOrder::little, 64);
  return Error{Errc::bad_format,
               fmt::format("kdump header: makes sense in neither byte order (version {:#x}, block_size "
                           "{:#x}, sub_hdr_size {:#x})",
                           raw.version, raw.block_size, raw.sub_header_blocks),
               {}};
}

Result<KdumpSubHeader> read_kdump_sub_header(const ByteSource& file, const KdumpHeader& header) {
  std::array<std::byte, sub_header_size> bytes{};
  if (auto read = file.read(header.block_size, bytes); !read)
    return std::move(read).error().within("kdump sub header");
  if (header.word_bits == 64) return read_sub_header_as(bytes, header, 8, 8);
  const KdumpSubHeader packed = read_sub_header_as(bytes, header, 4, 4);
  const KdumpSubHeader aligned = read_sub_header_as(bytes, header, 4, 8);
  return agreement(aligned, header, file.size()) > agreement(packed, header, file.size()) ? aligned : packed;
}

Result<KdumpLayout> lay_out_kdump(const ByteSource& file, const KdumpHeader& header,
                                  const KdumpSubHeader& sub) {
  KdumpLayout layout;
  layout.order = header.order;
  layout.page_size = header.block_size;
  layout.pages = sub.pages != 0 ? sub.pages : header.pages;
  const std::uint64_t bitmap_size = header.bitmap_blocks / 2 * header.block_size;
  layout.existing_at = (1 + header.sub_header_blocks) * header.block_size;
  layout.stored_at = layout.existing_at + bitmap_size;
  layout.descriptors_at = layout.stored_at + bitmap_size;
  if (header.bitmap_blocks == 0 || header.bitmap_blocks % 2 != 0) {
    return Error{Errc::bad_format,
                 fmt::format("kdump header: bitmap_blocks is {}, which does not make two bitmaps",
                             header.bitmap_blocks),
                 {}};
  }
  if (layout.pages == 0 || layout.pages > bitmap_size * 8) {
    return Error{Errc::bad_format,
                 fmt::format("kdump header: max_mapnr is {:#x}, and a bitmap of {} blocks has {:#x} bits",
                             layout.pages, header.bitmap_blocks / 2, bitmap_size * 8),
                 {}};
  }
  if (layout.pages > (std::uint64_t{1} << physical_bits) / layout.page_size) {
    return Error{Errc::bad_format,
                 fmt::format("kdump header: max_mapnr is {:#x}, beyond {} bits of physical address",
                             layout.pages, physical_bits),
                 {}};
  }
  if (layout.descriptors_at > file.size()) {
    return Error{
        Errc::truncated,
        fmt::format(
            "kdump header: the bitmaps at {:#x} ({} blocks) reach beyond the end of the file ({:#x} bytes)",
            layout.existing_at, header.bitmap_blocks, file.size()),
        "nothing can be read from a dump that was cut before its pages: copy it again"};
  }
  return layout;
}

}  // namespace memsect
