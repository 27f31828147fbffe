// ELF core files of whole machines: /proc/vmcore copied as it is, makedumpfile -E, QEMU's dump-guest-memory,
// virsh.
//
//   0        ELF header     e_type ET_CORE; e_phoff says where the program headers are
//   e_phoff  program headers
//              PT_NOTE      registers of each CPU, and the kernel's note VMCOREINFO
//              PT_LOAD      p_filesz bytes at p_offset are physical memory from p_paddr on; p_memsz - p_filesz more
//                           belong to the machine and are not in the file
//   ...      notes, memory
//
// Files of the wild that shaped this:
// - QEMU puts section headers first (e_phoff 192) and writes e_ehsize 8: only e_phoff is followed.
// - With more than 65,534 program headers e_phnum is PN_XNUM and section header 0's sh_info holds their number.
// - Segments overlap (the kernel image has one of its own in /proc/vmcore, QEMU -p writes one per mapping). A byte
//   comes from the first segment, in the order of the headers, that has it in the file; a segment that the file ends
//   before counts last, one that is only p_memsz never.
// - Segments of /proc/kcore kind, virtual only, have p_paddr -1 and are left out.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <queue>
#include <string_view>

#include "base/byte_reader.h"
#include "formats/format.h"
#include "formats/vmcoreinfo_note.h"

