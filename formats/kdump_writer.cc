// Writes kdump-compressed files; kdump.cc draws them. Behind the sub header lies one ELF note, VMCOREINFO,
// and the sub header points both at the note and at the text in it, as makedumpfile does.
//
// Bitmaps and descriptors have their places before a page is compressed, so one pass over the pages is
// enough. A page of zeros is written once, and all descriptors of such pages point there.
#include <fmt/format.h>

#include <algorithm>

#include "base/byte_writer.h"
#include "formats/codec.h"
#include "formats/dump_writer.h"
#include "formats/kdump_header.h"
#include "formats/vmcoreinfo_note.h"

namespace memsect {
namespace {

constexpr std::uint32_t header_version = 6;
constexpr std::uint32_t flag_zlib = 0x1;
constexpr std::uint32_t every_filter = 31;  // makedumpfile -d 31: an extract holds less than that
constexpr std::size_t sub_header_size = 104;
constexpr std::size_t utsname_width = 65;
constexpr std::uint64_t descriptor_size = 24;

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

struct Layout {
  std::uint64_t sub_header_blocks = 0;
  std::uint64_t bitmap_blocks = 0;  // of one
  std::uint64_t max_pfn = 0;
  std::uint64_t stored_pages = 0;
  std::uint64_t existing_at = 0;
  std::uint64_t stored_at = 0;
  std::uint64_t descriptors_at = 0;
  std::uint64_t data_at = 0;
};

Layout lay_out(const NewDump& dump) {
  const std::uint64_t block = dump.page_size;
  const std::uint64_t note_size = make_vmcoreinfo_note(dump.vmcoreinfo, dump.order).size();
  Layout layout;
  layout.sub_header_blocks = rounded_up(sub_header_size + note_size, block) / block;
  for (const PageRun& run : dump.runs) {
    layout.max_pfn = std::max(layout.max_pfn, (run.first + run.count).raw());
    if (run.state != PageRun::State::filtered) layout.stored_pages += run.count;
  }
  layout.bitmap_blocks = rounded_up((layout.max_pfn + 7) / 8, block) / block;
  layout.existing_at = (1 + layout.sub_header_blocks) * block;
  layout.stored_at = layout.existing_at + layout.bitmap_blocks * block;
  layout.descriptors_at = layout.stored_at + layout.bitmap_blocks * block;
  layout.data_at = layout.descriptors_at + layout.stored_pages * descriptor_size;
  return layout;
}

Result<void> write_header(const NewDump& dump, const Layout& layout, OutputFile& out) {
  ByteWriter header(dump.order);
  header.bytes(std::as_bytes(std::span(std::string_view("KDUMP   "))));
  header.u32(header_version);
  for (const std::string_view text :
       {std::string_view("Linux"), std::string_view("(none)"), std::string_view(dump.release),
        kdump_extract_version, std::string_view(dump.machine), std::string_view("(none)")}) {
    header.text(text, utsname_width);
  }
  header.align(8);
  header.u64(0);  // timestamp
  header.u64(0);
  header.u32(flag_zlib);
  header.u32(static_cast<std::uint32_t>(dump.page_size));
  header.u32(static_cast<std::uint32_t>(layout.sub_header_blocks));
  header.u32(static_cast<std::uint32_t>(2 * layout.bitmap_blocks));
  header.u32(static_cast<std::uint32_t>(layout.max_pfn));
  for (int i = 0; i < 4; ++i) header.u32(0);  // total_ram_blocks, device_blocks, written_blocks, current_cpu
  header.u32(1);                              // nr_cpus: readers divide by it or allocate as many
  return out.write(0, header.written());
}

Result<void> write_sub_header(const NewDump& dump, const Layout& layout, OutputFile& out) {
  const ByteWriter note = make_vmcoreinfo_note(dump.vmcoreinfo, dump.order);
  const std::uint64_t note_at = dump.page_size + sub_header_size;
  const std::uint64_t text_at = note_at + vmcoreinfo_text_at;
  ByteWriter sub(dump.order);
  sub.u64(0);  // phys_base: VMCOREINFO has it
  sub.u32(every_filter);
  sub.u32(0);  // split
  sub.u64(0);  // start_pfn, end_pfn in 32 bits
  sub.u64(0);
  sub.u64(text_at);
  sub.u64(dump.vmcoreinfo.size());
  sub.u64(note_at);
  sub.u64(note.size());
  sub.u64(0);  // eraseinfo
  sub.u64(0);
  sub.u64(0);  // start_pfn, end_pfn
  sub.u64(0);
  sub.u64(layout.max_pfn);
  sub.bytes(note.written());
  return out.write(dump.page_size, sub.written());
}

/// Sets the bits of `runs` that `wanted` picks, a piece of the bitmap at a time.
template <class Wanted>
Result<void> write_bitmap(const std::vector<PageRun>& runs, std::uint64_t at, OutputFile& out,
                          const Wanted& wanted) {
  constexpr std::uint64_t piece_bits = std::uint64_t{8} << 20;
  std::vector<std::byte> piece;
  std::uint64_t piece_start = 0;
  const auto flush = [&]() -> Result<void> {
    Result<void> done = piece.empty() ? Result<void>() : out.write(at + piece_start / 8, piece);
    piece.clear();
    return done;
  };
  for (const PageRun& run : runs) {
    if (!wanted(run.state)) continue;
    const std::uint64_t end = (run.first + run.count).raw();
    for (std::uint64_t pfn = run.first.raw(); pfn < end;) {
      if (piece.empty() || pfn - piece_start >= piece_bits) {
        if (auto done = flush(); !done) return done;
        piece_start = pfn / 8 * 8;
      }
      const std::uint64_t byte = (pfn - piece_start) / 8;
      if (byte >= piece.size()) piece.resize(byte + 1);
      const bool whole_byte = pfn % 8 == 0 && end - pfn >= 8;
      piece[byte] |= static_cast<std::byte>(whole_byte ? 0xffU : 1U << (pfn % 8));
      pfn += whole_byte ? 8 : 1;
    }
  }
  return flush();
}

/// Descriptors and data, both front to back. Descriptors are gathered and written in pieces.
class PageWriter {
 public:
  PageWriter(const NewDump& dump, const Layout& layout, OutputFile& out)
      : dump_(dump),
        out_(out),
        page_(dump.page_size),
        descriptors_(dump.order),
        descriptors_at_(layout.descriptors_at),
        data_at_(layout.data_at) {}

