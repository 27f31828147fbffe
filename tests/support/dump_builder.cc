#include "support/dump_builder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#ifdef MEMSECT_WITH_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef MEMSECT_WITH_SNAPPY
#include <snappy-c.h>
#endif
#ifdef MEMSECT_WITH_ZSTD
#include <zstd.h>
#endif

namespace memsect::test {
namespace {

std::size_t rounded_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

/// Bytes written one field after the other.
class Writer {
 public:
  explicit Writer(ByteOrder order) : order_(order) {}

  void number(std::uint64_t value, std::size_t size) {
    bytes.resize(bytes.size() + size);
    put_unsigned(bytes, bytes.size() - size, value, size, order_);
  }
  void u16(std::uint64_t value) { number(value, 2); }
  void u32(std::uint64_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void raw(Bytes more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
  void text(std::string_view text, std::size_t width) {
    raw(to_bytes(text.substr(0, width)));
    bytes.resize(bytes.size() + width - std::min(width, text.size()));
  }
  void pad_to(std::size_t unit) { bytes.resize(rounded_up(bytes.size(), unit)); }

  Buffer bytes;

 private:
  ByteOrder order_;
};

std::uint32_t flag_of(Codec codec) {
  switch (codec) {
    case Codec::zlib:
      return 1;
    case Codec::lzo:
      return 2;
    case Codec::snappy:
      return 4;
    case Codec::zstd:
      return 0x20;
  }
  return 0;
}

Buffer compress_zlib(Bytes bytes) {
  uLongf size = ::compressBound(bytes.size());
  Buffer out(size);
  ::compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
             bytes.size());
  out.resize(size);
  return out;
}

#ifdef MEMSECT_WITH_LZO
Buffer compress_lzo(Bytes bytes) {
  Buffer out(bytes.size() + bytes.size() / 16 + 64 + 3);
  Buffer work(LZO1X_1_MEM_COMPRESS);
  lzo_uint size = out.size();
  ::lzo1x_1_compress(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     reinterpret_cast<unsigned char*>(out.data()), &size, work.data());
  out.resize(size);
  return out;
}
#endif

#ifdef MEMSECT_WITH_SNAPPY
Buffer compress_snappy(Bytes bytes) {
  Buffer out(::snappy_max_compressed_length(bytes.size()));
  std::size_t size = out.size();
  ::snappy_compress(reinterpret_cast<const char*>(bytes.data()), bytes.size(),
                    reinterpret_cast<char*>(out.data()), &size);
  out.resize(size);
  return out;
}
#endif

#ifdef MEMSECT_WITH_ZSTD
Buffer compress_zstd(Bytes bytes) {
  Buffer out(::ZSTD_compressBound(bytes.size()));
  out.resize(::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
  return out;
}
#endif

struct NotePlace {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

Buffer kdump_header(const KdumpRecipe& recipe, std::uint64_t sub_header_blocks, std::uint64_t bitmap_blocks,
                    std::uint64_t max_pfn) {
  Writer header(recipe.order);
  header.text("KDUMP   ", 8);
  header.u32(recipe.version);
  for (const std::string_view text : {"Linux", "node", recipe.release.c_str(), "#1 SMP"})
    header.text(text, 65);
  header.text(recipe.machine, 65);
  header.text("(none)", 65);
  header.pad_to(recipe.word_bits / 8);
  header.number(0, recipe.word_bits / 8);  // timestamp
  header.number(0, recipe.word_bits / 8);
  header.u32(recipe.status);
  header.u32(recipe.block_size);
  header.u32(sub_header_blocks);
  header.u32(bitmap_blocks);
  header.u32(max_pfn);
  for (int i = 0; i < 4; ++i) header.u32(0);  // total_ram_blocks, device_blocks, written_blocks, current_cpu
  header.u32(1);                              // nr_cpus
  header.pad_to(recipe.block_size);
  return std::move(header.bytes);
}

/// The sub header's fields as far as its version knows them; behind them lies what older versions leave
/// there.
Buffer kdump_sub_header(const KdumpRecipe& recipe, NotePlace vmcoreinfo, NotePlace notes,
                        std::uint64_t max_pfn) {
  const bool split_in_64_bits = recipe.version >= 6;
  const std::size_t word = recipe.word_bits / 8;
  Writer sub(recipe.order);
  const auto offset_and_size = [&](NotePlace place) {
    sub.pad_to(word == 8 ? 8 : recipe.alignment);
    sub.u64(place.offset);
    sub.number(place.size, word);
  };
  sub.number(0x1000000, word);  // phys_base
  sub.u32(recipe.dump_level);
  if (recipe.version >= 2) {
    sub.u32(recipe.split);
    sub.number(split_in_64_bits ? 0 : recipe.start_pfn, word);
    sub.number(split_in_64_bits ? 0 : recipe.end_pfn, word);
  }
  if (recipe.version >= 3) offset_and_size(vmcoreinfo);
  if (recipe.version >= 4) offset_and_size(notes);
  if (recipe.version >= 5) offset_and_size({});  // eraseinfo
  if (recipe.version >= 6) {
    sub.pad_to(word == 8 ? 8 : recipe.alignment);
    sub.u64(recipe.start_pfn);
    sub.u64(recipe.end_pfn);
    sub.u64(max_pfn);
  }
  while (sub.bytes.size() < 104) sub.bytes.push_back(std::byte{0xee});
  return std::move(sub.bytes);
}

Buffer pack(const KdumpPage& page, std::uint32_t block_size) {
  Buffer bytes = page.bytes;
  bytes.resize(block_size);
  return page.codec ? compress(*page.codec, bytes) : bytes;
}

/// Whether the page has a descriptor in this file.
bool is_here(const KdumpRecipe& recipe, std::uint64_t pfn, const KdumpPage& page) {
  return page.kind == KdumpPage::Kind::stored &&
         (recipe.split == 0 || (pfn >= recipe.start_pfn && pfn < recipe.end_pfn));
}

/// Descriptors and, behind them, the data they point to.
void add_pages(const KdumpRecipe& recipe, Kdump& dump) {
  std::uint64_t stored = 0;
  for (const auto& [pfn, page] : recipe.pages) stored += is_here(recipe, pfn, page) ? 1 : 0;
  dump.data_at = dump.descriptors_at + stored * 24;
  Writer descriptors(recipe.order);
  Writer data(recipe.order);
  for (const auto& [pfn, page] : recipe.pages) {
    if (!is_here(recipe, pfn, page)) continue;
    const Buffer packed = page.packed ? *page.packed : pack(page, recipe.block_size);
    descriptors.u64(page.offset.value_or(dump.data_at + data.bytes.size()));
    descriptors.u32(page.size.value_or(static_cast<std::uint32_t>(packed.size())));
    descriptors.u32(page.flags.value_or(page.codec ? flag_of(*page.codec) : 0));
    descriptors.u64(0);  // page_flags
    data.raw(packed);
  }
  dump.bytes.insert(dump.bytes.end(), descriptors.bytes.begin(), descriptors.bytes.end());
  dump.bytes.insert(dump.bytes.end(), data.bytes.begin(), data.bytes.end());
}

struct ElfSizes {
  std::size_t word;
  std::size_t header;
  std::size_t program_header;
  std::size_t section_header;
  std::size_t section_info;
};
ElfSizes sizes_of(const ElfRecipe& recipe) {
  return recipe.elf_class == 1 ? ElfSizes{4, 52, 32, 40, 28} : ElfSizes{8, 64, 56, 64, 44};
}

Buffer elf_header(const ElfRecipe& recipe, std::uint64_t phoff, std::uint64_t shoff, std::uint64_t sections) {
  Writer header(recipe.order);
  header.raw(to_bytes("\177ELF"));
  header.number(recipe.elf_class, 1);
  header.number(recipe.order == ByteOrder::little ? 1 : 2, 1);
  header.number(1, 1);  // EV_CURRENT
  header.bytes.resize(16);
  header.u16(recipe.type);
  header.u16(recipe.machine);
  header.u32(1);
  const ElfSizes sizes = sizes_of(recipe);
  header.number(0, sizes.word);  // e_entry
  header.number(phoff, sizes.word);
  header.number(shoff, sizes.word);
  header.u32(0);
  header.u16(recipe.sections_first ? 8 : sizes.header);
  header.u16(sizes.program_header);
  header.u16(recipe.extended_count ? 0xffff : recipe.segments.size());
  header.u16(sizes.section_header);
  header.u16(sections);
  header.u16(0);
  return std::move(header.bytes);
}

}  // namespace

Buffer to_bytes(std::string_view text) {
  const Bytes bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Buffer page_of_text(std::string_view text, std::size_t size) {
  Buffer page(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t turn = text.empty() ? 0 : i / text.size() % 7;
    page[i] =
        text.empty() ? std::byte{} : static_cast<std::byte>(text[i % text.size()] ^ static_cast<char>(turn));
  }
  return page;
}

void put_unsigned(Buffer& buffer, std::size_t at, std::uint64_t value, std::size_t size, ByteOrder order) {
  for (std::size_t i = 0; i < size; ++i) {
    buffer.at(at + (order == ByteOrder::little ? i : size - 1 - i)) =
        i < sizeof(value) ? static_cast<std::byte>(value >> (8 * i)) : std::byte{};
  }
}

Buffer compress(Codec codec, Bytes bytes) {
  switch (codec) {
    case Codec::zlib:
      return compress_zlib(bytes);
#ifdef MEMSECT_WITH_LZO
    case Codec::lzo:
      return compress_lzo(bytes);
#endif
#ifdef MEMSECT_WITH_SNAPPY
    case Codec::snappy:
      return compress_snappy(bytes);
#endif
#ifdef MEMSECT_WITH_ZSTD
    case Codec::zstd:
      return compress_zstd(bytes);
#endif
    default:
      return {bytes.begin(), bytes.end()};
  }
}

KdumpPage stored_page(std::string_view text, std::optional<Codec> codec, std::size_t size) {
  KdumpPage page;
  page.bytes = page_of_text(text, size);
  page.codec = codec;
  return page;
}

KdumpPage excluded_page() {
  KdumpPage page;
  page.kind = KdumpPage::Kind::excluded;
  return page;
}

Kdump build_kdump(const KdumpRecipe& recipe) {
  const std::uint64_t block = recipe.block_size;
  const std::uint64_t max_pfn =
      recipe.max_pfn.value_or(recipe.pages.empty() ? 1 : recipe.pages.rbegin()->first + 1);
  const Buffer notes = recipe.vmcoreinfo_in_notes && !recipe.vmcoreinfo.empty()
                           ? elf_note("VMCOREINFO", 0, recipe.vmcoreinfo, recipe.order)
                           : Buffer{};
  // Behind the sub header's fields: the note, or the bare text.
  const std::string_view text = recipe.vmcoreinfo_in_notes ? std::string_view() : recipe.vmcoreinfo;
  const std::uint64_t extra_at = block + 104;
  const std::uint64_t extra_size = notes.size() + text.size();
  const NotePlace note_place = notes.empty() ? NotePlace{} : NotePlace{extra_at, notes.size()};
  const NotePlace text_place = text.empty() ? NotePlace{} : NotePlace{extra_at, text.size()};
  const std::uint64_t sub_header_blocks = rounded_up(104 + extra_size, block) / block;
  const std::uint64_t bitmap_size = rounded_up((max_pfn + 7) / 8, block);

  Kdump dump;
  dump.sub_header_at = block;
  dump.existing_at = (1 + sub_header_blocks) * block;
  dump.stored_at = dump.existing_at + bitmap_size;
  dump.descriptors_at = dump.stored_at + bitmap_size;
  dump.bytes = kdump_header(recipe, sub_header_blocks, 2 * bitmap_size / block, max_pfn);
  for (const Buffer& part :
       {kdump_sub_header(recipe, text_place, note_place, max_pfn), notes, to_bytes(text)}) {
    dump.bytes.insert(dump.bytes.end(), part.begin(), part.end());
  }
  dump.bytes.resize(dump.descriptors_at);
  for (const PhysRange& range : recipe.excluded) {
    for (std::uint64_t pfn = range.start.raw() / block; pfn < range.end().raw() / block; ++pfn) {
      if (pfn / 8 < bitmap_size)
        dump.bytes[dump.existing_at + pfn / 8] |= static_cast<std::byte>(1U << (pfn % 8));
    }
  }
  for (const auto& [pfn, page] : recipe.pages) {
    const auto bit = static_cast<std::byte>(1U << (pfn % 8));
    if (pfn / 8 >= bitmap_size) continue;
    dump.bytes[dump.existing_at + pfn / 8] |= bit;
    if (page.kind == KdumpPage::Kind::stored) dump.bytes[dump.stored_at + pfn / 8] |= bit;
  }
  add_pages(recipe, dump);
  return dump;
}

Buffer build_elf_core(const ElfRecipe& recipe) {
  const ElfSizes sizes = sizes_of(recipe);
  const bool has_section = recipe.sections_first || recipe.extended_count;
  // Two section headers come first: in 64 bits phoff is 192.
  const std::uint64_t phoff = sizes.header + (recipe.sections_first ? 2 * sizes.section_header : 0);
  const std::uint64_t headers_end = phoff + recipe.segments.size() * sizes.program_header;
  const std::uint64_t shoff = !has_section ? 0 : recipe.sections_first ? sizes.header : headers_end;
  const std::uint64_t data_at =
      headers_end + (has_section && !recipe.sections_first ? sizes.section_header : 0);

  Writer file(recipe.order);
  file.raw(elf_header(recipe, phoff, shoff, has_section ? 1 : 0));
  file.bytes.resize(phoff);
  Writer data(recipe.order);
  for (const ElfSegment& segment : recipe.segments) {
    const std::uint64_t file_size = segment.file_size.value_or(segment.bytes.size());
    file.u32(segment.type);
    if (sizes.word == 8) file.u32(7);  // p_flags
    file.number(segment.offset.value_or(data_at + data.bytes.size()), sizes.word);
    file.number(segment.virt, sizes.word);
    file.number(segment.phys, sizes.word);
    file.number(file_size, sizes.word);
    file.number(segment.memory_size.value_or(file_size), sizes.word);
    if (sizes.word == 4) file.u32(7);
    file.number(0, sizes.word);  // p_align
    data.raw(segment.bytes);
  }
  file.bytes.resize(data_at);
  if (has_section)
    put_unsigned(file.bytes, shoff + sizes.section_info, recipe.segments.size(), 4, recipe.order);
  file.raw(data.bytes);
  return std::move(file.bytes);
}

std::vector<Buffer> build_split_kdump(KdumpRecipe recipe, const std::vector<std::uint64_t>& starts) {
  std::vector<Buffer> parts;
  const std::uint64_t end =
      recipe.max_pfn.value_or(recipe.pages.empty() ? 1 : recipe.pages.rbegin()->first + 1);
  recipe.split = 1;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    recipe.start_pfn = starts[i];
    recipe.end_pfn = i + 1 < starts.size() ? starts[i + 1] : end;
    parts.push_back(build_kdump(recipe).bytes);
  }
  return parts;
}

Buffer build_flattened(const FlatRecipe& recipe) {
  Writer file(ByteOrder::big);
  file.text("makedumpfile", 16);
  file.u64(recipe.type);
  file.u64(recipe.version);
  file.pad_to(4096);
  for (const FlatRecord& record : recipe.records) {
    file.u64(record.offset);
    file.u64(record.size.value_or(record.bytes.size()));
    file.raw(record.bytes);
  }
  if (recipe.end_mark) {
    file.u64(~std::uint64_t{0});
    file.u64(~std::uint64_t{0});
  }
  return std::move(file.bytes);
}

FlatRecipe flat_recipe(Bytes dump, std::size_t size) {
  FlatRecipe recipe;
  for (std::size_t at = 0; at < dump.size(); at += size) {
    const Bytes part = dump.subspan(at, std::min(size, dump.size() - at));
    recipe.records.push_back({at, {part.begin(), part.end()}, std::nullopt});
  }
  return recipe;
}

Buffer elf_note(std::string_view name, std::uint32_t type, std::string_view description, ByteOrder order) {
  Writer note(order);
  note.u32(name.size() + 1);
  note.u32(description.size());
  note.u32(type);
  note.text(name, name.size() + 1);
  note.pad_to(4);
  note.raw(to_bytes(description));
  note.pad_to(4);
  return std::move(note.bytes);
}

ElfSegment load_segment(std::uint64_t phys, Buffer bytes) {
  ElfSegment segment;
  segment.phys = phys;
  segment.bytes = std::move(bytes);
  return segment;
}

ElfSegment note_segment(const Buffer& notes) {
  ElfSegment segment;
  segment.type = 4;
  segment.bytes = notes;
  segment.memory_size = 0;
  return segment;
}

TempFile::TempFile(Bytes bytes) {
  const char* folder = std::getenv("TMPDIR");
  path_ = std::string(folder != nullptr ? folder : "/tmp") + "/memsect-test-XXXXXX";
  const int descriptor = ::mkstemp(path_.data());
  while (descriptor >= 0 && !bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote <= 0) break;
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  if (descriptor < 0 || ::close(descriptor) != 0 || !bytes.empty()) {
    std::perror(path_.c_str());
    std::abort();  // a test cannot go on without its input
  }
}

TempFile::~TempFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

TempFile::TempFile(TempFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
TempFile& TempFile::operator=(TempFile&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempFile write_temp_file(Bytes bytes) { return TempFile(bytes); }

Result<Dump> open_dump(Bytes bytes) { return open_split_dump({Buffer(bytes.begin(), bytes.end())}); }

Result<Dump> open_split_dump(const std::vector<Buffer>& parts) {
  DumpParts files;
  const FormatDriver* first = nullptr;
  for (const Buffer& bytes : parts) {
    const TempFile temp(bytes);
    auto file = File::open(temp.path());  // stays readable after the name is gone
    if (!file) return std::move(file).error();
    auto format = sniff_format(**file);
    if (!format) return std::move(format).error();
    if (*format == nullptr) return Error{Errc::bad_format, "is no dump", {}};
    if (first == nullptr) first = *format;
    files.push_back(*std::move(file));
    if (first != *format) return refuse_parts(files).error();
  }
  return first->open(files);
}

}  // namespace memsect::test
