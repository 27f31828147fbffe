// /proc/kcore, the running kernel's memory in the form of an ELF core file (fs/proc/kcore.c).
//
//   0        ELF header
//   64       program headers
//              PT_NOTE   registers, VMCOREINFO (v4.19)
//              PT_LOAD   kernel image, vmalloc, modules, RAM ranges, a vmemmap entry for each of these
//   ...      notes
//   D        D, the headers' size in whole pages, plus a function of the virtual address: the memory
//
// p_paddr is the physical address for RAM and the kernel image, and -1 for what is virtual only (v4.11;
// 464920104bf7 "/proc/kcore: update physical address for kcore ram and text"; 0 for all before).
//
// What is peculiar about it:
// - The list of segments is made anew when somebody opens the file after memory came or went. D may move
//   then, for every reader: an offset taken from the headers is good as long as their number is the same. So
//   the number is read again after each piece of memory, and one that has changed makes the piece `in_flux`.
// - What the kernel will not or cannot show reads as zeros: offline sections, PageOffline() and hwpoisoned
//   pages (v5.14, 0daa322b8ff9 "fs/proc/kcore: don't read offline sections, logically offline pages and
//   hwpoisoned pages"), unaccepted memory, pages that the kernel's tables do not map. Zeros of a whole page
//   are therefore believed only where sysfs calls the memory block online, before and after a second look at
//   the page. Balloon pages in an online block, poisoned and unaccepted ones are not told from zeros so: the
//   kernel has no metadata there.
// - Reads outside of every segment are zeros too, and not made.
// - The image's segment shows what was freed after boot as zeros (it has its own mapping), RAM shows what is
//   there now. So the direct map, told by the distance from virtual to physical address that most memory has,
//   comes first.
// - The bytes come through one page that the kernel keeps for each open file (file->private_data in
//   read_kcore(), read_kcore_iter()), without a lock: two threads that read through one descriptor get each
//   other's bytes. So one reads at a time.
// - vmemmap segments could show the struct pages of an offline block that hosts its own memmap
//   (memmap_on_memory), where RAM shows zeros. These struct pages mean nothing until the block is online, so
//   they are left out.
#include "formats/proc_kcore.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "formats/elf_headers.h"
#include "formats/extents.h"
#include "formats/vmcoreinfo_note.h"

namespace memsect {
namespace {

constexpr std::uint64_t largest_offset = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t largest_view = std::size_t{64} << 10;
constexpr std::uint64_t zero_unit = 4096;  // the kernel blanks whole pages, of this size or a multiple of it
constexpr unsigned cap_sys_rawio = 17;
constexpr long proc_magic = 0x9fa0;  // PROC_SUPER_MAGIC
constexpr int most_attempts = 8;     // at headers that change while they are read

std::string system_message(int number) { return std::generic_category().message(number); }

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

/// As many bytes at `offset` as there are, up to the size of `out`.
Result<std::size_t> read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(descriptor, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error{Errc::io,
                   fmt::format("the running kernel refuses to read at offset {:#x}: {}", offset + done,
                               system_message(errno)),
                   {}};
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// The text of a small file of sysfs or procfs without the line feed at its end; nothing where it cannot be
/// read.
std::optional<std::string> read_line_of(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return std::nullopt;
  std::array<std::byte, 4096> buffer;
  const auto got = read_at(file.number(), 0, buffer);
  if (!got) return std::nullopt;
  std::string text(reinterpret_cast<const char*>(buffer.data()), *got);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// /proc/kcore as bytes, past every cache. Its size is what the kernel claims at the moment, and of no use.
class KcoreFile final : public ByteSource {
 public:
  KcoreFile(std::string name, int descriptor) : name_(std::move(name)), descriptor_(descriptor) {}

  const std::string& name() const override { return name_; }
  std::uint64_t size() const override { return largest_offset; }
  Result<View> view(std::uint64_t offset, std::size_t want) const override {
    auto block = std::make_shared<std::vector<std::byte>>(std::min(want, largest_view));
    auto got = read_some(offset, *block);
    if (!got) return std::move(got).error();
    if (*got == 0) return Error{Errc::truncated, fmt::format("ends before offset {:#x}", offset), {}};
    return View{Bytes(*block).first(*got), block};
  }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset >= largest_offset) return std::size_t{0};
    const std::uint64_t most = std::min<std::uint64_t>(out.size(), largest_offset - offset);
    const std::lock_guard lock(reading_);
    return read_at(descriptor_.number(), offset, out.first(static_cast<std::size_t>(most)));
  }

 private:
  std::string name_;
  Descriptor descriptor_;
  mutable std::mutex reading_;
};

/// Which memory is online, as the kernel says under /sys/devices/system/memory.
class MemoryBlocks {
 public:
  explicit MemoryBlocks(const std::string& sysfs) : folder_(sysfs + "/devices/system/memory") {
    if (::access(folder_.c_str(), F_OK) != 0) {
      // A kernel without memory hot-plug has no such folder, and no memory that is offline.
      always_online_ = ::access((sysfs + "/devices/system").c_str(), F_OK) == 0;
      return;
    }
    const auto text = read_line_of(folder_ + "/block_size_bytes");
    const auto size = text ? parse_hex(*text) : std::nullopt;
    if (size && std::has_single_bit(*size)) block_size_ = *size;
  }

