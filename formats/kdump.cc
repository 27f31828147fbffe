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
//   descriptor:  u64 offset   u32 size   u32 flags   u64 page_flags
//
// The headers are in kdump_header.cc. A split dump (makedumpfile --split) is several such files. Each has both bitmaps
// whole, and the descriptors and data of the pages from its start_pfn up to its end_pfn:
//
//   page numbers   0 ---------- 0x40000 ---------- 0x80000 ------------ max_mapnr
//   part           |<--- 1 ---->|<------ 2 ------->|<------- 3 -------->|
//
// The pages of a part that was not named are truncated: the bitmap promises them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/block_cache.h"
#include "base/byte_reader.h"
#include "formats/codec.h"
#include "formats/format.h"
#include "formats/kdump_header.h"
#include "formats/page_bitmap.h"
#include "formats/vmcoreinfo_note.h"

namespace memsect {
namespace {

constexpr std::string_view signature = "KDUMP   ";
constexpr std::uint32_t newest_version = 6;
constexpr std::uint64_t descriptor_size = 24;
constexpr std::uint64_t descriptors_at_once = 1024;
constexpr std::uint64_t searched_descriptors = std::uint64_t{128} << 10;  // 3 MiB of them
constexpr std::uint64_t sampled_descriptors = 256;
constexpr std::uint64_t cached_pages = 512;
constexpr std::uint64_t cached_bytes = std::uint64_t{32} << 20;
constexpr std::size_t most_parts = 256;

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

struct Descriptor {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};

/// `count` descriptors from number `first` on.
Result<std::vector<Descriptor>> read_descriptors(const ByteSource& file, const KdumpLayout& layout,
                                                 std::uint64_t first, std::uint64_t count) {
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

/// One file: all of a dump, or the pages [start, end) of a split one.
struct Part {
  std::shared_ptr<const ByteSource> file;
  KdumpHeader header;
  KdumpSubHeader sub;
  KdumpLayout layout;
  std::string vmcoreinfo;
  Pfn start;
  Pfn end;
  std::uint64_t first_rank = 0;  ///< stored pages before start: they have no descriptor here
};

class KdumpMemory : public PhysicalMemory {
 public:
  /// `parts` are in the order of their pages and do not overlap.
  KdumpMemory(std::vector<Part> parts, PageRanks stored)
      : parts_(std::move(parts)),
        page_size_(parts_.front().layout.page_size),
        existing_{parts_.front().file, parts_.front().layout.existing_at, parts_.front().layout.pages},
        stored_(std::move(stored)),
        pages_(static_cast<std::size_t>(std::min(cached_pages, cached_bytes / page_size_))) {}

  Result<std::vector<PhysRange>> ranges() const override { return page_ranges(existing_, page_size_); }

  Result<View> view(PhysAddr at, std::size_t want) const override {
    const std::uint64_t pfn = at.raw() / page_size_;
    auto page = pages_.get(pfn, [this](std::uint64_t key) -> Result<Block> {
      Block block(static_cast<std::size_t>(page_size_));
      if (auto done = load_page(Pfn(key), block); !done) return std::move(done).error();
      return block;
    });
    if (!page) return std::move(page).error();
    const Bytes rest = Bytes(**page).subspan(static_cast<std::size_t>(at.raw() % page_size_));
    return View{rest.first(std::min(want, rest.size())), *page};
  }

  /// Whole pages go straight to where they are wanted: megabytes at once would only push others out of the cache.
  Result<void> read(PhysAddr at, std::span<std::byte> out) const override {
    while (!out.empty()) {
      const std::uint64_t in_page = at.raw() % page_size_;
      const auto part =
          out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), page_size_ - in_page)));
      const bool whole = part.size() == page_size_;
      auto done = whole ? load_page(Pfn(at.raw() / page_size_), part) : PhysicalMemory::read(at, part);
      if (!done) return done;
      at += part.size();
      out = out.subspan(part.size());
    }
    return {};
  }

  PhysAddr next_data(PhysAddr at) const override {
    const auto next = stored_.next_group(Pfn(at.raw() / page_size_));
    return next ? std::max(at, PhysAddr(next->raw() * page_size_)) : PhysAddr(~std::uint64_t{0});
  }

 private:
  /// Fills `page`, page_size_ bytes.
  Result<void> load_page(Pfn pfn, std::span<std::byte> page) const {
    const std::uint64_t address = pfn.raw() * page_size_;
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
    if (auto done = load_stored_page(pfn, page); !done)
      return std::move(done).error().within(fmt::format("page at physical address {:#x}", address));
    return {};
  }

  /// The part that has the page, or null.
  const Part* part_of(Pfn pfn) const {
    const auto after = std::upper_bound(parts_.begin(), parts_.end(), pfn,
                                        [](Pfn value, const Part& part) { return value < part.start; });
    return after != parts_.begin() && pfn < std::prev(after)->end ? &*std::prev(after) : nullptr;
  }

  Result<void> load_stored_page(Pfn pfn, std::span<std::byte> page) const {
    const Part* const part = part_of(pfn);
    if (part == nullptr) {
      return Error{
          Errc::truncated,
          fmt::format("page number {:#x} is in a part of the split dump that was not named", pfn.raw()),
          {}};
    }
    auto rank = stored_.rank(pfn);
    if (!rank) return std::move(rank).error();
    auto done = load_page_of(*part, *rank - part->first_rank, page);
    if (!done && parts_.size() > 1) return std::move(done).error().within(part->file->name());
    return done;
  }

  /// The page of descriptor `number` of a part.
  Result<void> load_page_of(const Part& part, std::uint64_t number, std::span<std::byte> page) const {
    const ByteSource& file = *part.file;
    const std::uint64_t at = part.layout.descriptors_at + number * descriptor_size;
    auto found = read_descriptors(file, part.layout, number, 1);
    if (!found) return std::move(found).error();
    const Descriptor descriptor = found->front();
    if (auto sane = check(descriptor, at, file.size()); !sane) return std::move(sane).error();
    if (descriptor.flags == 0) return file.read(descriptor.offset, page);
    // Most compressed pages lie within one cached block of the file and need no copy.
    auto packed = file.view(descriptor.offset, descriptor.size);
    if (!packed) return std::move(packed).error();
    Block copy;
    if (packed->bytes.size() < descriptor.size) {
      copy.resize(descriptor.size);
      if (auto read = file.read(descriptor.offset, copy); !read) return std::move(read).error();
      packed->bytes = copy;
    }
    const Codec codec = codec_of(descriptor.flags).value_or(Codec::zlib);  // check() saw that it is known
    if (auto done = decompressor_.decompress(codec, packed->bytes, page); !done) {
      return std::move(done).error().within(fmt::format("data at offset {:#x}", descriptor.offset));
    }
    return {};
  }

  /// Whether the descriptor, read at `at`, can be followed.
  Result<void> check(const Descriptor& descriptor, std::uint64_t at, std::uint64_t file_size) const {
    if (descriptor.offset == 0) {
      // What makedumpfile leaves when the disk is full: descriptors are reserved first, data follows.
      return Error{
          Errc::truncated, fmt::format("its data was never written (descriptor at offset {:#x})", at), {}};
    }
    const bool raw = descriptor.flags == 0;
    const bool size_fits = raw ? descriptor.size == page_size_ : descriptor.size <= page_size_;
    if (!size_fits || descriptor.size == 0 || (!raw && !codec_of(descriptor.flags))) {
      return Error{Errc::corrupt,
                   fmt::format("descriptor at offset {:#x} makes no sense: size {:#x}, flags {:#x}", at,
                               descriptor.size, descriptor.flags),
                   {}};
    }
    if (reaches_beyond(descriptor, file_size)) {
      return Error{Errc::truncated,
                   fmt::format("its data at offset {:#x} is beyond the end of the file ({:#x} bytes)",
                               descriptor.offset, file_size),
                   {}};
    }
    return {};
  }

  std::vector<Part> parts_;
  std::uint64_t page_size_;
  PageBitmap existing_;  // of the first part, as all have the same
  PageRanks stored_;
  Decompressor decompressor_;
  mutable BlockCache pages_;  // by page number
};

