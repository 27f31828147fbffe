// The kernel writes VMCOREINFO at boot, into a page of its own (vmcoreinfo_data), and once more behind the head of an
// ELF note, for a crash (vmcoreinfo_note). Linux 203e9e41219b ("kexec: move vmcoreinfo out of the kernel's .bss
// section") (v4.13) made pages of both; before, they were anywhere.
//
//   page 1   OSRELEASE=6.1.0-13-amd64 LF  BUILD-ID=...  LF  PAGESIZE=4096 LF ... NUL
//   page 2   u32 11, u32 length, u32 0, "VMCOREINFO" NUL NUL   OSRELEASE=...
//
// Only the first bytes of each page are looked at, which of a compressed dump costs the whole page. Copies can lie
// elsewhere: a kernel that started this one by kexec left its own, the loaded crash kernel has a third. One text in
// several places is no question; of different texts, those that describe other memory than this are left over.
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
/// Texts that differ. A machine has one or two; a file made to keep us busy may have a million.
constexpr std::size_t most_texts = 64;

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
  bool look_at(PhysAddr page);
  bool add(std::string text, PhysAddr at);
  bool time_is_up();

  const PhysicalMemory& memory_;
  const VmcoreinfoSearch& search_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::uint64_t total_ = 0;
  VmcoreinfoFinds finds_;
};

Result<VmcoreinfoFinds> Finder::run() {
  auto ranges = memory_.ranges();
  if (!ranges) return std::move(ranges).error();
  for (const PhysRange& range : *ranges) total_ += range.size;
  finds_.complete = std::all_of(ranges->begin(), ranges->end(),
                                [this](const PhysRange& range) { return search_range(range); });
  if (search_.progress) search_.progress(finds_.searched, total_);
  if (finds_.found.empty()) {
    const std::string where = finds_.complete ? fmt::format("{} of memory", human_size(finds_.searched))
                                              : fmt::format("the first {} of {} of memory, then time was up",
                                                            human_size(finds_.searched), human_size(total_));
    return Error{Errc::not_in_dump, "no VMCOREINFO was found in " + where, {}};
  }
  std::stable_sort(finds_.found.begin(), finds_.found.end(),
                   [](const FoundVmcoreinfo& a, const FoundVmcoreinfo& b) {
                     if (a.belongs != b.belongs) return a.belongs;
                     return a.copies > b.copies;
                   });
  return std::move(finds_);
}

/// Whether the search goes on behind the range.
bool Finder::search_range(PhysRange range) {
  const PhysAddr first = range.start + (page_size - range.start.raw() % page_size) % page_size;
  finds_.searched += std::min(range.size, first - range.start);
  std::uint64_t pages = 0;
  for (PhysAddr page = first; range.contains(page); page += page_size, ++pages) {
    if (pages % pages_between_looks_at_the_clock == 0 && time_is_up()) return false;
    if (look_at(page)) return false;
    finds_.searched += std::min(page_size, range.end() - page);
  }
  return true;
}

bool Finder::time_is_up() {
  if (search_.progress) search_.progress(finds_.searched, total_);
  finds_.out_of_time = std::chrono::steady_clock::now() - start_ >= search_.at_most;
  return finds_.out_of_time;
}

/// Whether the search is over.
bool Finder::look_at(PhysAddr page) {
  const auto head = memory_.view(page, head_size);
  if (!head) return false;
  auto within = text_in_page(head->bytes);
  if (head->bytes.size() < head_size) {  // in an ELF core a page may lie in two cached blocks
    std::array<std::byte, head_size> whole{};
    if (memory_.read(page, whole)) within = text_in_page(whole);
  }
  return within && add(read_candidate(memory_, page + *within), page + *within);
}

bool Finder::add(std::string text, PhysAddr at) {
  const auto known = std::find_if(finds_.found.begin(), finds_.found.end(),
                                  [&](const FoundVmcoreinfo& found) { return found.text == text; });
  if (known != finds_.found.end()) {
    ++known->copies;
    return false;
  }
  // Without its NUL: a last line that did not fit and has no line feed is not believed.
  const auto info = Vmcoreinfo::parse(text);
  if (!info || !is_whole(text, *info) || finds_.found.size() == most_texts) return false;
  finds_.found.push_back({std::move(text), at, 1, search_.belongs && search_.belongs(*info)});
  return finds_.found.back().belongs;
}

}  // namespace

Result<VmcoreinfoFinds> find_vmcoreinfo(const PhysicalMemory& memory, const VmcoreinfoSearch& search) {
  return Finder(memory, search).run();
}

}  // namespace memsect
