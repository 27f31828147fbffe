#include "kernel/which_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "base/text.h"
#include "kernel/symbol_sources.h"

namespace memsect {
namespace {

constexpr std::size_t note_header = 24;  // before the text in vmcoreinfo_note
// Values of elfcorehdr_addr (include/linux/crash_dump.h): no other kernel is to be dumped; its header was read.
constexpr PhysAddr no_header(std::numeric_limits<std::uint64_t>::max()), header_was_read(no_header.raw() - 1);

/// Whether it is more than a stub, as Hyper-V and others write into their own files.
bool has_symbols(const Vmcoreinfo& info) { return info.symbol("_stext").has_value(); }

/// The kernel's own words, written while it crashed: it cannot be another's (kernel/vmcore_info.c, crash_save_vmcoreinfo).
bool is_of_crash(const Vmcoreinfo& info) { return info.value("CRASHTIME").has_value(); }

/// Whether the two are texts of one kernel.
bool is_same_kernel(const KernelCandidate& a, const KernelCandidate& b) {
  if (a.info.text() == b.info.text()) return true;
  if (!a.look.named || !b.look.named || a.info.release() != b.info.release()) return false;
  const auto same_symbol = [&](std::string_view name) { return a.info.symbol(name) == b.info.symbol(name); };
  const auto same_number = [&](std::string_view name) { return a.info.number(name) == b.info.number(name); };
  return same_symbol("_stext") && same_symbol("init_uts_ns") && same_number("phys_base") &&
         same_number("kimage_voffset");
}

class Chooser {
 public:
  Chooser(const Dump& dump, const WhichKernel& which, Notes& notes)
      : dump_(dump), which_(which), notes_(notes) {}
  Result<ChosenKernel> run();

 private:
  std::optional<KernelCandidate> candidate(std::string_view text);
  void ask(KernelCandidate& one);
  bool is_good(const KernelCandidate& one) const;
  bool add_notes();
  bool add_note(const std::string& text);
  std::optional<KernelCandidate> agreed();
  Result<void> search();
  bool is_beyond_doubt(const KernelCandidate& one) const;
  bool find_images();
  std::optional<PhysAddr> crash_header_of(const KernelCandidate& one) const;
  Result<std::size_t> wanted() const;
  std::string list(std::size_t taken) const;
  std::string describe(const KernelCandidate& one) const;
  void say(std::size_t taken, bool chosen_by_user);
  ChosenKernel take(KernelCandidate one);

