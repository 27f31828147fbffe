// kdump-compressed files, as makedumpfile, QEMU and virsh write them: pages compressed one by one behind two
// bitmaps. In blocks of block_size bytes, the page size of the dumped machine:
//
//   block 0      header        "KDUMP   ", version, utsname, status, sizes of what follows
//   block 1      sub header    grew with the versions; sub_hdr_size blocks with VMCOREINFO and the ELF notes behind it
//   then         1st bitmap    the pages that exist       bitmap_blocks / 2 blocks each
//                2nd bitmap    the pages that are stored
//   then         descriptors   24 bytes for each bit set in the 2nd bitmap, in order of the pages
//   anywhere     page data     offset and size are in the descriptor; zero pages may share theirs
//
//   header (64-bit machines)              sub header                           since
//     0 signature   8 s32 version           0 u64 phys_base                      1
//    12 utsname, 6 texts of 65 bytes        8 s32 dump_level  12 s32 split       1, 2
//   408 timestamp, 16 bytes                16 u64 start_pfn   24 u64 end_pfn     2
//   424 u32 status    428 s32 block_size   32 u64 offset, 40 u64 size: VMCOREINFO  3
//   432 s32 sub_hdr_size                   48 u64 offset, 56 u64 size: notes       4
//   436 u32 bitmap_blocks                  64 u64 offset, 72 u64 size: eraseinfo   5
//   440 u32 max_mapnr (low 32 bits)        80 u64 start_pfn   88 u64 end_pfn     6
//                                          96 u64 max_mapnr                      6
//   descriptor:  u64 offset   u32 size   u32 flags   u64 page_flags
//
// Nothing tells the byte order: it is the one in which block_size is a page size. Only one is, as the page
// sizes of Linux (4K ... 256K) read the other way round are none. The header of 32-bit machines is 12 bytes
// shorter. Source: makedumpfile's IMPLEMENTATION and diskdump_mod.h, crash's diskdump.h. phys_base is not
// read: QEMU's is wrong.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/byte_reader.h"
#include "formats/codec.h"
#include "formats/format.h"
#include "formats/page_bitmap.h"
#include "formats/vmcoreinfo_note.h"

