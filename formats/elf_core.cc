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
// 32-bit headers (ELFCLASS32) are read so that the answer can be about the machine (formats/elf_headers.cc).
//
// Files of the wild that shaped this:
// - QEMU puts section headers first (e_phoff 192) and writes e_ehsize 8: only e_phoff is followed.
// - Segments overlap (the kernel image has one of its own in /proc/vmcore, QEMU -p writes one per mapping). A byte
//   comes from the first segment, in the order of the headers, that has it in the file; a segment that the file ends
//   before counts last, one that is only p_memsz never.
// - QEMU -p joins what is mapped in one stretch over several blocks of RAM, and states the first block's bytes only
//   (p_memsz > p_filesz). The rest is in the file, and no header says where, but for the pages that something else
//   maps too. What no header states is missing: it is never guessed.
// - Segments of /proc/kcore kind, virtual only, have p_paddr -1 and are left out.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "formats/elf_headers.h"
#include "formats/extents.h"
#include "formats/format.h"
#include "formats/vmcoreinfo_note.h"

namespace memsect {
namespace {

// One, in what is known; a crafted file must not have its notes walked a million times.
constexpr std::uint64_t most_note_segments = 16;
// Kept for their messages.
constexpr std::size_t most_tails = 1024;
// /proc/vmcore has one; QEMU -p, one for each stretch of modules and fixed mappings as well.
constexpr std::size_t most_phys_bases = 64;

struct FileRange {
  std::uint64_t offset = 0, size = 0;
};

/// What the program headers say, gathered in one pass.
struct Segments {
  std::vector<Extent> extents;           // ranked by the order of the headers, cut ones behind all others
  std::vector<std::uint64_t> distances;  // from address to offset, by an extent's source
  std::vector<PhysRange> tails;          // some that the machine had and the file has not
  std::string vmcoreinfo;
  std::vector<FileRange> notes;           // where they are
  std::vector<std::uint64_t> phys_bases;  // by segments of x86-64's kernel image
  std::uint64_t loads = 0;
  std::uint64_t without_address = 0;  // p_paddr -1
  std::uint64_t virtual_only = 0;     // p_paddr -1, or 0 with a virtual address
  std::uint64_t wrapping = 0;         // reach beyond 2^64
  std::uint64_t with_tail = 0;        // p_memsz > p_filesz
  bool truncated = false;
};

class ElfCoreMemory : public PhysicalMemory {
 public:
  ElfCoreMemory(std::shared_ptr<const ByteSource> file, Segments&& segments)
      : file_(std::move(file)),
        extents_(resolve_overlaps(std::move(segments.extents))),
        distances_(std::move(segments.distances)),
        tails_(std::move(segments.tails)) {}

  Result<std::vector<PhysRange>> ranges() const override {
    std::vector<PhysRange> ranges;
    for (const Extent& extent : extents_) {
      const std::uint64_t size = extent.end - extent.start;
      if (!ranges.empty() && ranges.back().end().raw() == extent.start) {
        ranges.back().size += size;
      } else {
        ranges.push_back({PhysAddr(extent.start), size});
      }
    }
    return ranges;
  }

  Result<View> view(PhysAddr at, std::size_t want) const override {
    const Extent* const extent = find_extent(extents_, at.raw());
    if (extent == nullptr) return missing(at);
    const std::uint64_t offset = at.raw() + distances_[extent->source];  // modulo 2^64
    if (offset >= file_->size()) {
      return Error{Errc::truncated,
                   fmt::format("physical address {:#x} belongs at offset {:#x}, and the file has {:#x} bytes",
                               at.raw(), offset, file_->size()),
                   {}};
    }
    return file_->view(offset,
                       static_cast<std::size_t>(std::min<std::uint64_t>(want, extent->end - at.raw())));
  }
  /// Segment by segment, so that large parts go past the file's cache.
  Result<void> read(PhysAddr at, std::span<std::byte> out) const override {
    while (!out.empty()) {
      const Extent* const extent = find_extent(extents_, at.raw());
      if (extent == nullptr) return missing(at);
      const auto part =
          out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), extent->end - at.raw())));
      if (!file_->read(at.raw() + distances_[extent->source], part)) {
        if (auto done = PhysicalMemory::read(at, part); !done) return done;  // says where it fails
      }
      at += part.size();
      out = out.subspan(part.size());
    }
    return {};
  }

  PhysAddr next_data(PhysAddr at) const override {
    auto extent = std::upper_bound(extents_.begin(), extents_.end(), at.raw(),
                                   [](std::uint64_t value, const Extent& one) { return value < one.end; });
    for (; extent != extents_.end(); ++extent) {
      const std::uint64_t from = std::max(at.raw(), extent->start);
      const std::uint64_t distance = distances_[extent->source];
      const std::uint64_t data = file_->next_data(from + distance);
      if (data < extent->end + distance && data < file_->size()) return PhysAddr(data - distance);
    }
    return PhysAddr(~std::uint64_t{0});
  }

 private:
  Error missing(PhysAddr at) const {
    for (const PhysRange& tail : tails_) {
      if (!tail.contains(at)) continue;
      return {Errc::not_in_dump,
              fmt::format("the machine had memory at physical address {:#x}, and no segment says where the "
                          "dump has it (p_memsz is larger than p_filesz)",
                          at.raw()),
              {}};
    }
    return {
        Errc::not_in_dump, fmt::format("no segment of the dump holds physical address {:#x}", at.raw()), {}};
  }

  std::shared_ptr<const ByteSource> file_;
  std::vector<Extent> extents_;           // sorted, disjoint
  std::vector<std::uint64_t> distances_;  // by their source
  std::vector<PhysRange> tails_;
};