/// Whether the file ends before its pages do. Their data lies in the order of the pages, but for the zero
/// pages, which share the first: so it is the last other page that tells. Where that many zeros come last
/// that looking for it would cost as much as reading a small dump, a sample of the other descriptors has to
/// do.
bool ends_early(const ByteSource& file, const KdumpLayout& layout, std::uint64_t stored_pages) {
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
std::string compression(const Part& part, std::uint64_t stored_pages) {
  for (const CodecFlag& known : codec_flags) {
    if ((part.header.status & known.flag) != 0) return std::string(codec_name(known.codec));
  }
  const auto descriptors =
      read_descriptors(*part.file, part.layout, 0, std::min(stored_pages, descriptors_at_once));
  if (!descriptors) return "none";
  for (const Descriptor& descriptor : *descriptors) {
    if (const auto codec = codec_of(descriptor.flags)) return std::string(codec_name(*codec));
  }
  return "none";
}

/// The text from where the sub header says, else from the notes, else nothing; what cannot be read becomes a
/// warning.
std::string find_vmcoreinfo(const ByteSource& file, const KdumpHeader& header, const KdumpSubHeader& sub,
                            Notes& notes) {
  if (sub.vmcoreinfo.offset != 0 && sub.vmcoreinfo.size != 0) {
    auto text = read_vmcoreinfo(file, sub.vmcoreinfo.offset, sub.vmcoreinfo.size);
    if (text) return std::move(*text);
    notes.warn("VMCOREINFO cannot be read: " + text.error().message);
  }
  if (sub.notes.offset == 0 || sub.notes.size == 0) return {};
  auto texts = find_vmcoreinfo_notes(file, sub.notes.offset, sub.notes.size, header.order, 1);
  if (!texts) notes.warn("the dump's notes cannot be read: " + texts.error().message);
  return texts && !texts->empty() ? std::move(texts->front()) : std::string();
}

/// How to read the notes later.
void add_note_readers(const Part& part, Dump& dump) {
  if (part.sub.notes.offset == 0 || part.sub.notes.size == 0) return;
  dump.cpu_notes = [file = part.file, order = part.header.order, place = part.sub.notes] {
    std::vector<CpuNote> notes;
    find_cpu_notes(*file, place.offset, place.size, order, notes);
    return notes;
  };
  dump.vmcoreinfo_notes = [file = part.file, order = part.header.order, place = part.sub.notes] {
    auto texts = find_vmcoreinfo_notes(*file, place.offset, place.size, order, most_vmcoreinfo_notes);
    return texts ? std::move(*texts) : std::vector<std::string>();
  };
}

Result<Part> open_part(const std::shared_ptr<const ByteSource>& file, Notes& notes) {
  Part part;
  part.file = file;
  auto header = read_kdump_header(*file);
  if (!header) return std::move(header).error();
  part.header = *std::move(header);
  auto sub = read_kdump_sub_header(*file, part.header);
  if (!sub) return std::move(sub).error();
  part.sub = *sub;
  auto layout = lay_out_kdump(*file, part.header, part.sub);
  if (!layout) return std::move(layout).error();
  part.layout = *layout;
  part.end = Pfn(layout->pages);
  if (sub->split) {
    if (sub->start_pfn > sub->end_pfn) {
      return Error{Errc::bad_format,
                   fmt::format("kdump sub header: the part's page numbers begin at {:#x} and end at {:#x}",
                               sub->start_pfn, sub->end_pfn),
                   {}};
    }
    part.start = Pfn(std::min(sub->start_pfn, layout->pages));
    part.end = Pfn(std::min(sub->end_pfn, layout->pages));
  }
  part.vmcoreinfo = find_vmcoreinfo(*file, part.header, part.sub, notes);
  return part;
}

/// What tells that two parts are of different dumps, empty when nothing does.
std::string_view difference(const Part& a, const Part& b) {
  if (a.header.word_bits != b.header.word_bits || a.header.order != b.header.order) return "the machine";
  if (a.header.identity != b.header.identity) return "utsname or timestamp";
  if (a.header.block_size != b.header.block_size) return "block_size";
  if (a.layout.pages != b.layout.pages) return "max_mapnr";
  if (a.header.bitmap_blocks != b.header.bitmap_blocks) return "bitmap_blocks";
  if (a.sub.dump_level != b.sub.dump_level) return "dump_level";
  // Empty where a part is damaged.
  if (!a.vmcoreinfo.empty() && !b.vmcoreinfo.empty() && a.vmcoreinfo != b.vmcoreinfo) return "VMCOREINFO";
  return {};
}

/// Whether the two are parts of one dump.
Result<void> check_same_dump(const Part& first, const Part& part) {
  if (!first.sub.split || !part.sub.split) return refuse_parts({first.file, part.file});
  const std::string_view what = difference(first, part);
  if (what.empty()) return {};
  return Error{Errc::usage,
               fmt::format("{} and {} are parts of different dumps: they differ in {}", first.file->name(),
                           part.file->name(), what),
               "name the parts of one dump"};
}

/// Sorts the parts by their pages, which must be different ones.
Result<void> sort_parts(std::vector<Part>& parts) {
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.start != b.start ? a.start < b.start : a.end < b.end;
  });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Part& before = parts[i - 1];
    const Part& part = parts[i];
    if (part.start >= before.end) continue;  // makedumpfile leaves parts empty when it has too many
    const bool same = part.start == before.start && part.end == before.end;
    return Error{
        Errc::usage,
        fmt::format("{} and {} {} of the split dump (page numbers {:#x} up to {:#x} and {:#x} up to {:#x})",
                    before.file->name(), part.file->name(),
                    same ? "are the same part" : "are overlapping parts", before.start.raw(),
                    before.end.raw(), part.start.raw(), part.end.raw()),
        "name each part once"};
  }
  return {};
}