namespace memsect {
namespace {

constexpr std::string_view elf_magic = "\177ELF";
constexpr std::size_t class_at = 4;  // EI_CLASS: 1 for 32-bit, 2 for 64-bit
constexpr std::size_t data_at = 5;   // EI_DATA: 1 for little-endian, 2 for big-endian
constexpr std::size_t type_at = 16;
constexpr std::uint16_t et_core = 4;
constexpr std::uint64_t header_size = 64;
constexpr std::uint64_t program_header_size = 56;
constexpr std::uint16_t pn_xnum = 0xffff;
constexpr std::uint64_t section_info_at = 44;  // sh_info in a section header
constexpr std::uint32_t pt_load = 1;
constexpr std::uint32_t pt_note = 4;
constexpr std::uint64_t no_address = std::numeric_limits<std::uint64_t>::max();
// A terabyte filtered into a segment every 256 pages; also bounds the memory a crafted file can claim.
constexpr std::uint64_t most_program_headers = std::uint64_t{1} << 22;
// One, in what is known; a crafted file must not have its notes walked a million times.
constexpr std::uint64_t most_note_segments = 16;

std::optional<ByteOrder> order_of(std::byte data) {
  if (data == std::byte{1}) return ByteOrder::little;
  if (data == std::byte{2}) return ByteOrder::big;
  return std::nullopt;
}

bool sniff(std::span<const std::byte> head) {
  if (head.size() < type_at + 2 || std::memcmp(head.data(), elf_magic.data(), elf_magic.size()) != 0)
    return false;
  const auto order = order_of(head[data_at]);
  return order && load_unsigned(head.subspan(type_at, 2), *order) == et_core;
}

struct Header {
  ByteOrder order = ByteOrder::little;
  std::uint16_t machine = 0;
  std::uint64_t program_headers_at = 0;
  std::uint64_t program_headers = 0;
};

struct ProgramHeader {
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t virt = 0;
  std::uint64_t phys = 0;
  std::uint64_t file_size = 0;
  std::uint64_t memory_size = 0;
};

/// The number of program headers when e_phnum cannot hold it.
Result<std::uint64_t> extended_count(const File& file, std::uint64_t section_headers_at, ByteOrder order) {
  std::array<std::byte, 4> info{};
  if (section_headers_at > file.size()) {
    return Error{Errc::truncated,
                 fmt::format("e_phnum is PN_XNUM and section header 0 at {:#x} is beyond the end of the file",
                             section_headers_at),
                 {}};
  }
  if (auto read = file.read(section_headers_at + section_info_at, info); !read) {
    return std::move(read).error().within("section header 0");
  }
  return load_unsigned(info, order);
}

Result<Header> read_header(const File& file) {
  std::array<std::byte, header_size> bytes{};
  if (auto read = file.read(0, bytes); !read) return std::move(read).error().within("ELF header");
  if (bytes[class_at] != std::byte{2}) {
    return Error{Errc::unsupported, "is the dump of a 32-bit machine (ELFCLASS32); 64-bit ones are read", {}};
  }
  Header header;
  header.order = order_of(bytes[data_at]).value_or(ByteOrder::little);
  ByteReader reader(bytes, header.order);
  reader.seek(type_at + 2);
  header.machine = reader.u16();
  reader.skip(4 + 8);  // e_version, e_entry
  header.program_headers_at = reader.u64();
  const std::uint64_t section_headers_at = reader.u64();
  reader.skip(4 + 2);  // e_flags, e_ehsize
  const std::uint16_t entry_size = reader.u16();
  header.program_headers = reader.u16();
  if (entry_size != program_header_size) {
    return Error{Errc::bad_format,
                 fmt::format("ELF header: e_phentsize is {} instead of {}", entry_size, program_header_size),
                 {}};
  }
  if (header.program_headers == pn_xnum) {
    auto count = extended_count(file, section_headers_at, header.order);
    if (!count) return std::move(count).error();
    header.program_headers = *count;
  }
  if (header.program_headers > most_program_headers) {
    return Error{
        Errc::bad_format,
        fmt::format("ELF header: {} program headers are more than any dump has", header.program_headers),
        {}};
  }
  if (header.program_headers_at > file.size() ||
      header.program_headers > (file.size() - header.program_headers_at) / program_header_size) {
    return Error{
        Errc::truncated,
        fmt::format(
            "ELF header: {} program headers at offset {:#x} reach beyond the end of the file ({:#x} bytes)",
            header.program_headers, header.program_headers_at, file.size()),
        {}};
  }
  return header;
}

Result<ProgramHeader> read_program_header(const File& file, const Header& header, std::uint64_t index) {
  std::array<std::byte, program_header_size> bytes{};
  if (auto read = file.read(header.program_headers_at + index * program_header_size, bytes); !read) {
    return std::move(read).error().within(fmt::format("program header {}", index));
  }
  ByteReader reader(bytes, header.order);
  ProgramHeader entry;
  entry.type = reader.u32();
  reader.skip(4);  // p_flags
  entry.offset = reader.u64();
  entry.virt = reader.u64();
  entry.phys = reader.u64();
  entry.file_size = reader.u64();
  entry.memory_size = reader.u64();
  return entry;
}

/// Physical [start, end) stored from `offset` on; `cut` when the file ends before it.
struct Extent {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  bool cut = false;
};

/// Makes overlapping extents disjoint and sorted. Where several cover a byte, the first that is not cut wins,
/// and where all are cut, the first. A sweep over the start addresses; what covers the current one waits in a
/// heap:
///
///   0: |-------------|                        0: |-------------|
///   1:        |------------|          ->      1:                |-----|
///   2:    |xxxxxxxxxxxxxxxxxxxx| (cut)        2:                       |xxxx|
std::vector<Extent> resolve_overlaps(std::vector<Extent> extents) {
  struct Waiting {
    Extent extent;
    std::size_t order = 0;
    bool operator<(const Waiting& other) const {  // the greatest is served first
      return extent.cut != other.extent.cut ? extent.cut : order > other.order;
    }
  };
  std::vector<Waiting> by_start;
  by_start.reserve(extents.size());
  for (const Extent& extent : extents) by_start.push_back({extent, by_start.size()});
  std::sort(by_start.begin(), by_start.end(),
            [](const Waiting& a, const Waiting& b) { return a.extent.start < b.extent.start; });

  extents.clear();
  std::priority_queue<Waiting> covering;
  std::uint64_t at = 0;
  for (std::size_t next = 0; next < by_start.size() || !covering.empty();) {
    if (covering.empty()) at = std::max(at, by_start[next].extent.start);
    while (next < by_start.size() && by_start[next].extent.start <= at) covering.push(by_start[next++]);
    while (!covering.empty() && covering.top().extent.end <= at) covering.pop();
    if (covering.empty()) continue;
    const Extent& source = covering.top().extent;
    const std::uint64_t end =
        next < by_start.size() ? std::min(source.end, by_start[next].extent.start) : source.end;
    const std::uint64_t offset = source.offset + (at - source.start);
    Extent* const last = extents.empty() ? nullptr : &extents.back();
    if (last != nullptr && last->end == at && last->cut == source.cut &&
        last->offset + (at - last->start) == offset) {
      last->end = end;
    } else {
      extents.push_back({at, end, offset, source.cut});
    }
    at = end;
  }
  return extents;
}

class ElfCoreMemory : public PhysicalMemory {
 public:
  /// `extents` are sorted and disjoint.
  ElfCoreMemory(std::shared_ptr<const File> file, std::vector<Extent> extents)
      : file_(std::move(file)), extents_(std::move(extents)) {
    for (const Extent& extent : extents_) {
      const std::uint64_t size = extent.end - extent.start;
      if (!ranges_.empty() && ranges_.back().end().raw() == extent.start) {
        ranges_.back().size += size;
      } else {
        ranges_.push_back({PhysAddr(extent.start), size});
      }
    }
  }

  std::span<const PhysRange> ranges() const override { return ranges_; }

  Result<View> view(PhysAddr at, std::size_t want) const override {
    const auto after =
        std::upper_bound(extents_.begin(), extents_.end(), at.raw(),
                         [](std::uint64_t value, const Extent& extent) { return value < extent.start; });
    if (after == extents_.begin() || std::prev(after)->end <= at.raw()) {
      return Error{Errc::not_in_dump,
                   fmt::format("no segment of the dump holds physical address {:#x}", at.raw()),
                   {}};
    }
    const Extent& extent = *std::prev(after);
    const std::uint64_t offset = extent.offset + (at.raw() - extent.start);
    if (extent.cut) {
      return Error{Errc::truncated,
                   fmt::format("physical address {:#x} belongs at offset {:#x}, and the file has {:#x} bytes",
                               at.raw(), offset, file_->size()),
                   {}};
    }
    return file_->view(offset,
                       static_cast<std::size_t>(std::min<std::uint64_t>(want, extent.end - at.raw())));
  }