namespace memsect {
namespace {

constexpr std::string_view signature = "KDUMP   ";
constexpr std::size_t header_size = 464;
constexpr std::size_t sub_header_size = 104;
constexpr std::size_t utsname_at = 12;
constexpr std::size_t utsname_width = 65;
constexpr std::size_t status_at = 424;
constexpr std::size_t status_at_32_bit = 412;
constexpr std::uint32_t newest_version = 6;
constexpr std::uint64_t smallest_page = 4096;
constexpr std::uint64_t largest_page = std::uint64_t{256} << 10;
constexpr unsigned physical_bits = 52;  // the widest of x86-64 and arm64
constexpr std::uint64_t descriptor_size = 24;
constexpr std::uint64_t descriptors_at_once = 1024;
constexpr std::uint64_t searched_descriptors = std::uint64_t{128} << 10;  // 3 MiB of them
constexpr std::uint64_t sampled_descriptors = 256;
constexpr std::uint64_t cached_pages = 512;
constexpr std::uint64_t cached_bytes = std::uint64_t{32} << 20;

// Of the header's status; the codecs' flags stand in the same word, and in the descriptors.
constexpr std::uint32_t status_incomplete = 0x8;         // DUMP_DH_COMPRESSED_INCOMPLETE: the disk was full
constexpr std::uint32_t status_excluded_vmemmap = 0x10;  // DUMP_DH_EXCLUDED_VMEMMAP: makedumpfile -e

struct CodecFlag {
  std::uint32_t flag;
  Codec codec;
};
constexpr std::array<CodecFlag, 4> codec_flags = {
    {{0x1, Codec::zlib}, {0x2, Codec::lzo}, {0x4, Codec::snappy}, {0x20, Codec::zstd}}};

bool sniff(std::span<const std::byte> head) {
  return head.size() >= signature.size() && std::memcmp(head.data(), signature.data(), signature.size()) == 0;
}

struct Header {
  ByteOrder order = ByteOrder::little;
  std::uint32_t version = 0;
  std::string machine;
  std::uint32_t status = 0;
  std::uint64_t block_size = 0;
  std::uint64_t sub_header_blocks = 0;
  std::uint64_t bitmap_blocks = 0;
  std::uint64_t pages = 0;  // max_mapnr: page numbers end below it
};

/// The header read as `order` and with its numbers at `numbers_at`; makes no judgement.
Header read_header_as(Bytes bytes, ByteOrder order, std::size_t numbers_at) {
  Header header;
  header.order = order;
  ByteReader reader(bytes, order);
  reader.skip(signature.size());
  header.version = reader.u32();
  reader.seek(utsname_at + 4 * utsname_width);  // sysname, nodename, release, version
  header.machine = reader.text(utsname_width);
  if (header.machine == "Unknown") header.machine.clear();  // QEMU, where it does not know
  reader.seek(numbers_at);
  header.status = reader.u32();
  header.block_size = reader.u32();
  header.sub_header_blocks = reader.u32();
  header.bitmap_blocks = reader.u32();
  header.pages = reader.u32();
  return header;
}

bool is_plausible(const Header& header) {
  return header.block_size >= smallest_page && header.block_size <= largest_page &&
         std::has_single_bit(header.block_size) && header.version >= 1 && header.version < 256 &&
         header.sub_header_blocks >= 1;
}

Result<Header> read_header(const File& file) {
  std::array<std::byte, header_size> bytes{};
  if (auto read = file.read(0, bytes); !read) return std::move(read).error().within("kdump header");
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    Header header = read_header_as(bytes, order, status_at);
    if (is_plausible(header)) return header;
  }
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const Header header = read_header_as(bytes, order, status_at_32_bit);
    if (!is_plausible(header)) continue;
    return Error{Errc::unsupported,
                 fmt::format("kdump header: is laid out for a 32-bit machine{}; 64-bit ones are read",
                             header.machine.empty() ? "" : " (" + header.machine + ")"),
                 {}};
  }
  const Header raw = read_header_as(bytes, ByteOrder::little, status_at);
  return Error{Errc::bad_format,
               fmt::format("kdump header: makes sense in neither byte order (version {:#x}, block_size "
                           "{:#x}, sub_hdr_size {:#x})",
                           raw.version, raw.block_size, raw.sub_header_blocks),
               {}};
}

/// A stretch of the file, empty when the header has none.
struct Stretch {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct SubHeader {
  std::uint32_t dump_level = 0;
  bool split = false;
  std::uint64_t start_pfn = 0;
  std::uint64_t end_pfn = 0;
  Stretch vmcoreinfo;
  Stretch notes;
  std::uint64_t pages = 0;  // max_mapnr in 64 bits, 0 when the version has none
};

Result<SubHeader> read_sub_header(const File& file, const Header& header) {
  std::array<std::byte, sub_header_size> bytes{};
  if (auto read = file.read(header.block_size, bytes); !read)
    return std::move(read).error().within("kdump sub header");
  ByteReader reader(bytes, header.order);
  SubHeader sub;
  reader.skip(8);  // phys_base
  sub.dump_level = reader.u32();
  const std::uint32_t version = header.version;
  if (version < 2) return sub;
  sub.split = reader.u32() != 0;
  sub.start_pfn = reader.u64();
  sub.end_pfn = reader.u64();
  if (version < 3) return sub;
  sub.vmcoreinfo.offset = reader.u64();
  sub.vmcoreinfo.size = reader.u64();
  if (version < 4) return sub;
  sub.notes.offset = reader.u64();
  sub.notes.size = reader.u64();
  if (version < 6) return sub;
  reader.skip(16);  // eraseinfo
  sub.start_pfn = reader.u64();
  sub.end_pfn = reader.u64();
  sub.pages = reader.u64();
  return sub;
}

/// Where things are in the file, checked against its size.
struct Layout {
  ByteOrder order = ByteOrder::little;
  std::uint64_t page_size = 0;
  std::uint64_t pages = 0;
  std::uint64_t existing_at = 0;  // 1st bitmap
  std::uint64_t stored_at = 0;    // 2nd bitmap
  std::uint64_t descriptors_at = 0;
};

Result<Layout> lay_out(const File& file, const Header& header, const SubHeader& sub) {
  Layout layout;
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

struct Descriptor {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};

/// `count` descriptors from number `first` on.
Result<std::vector<Descriptor>> read_descriptors(const File& file, const Layout& layout, std::uint64_t first,
                                                 std::uint64_t count) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count * descriptor_size));
  if (auto read = file.read(layout.descriptors_at + first * descriptor_size, bytes); !read) {
    return std::move(read).error().within("page descriptor");
  }
  std::vector<Descriptor> descriptors(static_cast<std::size_t>(count));
  ByteReader reader(bytes, layout.order);
  for (Descriptor& descriptor : descriptors) {
    descriptor.offset = reader.u64();
    descriptor.size = reader.u32();
    descriptor.flags = reader.u32();
    reader.skip(8);  // page_flags
  }
  return descriptors;
}

