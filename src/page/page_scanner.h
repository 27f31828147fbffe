// Looks for what stands in the way of offlining a range of pages, by the kernel's own order of tests.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "model/memory_model.h"
#include "model/page_scan.h"

namespace memsect {

class Kernel;

/// Judges pages in bulk. Binds what it needs once; a copy of it, for another thread, knows the same and has buffers of
/// its own.
class PageScanner {
 public:
  PageScanner(const Kernel& kernel, const MemoryGeometry& geometry);
  PageScanner(const PageScanner& other);
  PageScanner& operator=(const PageScanner&) = delete;
  ~PageScanner();

  /// Why no page can be judged: a struct page whose layout is not known.
  const Result<void>& usable() const;
  /// The kernel's name of a zone ("DMA32"), by enum zone_type.
  std::string zone_name(unsigned zone) const;
  /// Goes over the pages of `range` that lie in online sections. Never fails: what cannot be read is counted.
  PageScan scan(const MemoryModel& model, PfnRange range);

 private:
  class Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace memsect