/// Adds [start, end), a part of `entry`. `later` puts it behind all that is not.
void add_extent(const ElfProgramHeader& entry, std::uint64_t start, std::uint64_t end, bool later,
                Segments& segments) {
  if (start == end) return;
  const std::uint64_t distance = entry.offset - entry.phys;
  if (segments.distances.empty() || segments.distances.back() != distance)
    segments.distances.push_back(distance);
  const auto rank = static_cast<std::uint32_t>(segments.loads + (later ? most_program_headers : 0));
  segments.extents.push_back({start, end, rank, static_cast<std::uint32_t>(segments.distances.size() - 1)});
}

void add_load(const ElfProgramHeader& entry, std::uint64_t file_size, Segments& segments) {
  ++segments.loads;
  if (entry.phys == no_elf_address || (entry.phys == 0 && entry.virt != 0)) ++segments.virtual_only;
  if (entry.phys == no_elf_address) {
    ++segments.without_address;
    return;
  }
  if (entry.file_size > no_elf_address - entry.phys || entry.file_size > no_elf_address - entry.offset) {
    ++segments.wrapping;
    return;
  }
  constexpr std::uint64_t image_start = 0xffffffff80000000;  // x86-64's __START_KERNEL_map
  if (entry.virt >= image_start && segments.phys_bases.size() < most_phys_bases)
    segments.phys_bases.push_back(entry.phys - (entry.virt - image_start));
  const std::uint64_t end = entry.phys + entry.file_size;
  if (entry.memory_size > entry.file_size) {
    ++segments.with_tail;
    const std::uint64_t size = std::min(entry.memory_size - entry.file_size, no_elf_address - end);
    if (segments.tails.size() < most_tails) segments.tails.push_back({PhysAddr(end), size});
  }
  const std::uint64_t present = std::min(entry.file_size, file_size - std::min(file_size, entry.offset));
  add_extent(entry, entry.phys, entry.phys + present, false, segments);
  add_extent(entry, entry.phys + present, end, true, segments);
  if (present < entry.file_size) segments.truncated = true;
}

void add_notes(const ByteSource& file, const ElfHeader& header, const ElfProgramHeader& entry,
               Segments& segments, Notes& notes) {
  if (segments.notes.size() >= most_note_segments) return;
  segments.notes.push_back({entry.offset, entry.file_size});
  if (!segments.vmcoreinfo.empty()) return;
  auto texts = find_vmcoreinfo_notes(file, entry.offset, entry.file_size, header.order, 1);
  if (!texts) {
    notes.warn("the dump's notes cannot be read: " + texts.error().message);
  } else if (!texts->empty()) {
    segments.vmcoreinfo = std::move(texts->front());
  }
}

Result<Segments> read_segments(const ByteSource& file, const ElfHeader& header, Notes& notes) {
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

void describe(const Segments& segments, std::uint64_t file_size, Dump& dump) {
  if (segments.truncated) {
    dump.info.truncated = true;
    dump.notes.warn(fmt::format(
        "the dump is cut off: the file ends at {:#x}, before the memory its segments promise", file_size));
  }
  if (segments.wrapping > 0) {
    dump.notes.warn(fmt::format("{} of {} segments reach beyond the last address and are left out",
                                segments.wrapping, segments.loads));
  }
  if (segments.with_tail > 0) {
    dump.notes.note(
        fmt::format("{} of {} segments have less memory in the file (p_filesz) than the machine had "
                    "(p_memsz): filtered out, or never written",
                    segments.with_tail, segments.loads));
    dump.info.advice =
        "the dump leaves out memory that the machine had (p_memsz larger than p_filesz): if QEMU wrote it "
        "(dump-guest-memory -p), take it again without -p; if makedumpfile -E did, with a lower level";
  }
}

void add_note_readers(const std::shared_ptr<const ByteSource>& file, ByteOrder order,
                      const std::vector<FileRange>& ranges, Dump& dump) {
  dump.cpu_notes = [file, order, ranges] {
    std::vector<CpuNote> notes;
    for (const FileRange& range : ranges) find_cpu_notes(*file, range.offset, range.size, order, notes);
    return notes;
  };
  dump.vmcoreinfo_notes = [file, order, ranges] {
    std::vector<std::string> texts;
    for (const FileRange& range : ranges) {
      auto found =
          find_vmcoreinfo_notes(*file, range.offset, range.size, order, most_vmcoreinfo_notes - texts.size());
      if (found) std::move(found->begin(), found->end(), std::back_inserter(texts));
      if (texts.size() >= most_vmcoreinfo_notes) break;
    }
    return texts;
  };
}

Result<Dump> open(const DumpParts& parts) {
  if (auto single = refuse_parts(parts); !single) return std::move(single).error();
  const std::shared_ptr<const ByteSource>& file = parts.front();
  auto header = read_elf_header(*file);
  if (!header) return std::move(header).error();
  Dump dump;
  auto segments = read_segments(*file, *header, dump.notes);
  if (!segments) return std::move(segments).error();

  dump.info.format = "elf-core";
  dump.info.compression = "none";
  dump.info.elf_machine = header->machine;
  dump.info.order = header->order;
  dump.info.word_bits = static_cast<unsigned>(8 * header->elf.word);
  describe(*segments, file->size(), dump);
  dump.vmcoreinfo = std::move(segments->vmcoreinfo);
  if (!segments->notes.empty()) add_note_readers(file, header->order, segments->notes, dump);
  dump.phys_bases = std::move(segments->phys_bases);
  dump.memory = std::make_unique<ElfCoreMemory>(file, std::move(*segments));
  return dump;
}

}  // namespace

extern const FormatDriver elf_core{"elf-core", is_elf_core, open};

}  // namespace memsect
