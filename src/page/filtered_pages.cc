#include "page/filtered_pages.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "kernel/kernel.h"
#include "page/page_decoder.h"

namespace memsect {
namespace {

void count(const PageDetails& page, FilteredPages& lost) {
  if (page.type == "reserved") {
    ++lost.reserved;
  } else if (page.type == "table") {
    ++lost.page_tables;
  } else if (page.type == "slab") {
    ++lost.slab;
    if (page.compound == Compound::tail) ++lost.slab_tails;
    ++lost.caches[page.slab_cache ? *page.slab_cache : "unknown"];
  }
}

std::string text_of(const FilteredPages& lost) {
  std::string kinds;
  const auto add = [&kinds](std::uint64_t pages, const char* what) {
    if (pages > 0) kinds += fmt::format("{}{} of {}", kinds.empty() ? "" : ", ", pages, what);
  };
  add(lost.slab, "slab");
  add(lost.page_tables, "page tables");
  add(lost.reserved, "reserved memory");
  const std::string caches = lost.caches_text();
  return fmt::format(
      "the dump's filter left out {} pages that its own struct pages say are the kernel's: {}{}. No filter "
      "level takes such pages: the dump was filtered by a makedumpfile that does not know this kernel, or "
      "damaged",
      lost.pages(), kinds, caches.empty() ? "" : fmt::format(" ({})", caches));
}

constexpr std::string_view first_words = "the dump's filter left out";

/// The same notes without an older count.
Notes without_older(const Notes& notes) {
  Notes kept;
  for (const Note& note : notes.all()) {
    if (!note.text.starts_with(first_words)) kept.add(note);
  }
  return kept;
}

}  // namespace

void note_filtered_pages(const Kernel& kernel, MemoryModel& model) {
  const std::vector<PhysAddr> excluded = kernel.excluded_pages();
  if (excluded.empty() || model.geometry.kind == MemoryModelKind::flatmem) return;
  const PageDecoder decoder(kernel, model.geometry);
  FilteredPages lost;
  std::optional<Pfn> last;
  for (const PhysAddr at : excluded) {
    const Pfn pfn = model.geometry.phys_to_pfn(at);
    if (last == pfn) continue;
    last = pfn;
    const Section* section = model.find_section(model.geometry.pfn_to_section_nr(pfn));
    // Struct pages of memory that is not online are stale.
    if (section == nullptr || !section->flags.online) continue;
    const auto page = decoder.page(model, pfn);
    if (page) count(*page, lost);
    if (!page) ++lost.not_told;
  }
  if (lost == model.filtered) return;
  model.filtered = lost;
  if (lost.pages() == 0) return;
  model.notes = without_older(model.notes);
  const char* const slab_tails =
      "dump again with `makedumpfile -d 1`, or a makedumpfile that knows this kernel: up to 1.7.8 it takes "
      "the tail pages of slabs of Linux 7.1 and later for memory of user processes";
  model.notes.warn(text_of(lost), lost.slab_tails > 0
                                      ? slab_tails
                                      : "dump again with `makedumpfile -d 1`, or a makedumpfile that knows "
                                        "this kernel");
}

}  // namespace memsect
