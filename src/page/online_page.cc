#include "page/online_page.h"

#include "kernel/kernel.h"

namespace memsect {

OnlinePageRule::OnlinePageRule(const Kernel& kernel)
    // Up to 5.11 a macro that looks at the section alone. Linux 9f9b02e5b3d5 ("mm: move pfn_to_online_page() out of
    // line") and its successors (v5.12) made it a function that asks the subsection map of early sections too.
    : asks_subsections_(kernel.address_of("pfn_to_online_page").has_value()) {
  // "mm/vmstat: add zone range overlapping check" (v4.7) left no trace, but came with 0139aa7b7fa1 ("mm: rename _count,
  // field of the struct page, to _refcount"), which did.
  const auto page = kernel.types().find_struct("page");
  counts_own_alone_ = !page || !page->has("_count");
}

bool OnlinePageRule::may_have_online_pages(const MemoryModel& model, const Section& section) {
  return model.marks_online ? section.flags.online : section.flags.has_mem_map;
}

const Error* OnlinePageRule::unknown_for(const Section& section) const {
  const bool asks = section.flags.online && asks_subsections_ && !section.subsections;
  return asks && section.subsections.error().code != Errc::not_applicable ? &section.subsections.error()
                                                                          : nullptr;
}

bool OnlinePageRule::is_online(const MemoryModel& model, const Section& section, Pfn pfn) const {
  if (!may_have_online_pages(model, section)) return false;
  if (!asks_subsections_) return true;
  // Without the map nobody can tell holes from memory, and the struct pages of holes claim node 0, zone DMA.
  if (!section.subsections) return section.subsections.error().code == Errc::not_applicable;
  const std::uint64_t within = pfn - model.geometry.section_nr_to_pfn(section.nr);
  const std::uint64_t unit = within / model.geometry.pages_per_subsection();
  return unit < section.subsections->total && section.subsections->test(unit);
}

}  // namespace memsect
