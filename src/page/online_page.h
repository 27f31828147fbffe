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
  /// Needs the section's subsection map where the kernel asks for it.
  bool is_online(const MemoryModel& model, const Section& section, Pfn pfn) const;

 private:
  bool asks_subsections_;
};

}  // namespace memsect
