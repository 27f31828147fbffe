// With VMEMMAP all sections decode to one base.
//
// section_mem_map holds the address of the section's first struct page minus its first pfn x sizeof(struct page)
// (sparse_encode_mem_map()). With SPARSEMEM_VMEMMAP that is `vmemmap`, the same number in every section, on every
// machine: the strongest test there is of the decoding of mem_section as a whole. Each section is compared with the
// commonest base, so that one damaged section is not taken for the truth.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  if (model.geometry.kind != MemoryModelKind::sparsemem_vmemmap)
    return nothing_to_judge("this kernel has no VMEMMAP, each section has a base of its own");
  std::map<std::uint64_t, std::uint64_t> sections_by_base;
  for (const Section& section : model.sections) {
    if (section.flags.has_mem_map) ++sections_by_base[section.coded_mem_map];
  }
  const auto commonest = std::max_element(sections_by_base.begin(), sections_by_base.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
  Judgement judgement(model);
  for (const Section& section : model.sections) {
    if (!section.flags.has_mem_map || section.coded_mem_map == commonest->first) continue;
    judgement.find("sections with another base",
                   fmt::format("section {} decodes to the vmemmap base {:#x}, {} of {} sections to {:#x}",
                               section.nr.raw(), section.coded_mem_map, commonest->second,
                               model.sections.size(), commonest->first));
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check vmemmap_base_check{"vmemmap_base", "with VMEMMAP all sections decode to one base", run};

}  // namespace memsect