  /// Nothing when the block of `at` is online, else what to say of it. Asks each time: blocks come and go.
  std::optional<std::string> not_online(PhysAddr at) const {
    if (always_online_) return std::nullopt;
    if (block_size_ == 0) return fmt::format("{} does not say which memory is online", folder_);
    const std::uint64_t block = at.raw() / block_size_;
    const auto state = read_line_of(fmt::format("{}/memory{}/state", folder_, block));
    if (!state) return fmt::format("there is no memory block memory{}", block);
    if (*state == "online") return std::nullopt;
    return fmt::format("memory block memory{} is {}", block, *state);
  }

 private:
  std::string folder_;
  bool always_online_ = false;
  std::uint64_t block_size_ = 0;  // 0 when it is not known
};

bool all_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

/// What the program headers say.
struct Segments {
  std::vector<Extent> extents;           // by physical address
  std::vector<std::uint64_t> distances;  // from address to offset, by an extent's source
  std::string vmcoreinfo;
  std::uint64_t loads = 0;
  std::uint64_t at_zero = 0;   // p_paddr 0
  std::uint64_t placed = 0;    // p_paddr neither 0 nor -1
  std::uint64_t wrapping = 0;  // reach beyond what can be addressed
  std::string note_problem;    // empty for none
};

class KcoreMemory final : public PhysicalMemory {
 public:
  KcoreMemory(std::shared_ptr<const ByteSource> file, Segments&& segments, std::uint64_t program_headers,
              ByteOrder order, MemoryBlocks blocks)
      : file_(std::move(file)),
        extents_(resolve_overlaps(std::move(segments.extents))),
        distances_(std::move(segments.distances)),
        program_headers_(program_headers),
        order_(order),
        blocks_(std::move(blocks)) {}

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
    if (extent == nullptr) {
      return Error{
          Errc::not_in_dump,
          fmt::format("the running kernel has no memory at physical address {:#x} in /proc/kcore", at.raw()),
          {}};
    }
    const std::uint64_t most = std::min<std::uint64_t>({want, largest_view, extent->end - at.raw()});
    auto block = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(most));
    if (auto read = read_memory(*extent, at, *block); !read) return std::move(read).error();
    auto believed = believe(*extent, at, *block);
    if (!believed) return std::move(believed).error();
    return View{Bytes(*block).first(*believed), block};
  }