bool reaches_beyond(const Descriptor& descriptor, std::uint64_t file_size) {
  return descriptor.offset > file_size || descriptor.size > file_size - descriptor.offset;
}

/// The codec whose flag is set alone among `flags`.
std::optional<Codec> codec_of(std::uint32_t flags) {
  for (const CodecFlag& known : codec_flags) {
    if (known.flag == flags) return known.codec;
  }
  return std::nullopt;
}

class KdumpMemory : public PhysicalMemory {
 public:
  KdumpMemory(std::shared_ptr<const File> file, const Layout& layout, PageBitmap existing, PageRanks stored,
              std::vector<PhysRange> ranges)
      : file_(std::move(file)),
        layout_(layout),
        existing_(std::move(existing)),
        stored_(std::move(stored)),
        ranges_(std::move(ranges)),
        pages_(static_cast<std::size_t>(std::min(cached_pages, cached_bytes / layout.page_size))) {}

  std::span<const PhysRange> ranges() const override { return ranges_; }

  Result<View> view(PhysAddr at, std::size_t want) const override {
    const std::uint64_t pfn = at.raw() / layout_.page_size;
    auto page = pages_.get(pfn, [this](std::uint64_t key) { return load_page(Pfn(key)); });
    if (!page) return std::move(page).error();
    const Bytes rest = Bytes(**page).subspan(static_cast<std::size_t>(at.raw() % layout_.page_size));
    return View{rest.first(std::min(want, rest.size())), *page};
  }

 private:
  Result<Block> load_page(Pfn pfn) const {
    const std::uint64_t address = pfn.raw() * layout_.page_size;
    auto exists = existing_.test(pfn);
    if (!exists) return std::move(exists).error();
    if (!*exists)
      return Error{
          Errc::not_in_dump, fmt::format("the dump knows no page at physical address {:#x}", address), {}};
    auto stored = stored_.bitmap().test(pfn);
    if (!stored) return std::move(stored).error();
    if (!*stored)
      return Error{
          Errc::excluded, fmt::format("the page at physical address {:#x} was filtered out", address), {}};
    auto page = load_stored_page(pfn);
    if (!page) return std::move(page).error().within(fmt::format("page at physical address {:#x}", address));
    return page;
  }

