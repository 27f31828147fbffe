// Writes ELF cores; elf_core.cc draws them. One note, VMCOREINFO, and one PT_LOAD for each run of pages, its
// virtual address that of the direct map, where crash and drgn look first.
#include <fmt/format.h>

#include <algorithm>

#include "base/byte_writer.h"
#include "formats/dump_writer.h"
#include "formats/vmcoreinfo_note.h"

namespace memsect {
namespace {

constexpr std::uint16_t et_core = 4;
constexpr std::uint16_t pn_xnum = 0xffff;
constexpr std::uint64_t most_program_headers = std::uint64_t{1} << 21;  // what elf_core.cc reads
constexpr std::uint64_t header_size = 64;
constexpr std::uint64_t program_header_size = 56;
constexpr std::uint64_t section_header_size = 64;
constexpr std::uint32_t pt_load = 1;
constexpr std::uint32_t pt_note = 4;
constexpr std::uint32_t readable_writable_executable = 7;

struct Layout {
  std::uint64_t program_headers = 0;
  std::uint64_t notes_at = 0;
  std::uint64_t data_at = 0;
  bool extended() const { return program_headers >= pn_xnum; }
};

ByteWriter elf_header(const NewDump& dump, const Layout& layout) {
  ByteWriter header(dump.order);
  const char data = dump.order == ByteOrder::little ? 1 : 2;
  const std::string ident{'\177', 'E', 'L', 'F', 2, data, 1};
  header.text(ident, 16);
  header.u16(et_core);
  header.u16(dump.elf_machine);
  header.u32(1);
  header.u64(0);                                                                                   // e_entry
  header.u64(header_size);                                                                         // e_phoff
  header.u64(layout.extended() ? header_size + layout.program_headers * program_header_size : 0);  // e_shoff
  header.u32(0);                                                                                   // e_flags
  header.u16(header_size);
  header.u16(program_header_size);
  header.u16(layout.extended() ? pn_xnum : static_cast<std::uint16_t>(layout.program_headers));
  header.u16(section_header_size);
  header.u16(layout.extended() ? 1 : 0);
  header.u16(0);
  return header;
}

/// What a program header says of a run.
struct Segment {
  std::uint64_t offset = 0, virt = 0, phys = 0, size = 0;
};

void add_program_header(ByteWriter& headers, std::uint32_t type, const Segment& segment,
                        std::uint64_t align) {
  headers.u32(type);
  headers.u32(type == pt_load ? readable_writable_executable : 0);
  headers.u64(segment.offset);
  headers.u64(segment.virt);
  headers.u64(segment.phys);
  headers.u64(segment.size);
  headers.u64(segment.size);
  headers.u64(align);
}

/// Section header 0, which holds the number of program headers when e_phnum cannot.
void add_section_header(ByteWriter& headers, std::uint64_t program_headers) {
  for (int i = 0; i < 11; ++i) headers.u32(0);
  headers.u32(static_cast<std::uint32_t>(program_headers));  // sh_info
  for (int i = 0; i < 4; ++i) headers.u32(0);
}

Result<void> write_run(const NewDump& dump, const PageRun& run, std::uint64_t at, OutputFile& out) {
  constexpr std::uint64_t pages_at_once = 64;
  std::vector<std::byte> buffer(pages_at_once * dump.page_size);
  for (std::uint64_t done = 0; done < run.count; done += pages_at_once) {
    const std::uint64_t count = std::min(pages_at_once, run.count - done);
    const auto piece = std::span(buffer).first(count * dump.page_size);
    std::fill(piece.begin(), piece.end(), std::byte{});
    for (std::uint64_t i = 0; i < count; ++i) {
      auto read = dump.read_page(run.first + done + i, piece.subspan(i * dump.page_size, dump.page_size));
      if (!read) return read;
    }
    if (auto written = out.write(at + done * dump.page_size, piece); !written) return written;
  }
  return {};
}

/// One segment for each run and, for the part of it that the kernel image has, another one in front: drgn
/// finds the top page table through its virtual address there.
std::vector<Segment> list_segments(const NewDump& dump, const std::vector<PageRun>& stored) {
  std::vector<Segment> segments;
  std::uint64_t at = 0;
  for (const PageRun& run : stored) {
    const std::uint64_t phys = run.first.raw() * dump.page_size;
    const std::uint64_t size = run.count * dump.page_size;
    if (dump.image) {
      const std::uint64_t start = std::max(phys, dump.image->phys);
      const std::uint64_t end = std::min(phys + size, dump.image->phys + dump.image->size);
      if (start < end) {
        segments.push_back(
            {at + (start - phys), dump.image->virt + (start - dump.image->phys), start, end - start});
      }
    }
    segments.push_back({at, dump.direct_map ? *dump.direct_map + phys : 0, phys, size});
    at += size;
  }
  return segments;
}

}  // namespace

Result<void> write_elf_core(const NewDump& dump, OutputFile& out) {
  const ByteWriter note = make_vmcoreinfo_note(dump.vmcoreinfo, dump.order);
  std::vector<PageRun> stored;
  for (const PageRun& run : dump.runs) {
    if (run.state == PageRun::State::stored) stored.push_back(run);
  }
  const std::vector<Segment> segments = list_segments(dump, stored);
  Layout layout;
  layout.program_headers = 1 + segments.size();
  if (layout.program_headers > most_program_headers) {
    return Error{Errc::unsupported,
                 fmt::format("{} pieces of memory are more than an ELF core can well have", segments.size()),
                 "write kdump-compressed (--as kdump)"};
  }
  layout.notes_at = header_size + layout.program_headers * program_header_size +
                    (layout.extended() ? section_header_size : 0);
  layout.data_at = (layout.notes_at + note.size() + dump.page_size - 1) / dump.page_size * dump.page_size;

  ByteWriter headers = elf_header(dump, layout);
  add_program_header(headers, pt_note, {layout.notes_at, 0, 0, note.size()}, 4);
  for (Segment segment : segments) {
    segment.offset += layout.data_at;
    add_program_header(headers, pt_load, segment, dump.page_size);
  }
  if (layout.extended()) add_section_header(headers, layout.program_headers);
  headers.bytes(note.written());
  if (auto done = out.write(0, headers.written()); !done) return done;

  std::uint64_t at = layout.data_at;
  for (const PageRun& run : stored) {
    if (auto done = write_run(dump, run, at, out); !done) return done;
    at += run.count * dump.page_size;
  }
  return out.commit(at);
}

}  // namespace memsect