/// Opens the headers of all files and brings the parts in order.
Result<std::vector<Part>> open_parts(const DumpParts& files, Notes& notes) {
  if (files.size() > most_parts) {
    return Error{
        Errc::usage, fmt::format("{} dumps are named; {} parts are the most", files.size(), most_parts), {}};
  }
  std::vector<Part> parts;
  for (const auto& file : files) {
    auto part = open_part(file, notes);
    if (!part) return in_part(std::move(part).error(), files, *file);
    if (!parts.empty()) {
      if (auto same = check_same_dump(parts.front(), *part); !same) return std::move(same).error();
      if (!parts.front().vmcoreinfo.empty()) part->vmcoreinfo.clear();  // up to a megabyte, and the same
    }
    parts.push_back(*std::move(part));
  }
  if (auto sorted = sort_parts(parts); !sorted) return std::move(sorted).error();
  return parts;
}

/// Says which page numbers no part has.
void find_missing_parts(const std::vector<Part>& parts, Dump& dump) {
  std::string missing;
  const auto add = [&missing](Pfn from, Pfn to) {
    if (from >= to) return;
    missing += fmt::format("{}{:#x} up to {:#x}", missing.empty() ? "" : ", ", from.raw(), to.raw());
  };
  Pfn at;
  for (const Part& part : parts) {
    add(at, part.start);
    at = std::max(at, part.end);
  }
  add(at, Pfn(parts.front().layout.pages));
  if (missing.empty()) return;
  dump.info.truncated = true;
  dump.info.advice = "name all parts of the split dump";
  dump.notes.warn("parts of the split dump are missing: those with the page numbers " + missing,
                  dump.info.advice);
}