  Result<Block> load_stored_page(Pfn pfn) const {
    auto rank = stored_.rank(pfn);
    if (!rank) return std::move(rank).error();
    const std::uint64_t at = layout_.descriptors_at + *rank * descriptor_size;
    auto found = read_descriptors(*file_, layout_, *rank, 1);
    if (!found) return std::move(found).error();
    const Descriptor descriptor = found->front();
    if (auto sane = check(descriptor, at); !sane) return std::move(sane).error();
    Block page(static_cast<std::size_t>(layout_.page_size));
    if (descriptor.flags == 0) {
      if (auto read = file_->read(descriptor.offset, page); !read) return std::move(read).error();
      return page;
    }
    // Most compressed pages lie within one cached block of the file and need no copy.
    auto packed = file_->view(descriptor.offset, descriptor.size);
    if (!packed) return std::move(packed).error();
    Block copy;
    if (packed->bytes.size() < descriptor.size) {
      copy.resize(descriptor.size);
      if (auto read = file_->read(descriptor.offset, copy); !read) return std::move(read).error();
      packed->bytes = copy;
    }
    const Codec codec = codec_of(descriptor.flags).value_or(Codec::zlib);  // check() saw that it is known
    if (auto done = decompressor_.decompress(codec, packed->bytes, page); !done) {
      return std::move(done).error().within(fmt::format("data at offset {:#x}", descriptor.offset));
    }
    return page;
  }

  /// Whether the descriptor, read at `at`, can be followed.
  Result<void> check(const Descriptor& descriptor, std::uint64_t at) const {
    if (descriptor.offset == 0) {
      // What makedumpfile leaves when the disk is full: descriptors are reserved first, data follows.
      return Error{
          Errc::truncated, fmt::format("its data was never written (descriptor at offset {:#x})", at), {}};
    }
    const bool raw = descriptor.flags == 0;
    const bool size_fits = raw ? descriptor.size == layout_.page_size : descriptor.size <= layout_.page_size;
    if (!size_fits || descriptor.size == 0 || (!raw && !codec_of(descriptor.flags))) {
      return Error{Errc::corrupt,
                   fmt::format("descriptor at offset {:#x} makes no sense: size {:#x}, flags {:#x}", at,
                               descriptor.size, descriptor.flags),
                   {}};
    }
    if (reaches_beyond(descriptor, file_->size())) {
      return Error{Errc::truncated,
                   fmt::format("its data at offset {:#x} is beyond the end of the file ({:#x} bytes)",
                               descriptor.offset, file_->size()),
                   {}};
    }
    return {};
  }

  std::shared_ptr<const File> file_;
  Layout layout_;
  PageBitmap existing_;
  PageRanks stored_;
  std::vector<PhysRange> ranges_;
  Decompressor decompressor_;
  mutable BlockCache pages_;  // by page number
};

/// Whether the file ends before its pages do. Their data lies in the order of the pages, but for the zero
/// pages, which share the first: so it is the last other page that tells. Where that many zeros come last
/// that looking for it would cost as much as reading a small dump, a sample of the other descriptors has to
/// do.
bool ends_early(const File& file, const Layout& layout, std::uint64_t stored_pages) {
  if (stored_pages > (file.size() - layout.descriptors_at) / descriptor_size) return true;
  const std::uint64_t zero_page_at = layout.descriptors_at + stored_pages * descriptor_size;
  std::uint64_t left = stored_pages;
  while (left > 0 && stored_pages - left < searched_descriptors) {
    const std::uint64_t count = std::min(left, descriptors_at_once);
    left -= count;
    auto descriptors = read_descriptors(file, layout, left, count);
    if (!descriptors) return true;
    for (; !descriptors->empty(); descriptors->pop_back()) {
      const Descriptor& last = descriptors->back();
      if (reaches_beyond(last, file.size())) return true;
      if (last.offset != 0 && last.offset != zero_page_at) return false;
    }
  }
  const std::uint64_t step = left / sampled_descriptors + 1;
  for (std::uint64_t i = 0; i < left; i += step) {
    const auto descriptor = read_descriptors(file, layout, i, 1);
    if (!descriptor || reaches_beyond(descriptor->front(), file.size())) return true;
  }
  return false;
}