 private:
  std::shared_ptr<const File> file_;
  std::vector<Extent> extents_;
  std::vector<PhysRange> ranges_;
};

/// What the program headers say, gathered in one pass.
struct Segments {
  std::vector<Extent> extents;
  std::string vmcoreinfo;
  std::uint64_t loads = 0;
  std::uint64_t note_segments = 0;
  std::uint64_t without_address = 0;  // p_paddr -1
  std::uint64_t virtual_only = 0;     // p_paddr -1, or 0 with a virtual address
  std::uint64_t wrapping = 0;         // reach beyond 2^64
  std::uint64_t with_tail = 0;        // p_memsz > p_filesz
  bool truncated = false;
};

void add_load(const ProgramHeader& entry, std::uint64_t file_size, Segments& segments) {
  ++segments.loads;
  if (entry.phys == no_address || (entry.phys == 0 && entry.virt != 0)) ++segments.virtual_only;
  if (entry.phys == no_address) {
    ++segments.without_address;
    return;
  }
  if (entry.memory_size > entry.file_size) ++segments.with_tail;
  if (entry.file_size > no_address - entry.phys || entry.file_size > no_address - entry.offset) {
    ++segments.wrapping;
    return;
  }
  const std::uint64_t present = std::min(entry.file_size, file_size - std::min(file_size, entry.offset));
  const std::uint64_t middle = entry.phys + present;
  if (present > 0) segments.extents.push_back({entry.phys, middle, entry.offset, false});
  if (present == entry.file_size) return;
  segments.extents.push_back({middle, entry.phys + entry.file_size, entry.offset + present, true});
  segments.truncated = true;
}

void add_notes(const File& file, const Header& header, const ProgramHeader& entry, Segments& segments,
               Notes& notes) {
  if (!segments.vmcoreinfo.empty() || segments.note_segments++ >= most_note_segments) return;
  auto text = find_vmcoreinfo_note(file, entry.offset, entry.file_size, header.order);
  if (text) {
    segments.vmcoreinfo = std::move(*text);
  } else {
    notes.warn("the dump's notes cannot be read: " + text.error().message);
  }
}

Result<Segments> read_segments(const File& file, const Header& header, Notes& notes) {
  Segments segments;
  for (std::uint64_t i = 0; i < header.program_headers; ++i) {
    auto entry = read_program_header(file, header, i);
    if (!entry) return std::move(entry).error();
    if (entry->type == pt_load) add_load(*entry, file.size(), segments);
    if (entry->type == pt_note) add_notes(file, header, *entry, segments, notes);
  }
  if (segments.loads == 0) return Error{Errc::bad_format, "is an ELF core file without PT_LOAD segments", {}};
  // One segment at 0 can be real; several at once cannot.
  if (segments.without_address == segments.loads ||
      (segments.loads > 1 && segments.virtual_only == segments.loads)) {
    return Error{Errc::bad_format,
                 "is an ELF core file without physical addresses: of a process, not of a machine",
                 {}};
  }
  return segments;
}

void describe(const Segments& segments, std::uint64_t file_size, Notes& notes) {
  if (segments.truncated) {
    notes.warn(fmt::format(
        "the dump is cut off: the file ends at {:#x}, before the memory its segments promise", file_size));
  }
  if (segments.wrapping > 0) {
    notes.warn(fmt::format("{} of {} segments reach beyond the last address and are left out",
                           segments.wrapping, segments.loads));
  }
  if (segments.with_tail > 0) {
    notes.note(
        fmt::format("{} of {} segments have less memory in the file (p_filesz) than the machine had "
                    "(p_memsz): filtered out, or never written",
                    segments.with_tail, segments.loads));
  }
}

Result<Dump> open(std::shared_ptr<const File> file) {
  auto header = read_header(*file);
  if (!header) return std::move(header).error();
  Dump dump;
  auto segments = read_segments(*file, *header, dump.notes);
  if (!segments) return std::move(segments).error();
  describe(*segments, file->size(), dump.notes);

  dump.vmcoreinfo = std::move(segments->vmcoreinfo);
  dump.info.format = "elf-core";
  dump.info.compression = "none";
  dump.info.truncated = segments->truncated;
  dump.info.elf_machine = header->machine;
  dump.info.order = header->order;
  dump.memory =
      std::make_unique<ElfCoreMemory>(std::move(file), resolve_overlaps(std::move(segments->extents)));
  return dump;
}

}  // namespace

extern const FormatDriver elf_core{"elf-core", sniff, open};

}  // namespace memsect
