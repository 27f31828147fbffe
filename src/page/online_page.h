// pfn_to_online_page(), as this kernel does it.
#pragma once

#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

class Kernel;

/// The kernel's test whether a pfn's struct page may be used. ZONE_DEVICE pages of shared sections pass here
/// (the kernel asks for a dev_pagemap); whoever reads the page sees their zone.
class OnlinePageRule {
 public:
  explicit OnlinePageRule(const Kernel& kernel);
  /// Whether any page of the section may be used: up to 4.12 the kernel took a memmap for enough (pfn_valid()), which had
  /// been written when the memory was added, long before it came online.
  static bool may_have_online_pages(const MemoryModel& model, const Section& section);
  /// Why that cannot be told of the section's pages: the kernel asks for a subsection map that could not be read.
  const Error* unknown_for(const Section& section) const;
  /// False where it cannot be told.
  bool is_online(const MemoryModel& model, const Section& section, Pfn pfn) const;

  /// Whether /proc/pagetypeinfo counts a pageblock for the zone it belongs to alone, and not for every zone that spans it.
  bool counts_own_alone() const { return counts_own_alone_; }

 private:
  bool asks_subsections_;
  bool counts_own_alone_;
};

}  // namespace memsect