/// The codec that the header names, else the one of the first compressed page.
std::string compression(const File& file, const Header& header, const Layout& layout,
                        std::uint64_t stored_pages) {
  for (const CodecFlag& known : codec_flags) {
    if ((header.status & known.flag) != 0) return std::string(codec_name(known.codec));
  }
  const auto descriptors = read_descriptors(file, layout, 0, std::min(stored_pages, descriptors_at_once));
  if (!descriptors) return "none";
  for (const Descriptor& descriptor : *descriptors) {
    if (const auto codec = codec_of(descriptor.flags)) return std::string(codec_name(*codec));
  }
  return "none";
}

/// The text from where the sub header says, else from the notes, else nothing; what cannot be read becomes a
/// warning.
std::string find_vmcoreinfo(const File& file, const Header& header, const SubHeader& sub, Notes& notes) {
  if (sub.vmcoreinfo.offset != 0 && sub.vmcoreinfo.size != 0) {
    auto text = read_vmcoreinfo(file, sub.vmcoreinfo.offset, sub.vmcoreinfo.size);
    if (text) return std::move(*text);
    notes.warn("VMCOREINFO cannot be read: " + text.error().message);
  }
  if (sub.notes.offset == 0 || sub.notes.size == 0) return {};
  auto text = find_vmcoreinfo_note(file, sub.notes.offset, sub.notes.size, header.order);
  if (text) return std::move(*text);
  notes.warn("the dump's notes cannot be read: " + text.error().message);
  return {};
}

void describe(const Header& header, const SubHeader& sub, const File& file, DumpInfo& info, Notes& notes) {
  info.format = "kdump";
  info.utsname_machine = header.machine;
  info.order = header.order;
  constexpr std::uint32_t highest_level = 31;
  if (sub.dump_level <= highest_level) info.level = sub.dump_level;
  if (header.version > newest_version) {
    notes.warn(fmt::format("kdump header version {} is newer than {}, the newest known: read as that",
                           header.version, newest_version));
  }
  if ((header.status & status_incomplete) != 0) {
    info.truncated = true;
    notes.warn("the dump says that it is incomplete: makedumpfile ran out of space");
  } else if (info.truncated) {
    notes.warn(
        fmt::format("the dump is cut off: the file ends at {:#x}, before its last pages", file.size()));
  }
  if ((header.status & status_excluded_vmemmap) != 0) {
    notes.note("the memmap of filtered-out pages was filtered out too (makedumpfile -e)");
  }
}

Result<Dump> open(std::shared_ptr<const File> file) {
  auto header = read_header(*file);
  if (!header) return std::move(header).error();
  auto sub = read_sub_header(*file, *header);
  if (!sub) return std::move(sub).error();
  if (sub->split) {
    return Error{Errc::unsupported,
                 fmt::format("is one part of a split dump, page numbers {:#x} up to {:#x}", sub->start_pfn,
                             sub->end_pfn),
                 "join the parts first: makedumpfile --reassemble PART1 PART2 ... OUT"};
  }
  auto layout = lay_out(*file, *header, *sub);
  if (!layout) return std::move(layout).error();

  PageBitmap existing{file, layout->existing_at, layout->pages};
  auto ranges = page_ranges(existing, layout->page_size);
  if (!ranges) return std::move(ranges).error();
  auto stored = PageRanks::build({file, layout->stored_at, layout->pages});
  if (!stored) return std::move(stored).error();

  Dump dump;
  dump.info.truncated = ends_early(*file, *layout, stored->total());
  dump.info.compression = compression(*file, *header, *layout, stored->total());
  dump.vmcoreinfo = find_vmcoreinfo(*file, *header, *sub, dump.notes);
  describe(*header, *sub, *file, dump.info, dump.notes);
  dump.memory = std::make_unique<KdumpMemory>(std::move(file), *layout, std::move(existing),
                                              std::move(*stored), std::move(*ranges));
  return dump;
}

}  // namespace

extern const FormatDriver kdump{"kdump", sniff, open};

}  // namespace memsect