  const Dump& dump_;
  const WhichKernel& which_;
  Notes& notes_;
  std::map<const ArchDriver*, std::vector<CpuView>> cpus_;
  std::vector<KernelCandidate> candidates_;
  VmcoreinfoFinds finds_;
  std::string note_problem_;
};

std::optional<KernelCandidate> Chooser::candidate(std::string_view text) {
  auto info = Vmcoreinfo::parse(text);
  if (!info) return std::nullopt;
  KernelCandidate one;
  one.look = look_at_kernel(dump_, *info);
  if (!one.look.added.empty()) {
    auto whole = Vmcoreinfo::parse(info->text() + one.look.added);
    if (whole) info = std::move(whole);
  }
  one.info = std::move(*info);
  return one;
}

void Chooser::ask(KernelCandidate& one) {
  const ArchDriver* const arch = one.look.arch;
  if (arch == nullptr || !one.look.named) return;
  auto known = cpus_.find(arch);
  if (known == cpus_.end()) known = cpus_.emplace(arch, view_cpus(dump_, *arch)).first;
  ask_cpus(dump_, one.info, known->second, one.look);
}

/// Whether a note of the file needs no other text beside it. That memory or CPUs do not tell speaks for it, too: a dump can
/// lack both.
bool Chooser::is_good(const KernelCandidate& one) const {
  if (!has_symbols(one.info) || (one.look.readable && !one.look.named)) return false;
  return one.look.cpus_here > 0 || one.look.cpus_elsewhere == 0;
}

/// Takes the notes of the file up to the first good one; says whether there is one.
bool Chooser::add_notes() {
  if (!dump_.vmcoreinfo.empty() && add_note(dump_.vmcoreinfo)) return true;
  if (!dump_.vmcoreinfo_notes) return false;
  for (const std::string& text : dump_.vmcoreinfo_notes()) {
    if (text != dump_.vmcoreinfo && add_note(text)) return true;
  }
  return false;
}

bool Chooser::add_note(const std::string& text) {
  auto one = candidate(text);
  if (!one || !has_symbols(one->info)) {
    note_problem_ = one ? "the VMCOREINFO note is a stub that names no symbols"
                        : "the VMCOREINFO note has no line of the form NAME=VALUE";
    return false;
  }
  if (!is_of_crash(one->info) || !one->look.named) ask(*one);
  candidates_.push_back(*std::move(one));
  return which_.wanted.empty() && is_good(candidates_.back());
}

/// The text from the place that machine and kernel agreed on, where there is one and what lies there describes this memory.
std::optional<KernelCandidate> Chooser::agreed() {
  for (const ArchDriver* arch : arch_drivers()) {
    const ArchDriver* const told = told_arch(dump_.info, {});
    if (arch->find_vmcoreinfo == nullptr || (told != nullptr && arch != told)) continue;
    const auto text = arch->find_vmcoreinfo(*dump_.memory);
    auto one = text ? candidate(*text) : std::nullopt;
    if (one && one->look.named) return one;
  }
  return std::nullopt;
}

/// The value of elfcorehdr_addr: where the header lies by which the kernel dumps another, or one of the values above;
/// nothing where that is not known.
std::optional<PhysAddr> Chooser::crash_header_of(const KernelCandidate& one) const {
  const ArchDriver* const arch = one.look.arch;
  if (arch == nullptr) return std::nullopt;
  const ByteOrder order = arch->order.value_or(dump_.info.order);
  const auto image = arch->open(
      {*dump_.memory, one.info, [&one](std::string_view name) { return one.info.symbol(name); }, order});
  if (!image) return std::nullopt;
  const AddressSpace space(*dump_.memory, *image->translator);
  const auto kallsyms = open_dumped_kallsyms(space, one.info, order, arch->word_size);
  const auto variable = kallsyms ? (*kallsyms)->address_of("elfcorehdr_addr") : std::nullopt;
  if (!variable) return std::nullopt;
  const auto value = space.read_number(*variable, 8, order);
  return value ? std::optional(PhysAddr(*value)) : std::nullopt;
}

/// Whether all CPUs run it, and it is not there to dump another.
bool Chooser::is_beyond_doubt(const KernelCandidate& one) const {
  if (one.look.cpus_here == 0 || one.look.cpus_elsewhere > 0 || !one.look.has_roots) return false;
  const auto header = crash_header_of(one);
  return header == no_header;
}

/// Takes the images of the kernel whose vmlinux was named; says whether one of them needs no other beside it.
bool Chooser::find_images() {
  if (!which_.find_images) return false;
  auto images = which_.find_images();
  if (!images) return false;
  for (const FoundImage& image : *images) {
    auto one = candidate(image.text);
    if (!one) continue;
    ask(*one);
    one->image_at = image.at;
    candidates_.push_back(*std::move(one));
  }
  const bool alone = images->size() == 1 && !candidates_.empty() && candidates_.back().image_at;
  if (!alone || !which_.wanted.empty() || !is_beyond_doubt(candidates_.back())) return false;
  notes_.note(fmt::format(
      "the dump has no VMCOREINFO note: the kernel of the vmlinux was found in memory, its banner at "
      "physical address {:#x}",
      candidates_.back().image_at->raw()));
  return true;
}

Result<void> Chooser::search() {
  VmcoreinfoSearch search;
  if (which_.wanted.empty()) {
    search.belongs = [this](const Vmcoreinfo& info) {
      auto one = candidate(info.text());
      if (one) ask(*one);
      return one && is_beyond_doubt(*one);
    };
  }
  search.progress = which_.progress;
  auto finds = find_vmcoreinfo(*dump_.memory, search);
  if (!finds) return std::move(finds).error();
  finds_ = *std::move(finds);
  for (FoundVmcoreinfo& found : finds_.found) {
    auto one = candidate(found.text);
    if (!one) continue;
    one->at = std::move(found.at);
    one->copies = found.copies;
    // The text of the note, or of the image; and the kernel appends to one of its copies while it crashes.
    const auto same =
        std::find_if(candidates_.begin(), candidates_.end(),
                     [&one](const KernelCandidate& known) { return is_same_kernel(known, *one); });
    if (same != candidates_.end()) {
      if (same->image_at && same->at.empty()) same->info = std::move(one->info);  // it tells more
      same->at.insert(same->at.end(), one->at.begin(), one->at.end());
      same->copies += one->copies;
      continue;
    }
    ask(*one);
    candidates_.push_back(*std::move(one));
  }
  return {};
}

Result<std::size_t> Chooser::wanted() const {
  const std::string_view text = which_.wanted;
  const auto number = text.starts_with("0x") ? parse_hex(text.substr(2)) : parse_unsigned(text);
  if (!number) {
    return Error{
        Errc::usage, fmt::format("--kernel {}: is neither a number nor an address", text),
        "--kernel 2 takes the second of those that --verbose lists, --kernel 0x1c3e000 the one whose "
        "VMCOREINFO lies there"};
  }
  if (!text.starts_with("0x") && *number >= 1 && *number <= candidates_.size())
    return static_cast<std::size_t>(*number - 1);
  constexpr std::uint64_t page = 4096;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    for (const PhysAddr at : candidates_[i].at) {
      if (*number == at.raw() || *number == at.raw() / page * page) return i;
    }
  }
  return Error{Errc::usage, fmt::format("--kernel {}: there is no such kernel in the dump", text),
               fmt::format("there {} {}: {}", candidates_.size() == 1 ? "is" : "are", candidates_.size(),
                           list(candidates_.size()))};
}

std::string Chooser::describe(const KernelCandidate& one) const {
  const KernelLook& look = one.look;
  const auto cpus = [](unsigned count) {
    return count == 1 ? "1 CPU runs" : fmt::format("{} CPUs run", count);
  };
  std::string text = fmt::format("{} (", one.info.release().empty() ? "unnamed" : one.info.release());
  if (!one.at.empty()) {
    text += fmt::format("VMCOREINFO at physical address {:#x}", one.at.front().raw());
  } else {
    text += one.image_at ? fmt::format("its banner at physical address {:#x}", one.image_at->raw())
                         : std::string("VMCOREINFO note");
  }
  if (one.crashed) text += ", crashed";
  if (one.captures) text += ", started to dump it";
  if (look.cpus_here > 0) text += ", " + cpus(look.cpus_here) + " it";
  if (look.cpus_here == 0 && look.cpus_elsewhere > 0) text += ", no CPU runs it";
  if (look.readable && !look.named) text += ", its memory is something else by now";
  if (!look.readable) text += ", its memory cannot be read";
  if (look.named && !look.has_roots) text += ", its page tables are gone";
  return text + ")";
}

std::string Chooser::list(std::size_t taken) const {
  std::string text;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    text += fmt::format("{}{}: {}{}", i == 0 ? "" : "; ", i + 1, describe(candidates_[i]),
                        i == taken ? ", which is taken" : "");
  }
  return text;
}

