// The kernel writes VMCOREINFO at boot, into a page of its own (vmcoreinfo_data), and once more behind the head of an
// ELF note, for a crash (vmcoreinfo_note). Linux 203e9e41219b ("kexec: move vmcoreinfo out of the kernel's .bss
// section") (v4.13) made pages of both; before, they were anywhere.
//
//   page 1   OSRELEASE=6.1.0-13-amd64 LF  BUILD-ID=...  LF  PAGESIZE=4096 LF ... NUL
//   page 2   u32 11, u32 length, u32 0, "VMCOREINFO" NUL NUL   OSRELEASE=...
//
// Only the first bytes of each page are looked at, which of a compressed dump costs the whole page. There can be texts of
// several kernels: one that was rebooted or left by kexec lies untouched in memory that is free now, and a crash kernel
// runs beside the crashed one. Which of them is meant is for others to say (kernel/which_kernel.h); here they are found.
#include "memory/find_vmcoreinfo.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace memsect {
namespace {

constexpr std::uint64_t page_size = 4096;  // larger pages begin at multiples of it, too
constexpr std::size_t longest_text = std::size_t{64}
                                     << 10;  // one page of the machine, whose size is in the text
constexpr std::string_view first_key = "OSRELEASE=";
constexpr std::string_view note_name = "VMCOREINFO";
constexpr std::size_t note_name_at = 12;
constexpr std::size_t note_text_at = 24;
constexpr std::size_t head_size = note_text_at + first_key.size();
constexpr std::uint64_t pages_between_looks_at_the_clock = 1024;
constexpr std::uint64_t pages_between_looks_for_holes = 16;
/// Texts that differ. A machine has one or two; a file made to keep us busy may have a million.
constexpr std::size_t most_texts = 64;
constexpr std::size_t most_places = 32;  ///< of one text that are told
constexpr std::size_t most_crash_headers = 64;

/// Where in the page a text may begin, by the page's first bytes.
std::optional<std::size_t> text_in_page(Bytes head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.starts_with(first_key)) return 0;
  if (text.size() < head_size || text.substr(note_name_at, note_name.size()) != note_name)
    return std::nullopt;
  return text.substr(note_text_at).starts_with(first_key) ? std::optional(note_text_at) : std::nullopt;
}

/// The text that begins at `at`, up to its NUL; as much of it as can be read where it has none.
std::string read_candidate(const PhysicalMemory& memory, PhysAddr at) {
  std::string text;
  while (text.size() < longest_text) {
    const PhysAddr next = at + text.size();
    const auto part = memory.view(next, static_cast<std::size_t>(page_size - next.raw() % page_size));
    if (!part) break;
    const auto* const first = reinterpret_cast<const char*>(part->bytes.data());
    const auto* const end = first + part->bytes.size();
    const auto* const nul = std::find(first, end, '\0');
    text.append(first, nul);
    if (nul != end) break;
  }
  return text;
}

/// Whether the kernel wrote it: a program's copy is often cut, and "OSRELEASE=" alone is in /etc, too.
bool is_whole(std::string_view text, const Vmcoreinfo& info) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
  return printable && !info.release().empty() && info.page_size() && info.symbol("_stext") &&
         info.symbol("init_uts_ns");
}

class Finder {
 public:
  Finder(const PhysicalMemory& memory, const VmcoreinfoSearch& search) : memory_(memory), search_(search) {}
  Result<VmcoreinfoFinds> run();

 private:
  bool search_range(PhysRange range);
  void look_at(PhysAddr page);
  void add(std::string text, PhysAddr at);
  bool time_is_up() const;

  using Clock = std::chrono::steady_clock;
  const PhysicalMemory& memory_;
  const VmcoreinfoSearch& search_;
  std::optional<Clock::time_point> settled_;  // when the one that belongs was found
  VmcoreinfoFinds finds_;
};

Result<VmcoreinfoFinds> Finder::run() {
  auto ranges = memory_.ranges();
  if (!ranges) return std::move(ranges).error();
  for (const PhysRange& range : *ranges) finds_.total += range.size;
  finds_.complete = std::all_of(ranges->begin(), ranges->end(),
                                [this](const PhysRange& range) { return search_range(range); });
  if (search_.progress) search_.progress(finds_.searched, finds_.total);
  if (finds_.found.empty()) {
    return Error{Errc::not_in_dump,
                 fmt::format("no VMCOREINFO was found in {} of memory", human_size(finds_.searched)),
                 {}};
  }
  return std::move(finds_);
}

/// Whether the search goes on after the range.
bool Finder::search_range(PhysRange range) {
  const std::uint64_t before = finds_.searched;
  const auto first_page = [](PhysAddr at) { return at + (page_size - at.raw() % page_size) % page_size; };
  PhysAddr page = first_page(range.start);
  for (std::uint64_t pages = 0; range.contains(page); page += page_size, ++pages) {
    finds_.searched = before + (page - range.start);
    if (pages % pages_between_looks_at_the_clock == 0) {
      if (search_.progress) search_.progress(finds_.searched, finds_.total);
      if (time_is_up()) return false;
    }
    if (pages % pages_between_looks_for_holes == 0) {
      const PhysAddr data = memory_.next_data(page);
      if (!range.contains(data)) break;
      page = std::max(page, PhysAddr(data.raw() - data.raw() % page_size));
    }
    look_at(page);
  }
  finds_.searched = before + range.size;
  return true;
}

bool Finder::time_is_up() const { return settled_ && Clock::now() - *settled_ >= search_.afterwards; }

void Finder::look_at(PhysAddr page) {
  const auto head = memory_.view(page, head_size);
  if (!head) return;
  Bytes bytes = head->bytes;
  std::array<std::byte, head_size> whole{};
  if (bytes.size() < head_size && memory_.read(page, whole)) bytes = whole;  // in two cached blocks of a core
  if (const auto within = text_in_page(bytes)) add(read_candidate(memory_, page + *within), page + *within);
  if (finds_.crash_headers.size() == most_crash_headers) return;
  if (auto header = read_crash_header(memory_, page, bytes))
    finds_.crash_headers.push_back(*std::move(header));
}

void Finder::add(std::string text, PhysAddr at) {
  const auto known = std::find_if(finds_.found.begin(), finds_.found.end(),
                                  [&](const FoundVmcoreinfo& found) { return found.text == text; });
  if (known != finds_.found.end()) {
    ++known->copies;
    if (known->at.size() < most_places) known->at.push_back(at);
    return;
  }
  // Without its NUL: a last line that did not fit and has no line feed is not believed.
  const auto info = Vmcoreinfo::parse(text);
  if (!info || !is_whole(text, *info) || finds_.found.size() == most_texts) return;
  finds_.found.push_back({std::move(text), {at}, 1});
  if (!settled_ && search_.belongs && search_.belongs(*info)) settled_ = Clock::now();
}

}  // namespace

Result<VmcoreinfoFinds> find_vmcoreinfo(const PhysicalMemory& memory, const VmcoreinfoSearch& search) {
  return Finder(memory, search).run();
}

}  // namespace memsect