 private:
  /// Fills `out`, which lies within the extent.
  Result<void> read_memory(const Extent& extent, PhysAddr at, std::span<std::byte> out) const {
    auto got = file_->read_some(at.raw() + distances_[extent.source], out);
    if (!got) return std::move(got).error();
    if (*got != out.size()) {
      return Error{Errc::in_flux,
                   fmt::format("the running kernel gave {} of {} bytes at physical address {:#x}", *got,
                               out.size(), at.raw()),
                   {}};
    }
    return check_headers();
  }

  /// Fails when the headers are no longer as many as they were: offsets may have moved.
  Result<void> check_headers() const {
    std::array<std::byte, 2> count{};
    auto got = file_->read_some(program_header_count_at, count);
    if (!got) return std::move(got).error();
    if (*got == count.size() && load_unsigned(count, order_) == program_headers_) return {};
    return Error{Errc::in_flux, "memory came or went while the running kernel was read", "try again"};
  }

  /// How many of `bytes`, read at `at`, are what is in memory: up to the first page that shows as zeros and
  /// may not be.
  Result<std::size_t> believe(const Extent& extent, PhysAddr at, std::span<std::byte> bytes) const {
    for (std::size_t done = 0; done < bytes.size();) {
      const std::uint64_t page = (at.raw() + done) / zero_unit * zero_unit;
      const std::size_t in_page =
          std::min<std::size_t>(bytes.size() - done, page + zero_unit - (at.raw() + done));
      const auto part = bytes.subspan(done, in_page);
      if (all_zero(part)) {
        if (auto real = check_zeros(extent, page, at + done, part); !real) {
          if (done > 0) return done;
          return std::move(real).error();
        }
      }
      done += in_page;
    }
    return bytes.size();
  }

  /// Succeeds when the zeros of `part`, at `at` in the page that begins at `page`, are in memory. Reads `part` anew.
  Result<void> check_zeros(const Extent& extent, std::uint64_t page, PhysAddr at,
                           std::span<std::byte> part) const {
    auto reason = blocks_.not_online(at);
    const std::uint64_t start = std::max(page, extent.start);
    std::array<std::byte, zero_unit> buffer;
    const auto whole =
        std::span(buffer).first(static_cast<std::size_t>(std::min(page + zero_unit, extent.end) - start));
    if (auto read = read_memory(extent, PhysAddr(start), whole); !read) return std::move(read).error();
    const auto again = whole.subspan(static_cast<std::size_t>(at.raw() - start), part.size());
    std::copy(again.begin(), again.end(), part.begin());
    if (!all_zero(whole)) return {};
    if (!reason) reason = blocks_.not_online(at);
    if (!reason) return {};
    return Error{
        Errc::not_in_dump,
        fmt::format("physical address {:#x}: {}, and the running kernel shows no contents of offline "
                    "memory",
                    at.raw(), *reason),
        {}};
  }

  static constexpr std::uint64_t program_header_count_at = 56;  // e_phnum

  std::shared_ptr<const ByteSource> file_;
  std::vector<Extent> extents_;           // sorted, disjoint
  std::vector<std::uint64_t> distances_;  // by their source
  std::uint64_t program_headers_;
  ByteOrder order_;
  MemoryBlocks blocks_;
};

// ---- the program headers

/// The distance from virtual to physical address that most of the memory has: that of the direct map.
std::uint64_t direct_map_distance(const std::vector<ElfProgramHeader>& placed) {
  std::map<std::uint64_t, std::uint64_t> bytes;  // modulo 2^64, which does no harm among sound headers
  for (const ElfProgramHeader& entry : placed) bytes[entry.virt - entry.phys] += entry.file_size;
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? 0 : most->first;
}

void add_extents(const std::vector<ElfProgramHeader>& placed, Segments& segments) {
  const std::uint64_t direct = direct_map_distance(placed);
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const ElfProgramHeader& entry = placed[i];
    const bool later = entry.virt - entry.phys != direct;
    const auto rank = static_cast<std::uint32_t>(i + (later ? placed.size() : 0));
    segments.distances.push_back(entry.offset - entry.phys);
    segments.extents.push_back(
        {entry.phys, entry.phys + entry.file_size, rank, static_cast<std::uint32_t>(i)});
  }
}