  Result<void> write_stored(Pfn pfn) {
    std::fill(page_.begin(), page_.end(), std::byte{});
    if (auto read = dump_.read_page(pfn, page_); !read) return read;
    const bool zero = std::all_of(page_.begin(), page_.end(), [](std::byte b) { return b == std::byte{}; });
    if (zero && zero_at_) return describe(*zero_at_, zero_size_, zero_flags_);
    auto packed = compress_zlib(page_);
    if (!packed) return std::move(packed).error();
    const bool raw = packed->size() >= page_.size();
    const Bytes bytes = raw ? Bytes(page_) : Bytes(*packed);
    const std::uint64_t at = data_at_;
    if (auto done = out_.write(at, bytes); !done) return done;
    data_at_ += bytes.size();
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const std::uint32_t flags = raw ? 0 : flag_zlib;
    if (zero) {
      zero_at_ = at;
      zero_size_ = size;
      zero_flags_ = flags;
    }
    return describe(at, size, flags);
  }
  /// As makedumpfile leaves a page that did not fit on the disk.
  Result<void> write_lost() { return describe(0, 0, 0); }
  /// Writes what is left and returns the end of the file.
  Result<std::uint64_t> finish() {
    if (auto done = flush(); !done) return std::move(done).error();
    return data_at_;
  }

 private:
  Result<void> describe(std::uint64_t at, std::uint32_t size, std::uint32_t flags) {
    constexpr std::size_t many = std::size_t{1} << 20;
    descriptors_.u64(at);
    descriptors_.u32(size);
    descriptors_.u32(flags);
    descriptors_.u64(0);  // page_flags
    return descriptors_.size() < many ? Result<void>() : flush();
  }
  Result<void> flush() {
    auto done = out_.write(descriptors_at_, descriptors_.written());
    descriptors_at_ += descriptors_.size();
    descriptors_ = ByteWriter(dump_.order);
    return done;
  }

  const NewDump& dump_;
  OutputFile& out_;
  std::vector<std::byte> page_;
  ByteWriter descriptors_;
  std::uint64_t descriptors_at_;
  std::uint64_t data_at_;
  std::optional<std::uint64_t> zero_at_;  ///< where the one page of zeros is
  std::uint32_t zero_size_ = 0;
  std::uint32_t zero_flags_ = 0;
};

}  // namespace

Result<void> write_kdump(const NewDump& dump, OutputFile& out) {
  const Layout layout = lay_out(dump);
  if (auto done = write_header(dump, layout, out); !done) return done;
  if (auto done = write_sub_header(dump, layout, out); !done) return done;
  const auto any = [](PageRun::State) { return true; };
  const auto stored = [](PageRun::State state) { return state != PageRun::State::filtered; };
  if (auto done = write_bitmap(dump.runs, layout.existing_at, out, any); !done) return done;
  if (auto done = write_bitmap(dump.runs, layout.stored_at, out, stored); !done) return done;
  PageWriter pages(dump, layout, out);
  for (const PageRun& run : dump.runs) {
    if (run.state == PageRun::State::filtered) continue;
    for (std::uint64_t i = 0; i < run.count; ++i) {
      const bool lost = run.state == PageRun::State::lost;
      if (auto done = lost ? pages.write_lost() : pages.write_stored(run.first + i); !done) return done;
    }
  }
  auto end = pages.finish();
  if (!end) return std::move(end).error();
  return out.commit(*end);
}

}  // namespace memsect
