// makedumpfile leaves out, at the highest level, pages of zeros, of the page cache, of user processes and free ones. Slab,
// page tables and reserved memory stay in, whatever the level. One that does not know the kernel takes some of them for
// something else: 1.7.6 to 1.7.8 on Linux 7.1 and later, where a tail page no longer names its compound head in the place
// of old, drop tail pages of slabs as memory of user processes.
//
// Only pages that memsect asked for are judged, and no extract, which may lack what an older memsect did not ask for.
#include <fmt/format.h>

#include <string>

#include "analysis/check.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  const FilteredPages& lost = model.filtered;
  CheckResult result;
  const auto find = [&result](std::uint64_t pages, const std::string& what) {
    if (pages == 0) return;
    result.verdict = Verdict::violated;
    result.found += pages;
    result.findings.push_back(fmt::format("filtered out: {} of {}", pages, what));
  };
  find(lost.slab, fmt::format("slab ({})", lost.caches_text()));
  find(lost.page_tables, "page tables");
  find(lost.reserved, "reserved memory");
  if (lost.not_told == 0) return result;
  if (result.verdict == Verdict::holds) result.verdict = Verdict::undecided;
  result.why =
      fmt::format("not readable: the struct pages of {} pages that were filtered out", lost.not_told);
  return result;
}

}  // namespace

const Check filter_kept_kernel_pages_check{
    "filter_kept_kernel_pages",
    "the dump's filter left out none of the kernel's own pages that were asked for", run};

}  // namespace memsect
