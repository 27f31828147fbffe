// No two usages overlap.
//
// A usage is mem_section_usage_size() long, which no type tells: this is also a test of the size that was found. What
// two sections have in common as a whole is usage_shared's.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  std::vector<const Section*> by_address;
  for (const Section& section : model.sections) {
    if (section.usage)
      by_address.push_back(&section);
    else
      judgement.miss("the usage", section.nr, section.usage.error());
  }
  std::stable_sort(by_address.begin(), by_address.end(),
                   [](const Section* a, const Section* b) { return a->usage->address < b->usage->address; });
  for (std::size_t i = 1; i < by_address.size(); ++i) {
    const Placement& one = *by_address[i - 1]->usage;
    const Placement& next = *by_address[i]->usage;
    const std::uint64_t distance = next.address - one.address;
    if (distance == 0 || distance >= one.bytes) continue;
    judgement.find(
        "usages that overlap",
        fmt::format("the usages of sections {} and {} overlap: {} bytes each, {} bytes apart, at {:#x}",
                    by_address[i - 1]->nr.raw(), by_address[i]->nr.raw(), one.bytes, distance,
                    one.address.raw()));
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check usage_apart_check{"usage_apart", "no two usages overlap", run};

}  // namespace memsect