Result<Segments> read_segments(const ByteSource& file, const ElfHeader& header) {
  Segments segments;
  std::vector<ElfProgramHeader> placed;
  for (std::uint64_t i = 0; i < header.program_headers; ++i) {
    auto entry = read_program_header(file, header, i);
    if (!entry) return std::move(entry).error();
    if (entry->type == pt_note && segments.vmcoreinfo.empty()) {
      auto texts = find_vmcoreinfo_notes(file, entry->offset, entry->file_size, header.order, 1);
      if (texts && !texts->empty()) segments.vmcoreinfo = std::move(texts->front());
      if (!texts) segments.note_problem = texts.error().message;
    }
    if (entry->type != pt_load) continue;
    ++segments.loads;
    if (entry->phys == no_elf_address) continue;
    ++(entry->phys == 0 ? segments.at_zero : segments.placed);
    if (entry->file_size > largest_offset || entry->offset > largest_offset - entry->file_size ||
        entry->phys > no_elf_address - entry->file_size) {
      ++segments.wrapping;
      continue;
    }
    if (entry->file_size > 0) placed.push_back(*entry);
  }
  if (segments.loads == 0) return Error{Errc::bad_format, "has no PT_LOAD segments", {}};
  // RAM can begin at 0, but then it is the only segment there.
  if (segments.placed == 0 && segments.at_zero != 1) {
    return Error{Errc::unsupported,
                 "does not give the physical addresses of memory, which it does from Linux 4.11 on",
                 "take a dump of this machine and name that"};
  }
  add_extents(placed, segments);
  return segments;
}

/// The bytes of all program headers, one look at the kernel's list.
Result<std::vector<std::byte>> raw_program_headers(const ByteSource& file, const ElfHeader& header) {
  std::vector<std::byte> bytes(header.program_headers * header.elf.program_header);
  auto got = file.read_some(header.program_headers_at, bytes);
  if (!got) return std::move(got).error();
  bytes.resize(*got);
  return bytes;
}

struct Headers {
  ElfHeader header;
  Segments segments;
};

/// The headers, such that they did not change while they were read.
Result<Headers> read_headers(const ByteSource& file) {
  for (int i = 0; i < most_attempts; ++i) {
    std::array<std::byte, elf_64.header> head{};
    auto got = file.read_some(0, head);
    if (!got) return std::move(got).error();
    if (!is_elf_core(std::span(head).first(*got)))
      return Error{Errc::bad_format, "is not an ELF core file", "name a dump"};
    auto header = read_elf_header(file);
    if (!header) return std::move(header).error();
    auto before = raw_program_headers(file, *header);
    if (!before) return std::move(before).error();
    auto segments = read_segments(file, *header);
    auto after = raw_program_headers(file, *header);
    if (!after) return std::move(after).error();
    std::array<std::byte, elf_64.header> head_after{};
    if (auto done = file.read_some(0, head_after); !done) return std::move(done).error();
    if (*before != *after || head != head_after) continue;
    if (!segments) return std::move(segments).error();
    return Headers{*header, std::move(*segments)};
  }
  return Error{Errc::in_flux, "memory comes and goes too quickly to be read", "try again"};
}

// ---- opening, and why it may fail

/// Whether this process has CAP_SYS_RAWIO, nothing when that cannot be found out.
std::optional<bool> has_rawio(const LiveSystem& system) {
  const auto status = read_line_of(system.process_status);
  const std::string_view key = "\nCapEff:\t";
  const std::size_t at = status ? status->find(key) : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  const auto set = parse_hex(std::string_view(*status).substr(at + key.size(), 16));
  if (!set) return std::nullopt;
  return (*set >> cap_sys_rawio & 1) != 0;
}