void describe(const Part& part, Dump& dump) {
  DumpInfo& info = dump.info;
  info.format = "kdump";
  info.utsname_machine = part.header.machine;
  info.is_extract = part.header.is_extract;
  info.word_bits = part.header.word_bits;
  info.order = part.header.order;
  if (part.header.word_bits == 64) dump.phys_bases.push_back(part.sub.phys_base);
  add_note_readers(part, dump);
  constexpr std::uint32_t highest_level = 31;
  if (part.sub.dump_level <= highest_level) info.level = part.sub.dump_level;
  if (part.header.version > newest_version) {
    dump.notes.warn(fmt::format("kdump header version {} is newer than {}, the newest known: read as that",
                                part.header.version, newest_version));
  }
  if ((part.header.status & status_excluded_vmemmap) != 0) {
    dump.notes.note("the memmap of filtered-out pages was filtered out too (makedumpfile -e)");
  }
}

/// Says when a part ends too early. `stored_pages` are those it should have.
void find_cut(const Part& part, std::uint64_t stored_pages, std::string_view which, Dump& dump) {
  if ((part.header.status & status_incomplete) != 0) {
    dump.info.truncated = true;
    dump.notes.warn(
        fmt::format("the dump{} says that it is incomplete: makedumpfile ran out of space", which));
  } else if (ends_early(*part.file, part.layout, stored_pages)) {
    dump.info.truncated = true;
    dump.notes.warn(fmt::format("the dump{} is cut off: the file ends at {:#x}, before its last pages", which,
                                part.file->size()));
  }
}

Result<Dump> open(const DumpParts& files) {
  Dump dump;
  auto opened = open_parts(files, dump.notes);
  if (!opened) return std::move(opened).error();
  std::vector<Part>& parts = *opened;
  const Part& first = parts.front();
  auto stored = PageRanks::build({first.file, first.layout.stored_at, first.layout.pages});
  if (!stored) return in_part(std::move(stored).error(), files, *first.file);

  describe(first, dump);
  find_missing_parts(parts, dump);
  dump.info.parts = static_cast<unsigned>(parts.size());
  for (Part& part : parts) {
    const auto before = stored->rank(part.start);
    const auto up_to = stored->rank(part.end);
    if (!before || !up_to) return in_part((before ? up_to : before).error(), files, *first.file);
    part.first_rank = *before;
    const std::string which = parts.size() > 1 ? " part " + part.file->name() : "";
    find_cut(part, *up_to - *before, which, dump);
    if (dump.info.compression.empty() || dump.info.compression == "none") {
      dump.info.compression = compression(part, *up_to - *before);
    }
    if (dump.vmcoreinfo.empty()) dump.vmcoreinfo = part.vmcoreinfo;
  }
  dump.memory = std::make_unique<KdumpMemory>(std::move(parts), *std::move(stored));
  return dump;
}

}  // namespace

extern const FormatDriver kdump{"kdump", sniff, open};

}  // namespace memsect