void Chooser::say(std::size_t taken, bool chosen_by_user) {
  const KernelCandidate& best = candidates_[taken];
  if (!note_problem_.empty()) notes_.warn(note_problem_);
  const std::string where =
      best.image_at && best.at.empty() ? fmt::format(
                                             "the dump has no VMCOREINFO note: the kernel of the vmlinux was "
                                             "found in memory, its banner at "
                                             "physical address {:#x}",
                                             best.image_at->raw())
      : best.at.empty() ? "the dump's VMCOREINFO note is taken"
                        : fmt::format("{}: it was found in memory, at physical address {:#x}",
                                      dump_.vmcoreinfo.empty() ? "the dump has no VMCOREINFO note"
                                                               : "the dump's VMCOREINFO note is not taken",
                                      best.at.front().raw());
  const std::string rest = finds_.complete || finds_.total == 0
                               ? ""
                               : fmt::format("; others were looked for in {} of {} of memory",
                                             human_size(finds_.searched), human_size(finds_.total));
  notes_.note(where + rest);
  if (candidates_.size() > 1) {
    notes_.note(fmt::format("there are {} kernels in the dump: {}", candidates_.size(), list(taken)),
                "--kernel N takes another one");
  }
  if (chosen_by_user) return;
  const auto likely =
      std::count_if(candidates_.begin(), candidates_.end(), [&best](const KernelCandidate& one) {
        return one.look.named && one.look.has_roots == best.look.has_roots;
      });
  if (!best.look.named) {
    notes_.warn(where + "; whether it is the dumped kernel's could not be told");
  } else if (likely > 1 && !best.crashed && best.look.cpus_here == 0) {
    notes_.warn(fmt::format("which of {} kernels in memory ran could not be told: {}", candidates_.size(),
                            list(taken)),
                "--kernel N takes another one");
  }
}