/// Why opening failed with EPERM, which is how fs/proc/kcore.c refuses (open_kcore).
Error refused(const LiveSystem& system) {
  // "none integrity [confidentiality]": LOCKDOWN_KCORE is a matter of confidentiality
  const auto lockdown = read_line_of(system.sysfs + "/kernel/security/lockdown");
  if (lockdown && lockdown->find("[confidentiality]") != std::string::npos) {
    return {Errc::io,
            "cannot be opened: the kernel is locked down for confidentiality, and shows its memory to nobody",
            "take a dump of this machine (kdump) and name that, or boot with lockdown=none"};
  }
  if (has_rawio(system) == false) {
    return {Errc::io, "cannot be opened: it takes the capability CAP_SYS_RAWIO, which this process lacks",
            "run as root outside of any container, or give the container that capability"};
  }
  return {Errc::io, "cannot be opened: " + system_message(EPERM),
          "it takes root with CAP_SYS_RAWIO and a kernel that is not locked down"};
}

Result<std::shared_ptr<const ByteSource>> open_file(const LiveSystem& system) {
  const int descriptor = ::open(system.kcore.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return explain_refusal(errno, system);
  auto file = std::make_shared<KcoreFile>(system.kcore, descriptor);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    return Error{Errc::io, "cannot be examined: " + system_message(errno), {}};
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{Errc::io, "is covered by something else, as containers do to hide the machine's memory",
                 "run memsect outside of the container, or name a dump"};
  }
  return std::shared_ptr<const ByteSource>(std::move(file));
}

void describe(const ElfHeader& header, const Segments& segments, Dump& dump) {
  dump.info.format = "proc-kcore";
  dump.info.live = true;
  dump.info.compression = "none";
  dump.info.elf_machine = header.machine;
  dump.info.order = header.order;
  dump.info.word_bits = static_cast<unsigned>(8 * header.elf.word);
  if (!segments.note_problem.empty()) {
    dump.notes.warn("the notes of /proc/kcore cannot be read: " + segments.note_problem);
  }
  if (segments.wrapping > 0) {
    dump.notes.warn(
        fmt::format("{} of {} segments of /proc/kcore reach beyond the last address and are left out",
                    segments.wrapping, segments.loads));
  }
}

}  // namespace

Error explain_refusal(int number, const LiveSystem& system) {
  if (number == EPERM) return refused(system);
  if (number == EACCES) {
    return {Errc::io, "cannot be opened: " + system_message(number),
            "the running kernel's memory is shown to root only: try again with sudo, or name a dump"};
  }
  if (number == ENOENT) {
    return {Errc::io,
            "is not there: the kernel is built without it (CONFIG_PROC_KCORE), or /proc is not mounted",
            "name a dump"};
  }
  return {Errc::io, "cannot be opened: " + system_message(number), {}};
}

bool is_proc_kcore(const std::string& path) {
  struct stat named {};
  struct stat own {};
  struct statfs system {};
  return ::stat(path.c_str(), &named) == 0 && ::stat("/proc/kcore", &own) == 0 &&
         ::statfs(path.c_str(), &system) == 0 && system.f_type == proc_magic && named.st_dev == own.st_dev &&
         named.st_ino == own.st_ino;
}

Result<Dump> open_proc_kcore(const LiveSystem& system) {
  auto file = open_file(system);
  if (!file) return std::move(file).error();
  auto headers = read_headers(**file);
  if (!headers) return std::move(headers).error();
  auto& [header, segments] = *headers;
  Dump dump;
  describe(header, segments, dump);
  dump.vmcoreinfo = std::move(segments.vmcoreinfo);
  dump.memory = std::make_unique<KcoreMemory>(*file, std::move(segments), header.program_headers,
                                              header.order, MemoryBlocks(system.sysfs));
  return dump;
}

}  // namespace memsect