ChosenKernel Chooser::take(KernelCandidate one) {
  if (!one.look.added.empty()) {
    notes_.note(fmt::format("VMCOREINFO does not tell phys_base (before 4.10): by memory it is {:#x}",
                            static_cast<std::uint64_t>(one.info.number("phys_base").value_or(0))));
  }
  return {std::move(one.info), one.look.machine_proven ? one.look.arch : nullptr};
}

Result<ChosenKernel> Chooser::run() {
  if (add_notes()) {
    if (!note_problem_.empty()) notes_.note(note_problem_ + ": the next one is taken");
    return take(std::move(candidates_.back()));
  }
  if (which_.wanted.empty()) {
    if (auto one = agreed()) {
      notes_.note("the dump has no VMCOREINFO note: the machine's own pointer to it was followed");
      return take(*std::move(one));
    }
  }
  if (find_images()) return take(std::move(candidates_.back()));
  auto searched = search();
  if (candidates_.empty()) {
    if (!searched && note_problem_.empty()) return std::move(searched).error();
    return Error{Errc::not_in_dump, note_problem_ + "; " + searched.error().message, {}};
  }
  if (!which_.wanted.empty()) {
    auto number = wanted();
    if (!number) return std::move(number).error();
    say(*number, true);
    return take(std::move(candidates_[*number]));
  }
  const std::size_t best =
      choose_among(candidates_, finds_.crash_headers, [this](const KernelCandidate& one, PhysAddr header) {
        const auto used = crash_header_of(one);
        return !used || *used == header || *used == header_was_read;
      });
  const bool only_the_note = candidates_.size() == 1 && candidates_.front().at.empty();
  if (!only_the_note) say(best, false);
  return take(std::move(candidates_[best]));
}

}  // namespace

Result<ChosenKernel> choose_kernel(const Dump& dump, const WhichKernel& which, Notes& notes) {
  return Chooser(dump, which, notes).run();
}

std::size_t choose_among(std::vector<KernelCandidate>& candidates, const std::vector<CrashHeader>& headers,
                         const std::function<bool(const KernelCandidate&, PhysAddr header)>& may_use) {
  const auto has_note = [](const CrashHeader& header, const KernelCandidate& one) {
    return std::any_of(one.at.begin(), one.at.end(), [&header](PhysAddr at) {
      return std::find(header.notes.begin(), header.notes.end(), PhysAddr(at.raw() - note_header)) !=
             header.notes.end();
    });
  };
  for (const CrashHeader& header : headers) {
    const auto crashed = std::find_if(candidates.begin(), candidates.end(), [&](const KernelCandidate& one) {
      return one.look.named && has_note(header, one);
    });
    if (crashed == candidates.end() || header.covers(header.at)) continue;
    for (KernelCandidate& other : candidates) {
      if (&other == &*crashed || !other.look.named || other.at.empty()) continue;
      // The capture kernel keeps its own text, too, in the memory that was set aside.
      if (header.covers(other.at.front()) || !may_use(other, header.at)) continue;
      other.captures = true;
      crashed->crashed = true;
    }
  }
  // A kernel that nobody runs has long since been dumped, and its capture kernel with it.
  const auto runs = [](const KernelCandidate& one) { return one.look.cpus_here > 0; };
  const bool any_runs = std::any_of(candidates.begin(), candidates.end(), runs);
  const bool capture_runs =
      std::any_of(candidates.begin(), candidates.end(),
                  [&](const KernelCandidate& one) { return one.captures && (runs(one) || !any_runs); });
  if (!capture_runs) {
    for (KernelCandidate& one : candidates) one.crashed = one.captures = false;
  }
  const auto rank = [](const KernelCandidate& one) {
    const KernelLook& look = one.look;
    return std::tuple(one.crashed, look.cpus_here > 0 && look.named, look.named, look.cpus_here,
                      look.has_roots, look.machine_proven, one.copies);
  };
  const auto best = std::max_element(
      candidates.begin(), candidates.end(),
      [&rank](const KernelCandidate& a, const KernelCandidate& b) { return rank(a) < rank(b); });
  return static_cast<std::size_t>(best - candidates.begin());
}

}  // namespace memsect
