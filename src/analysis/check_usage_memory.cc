// Usages lie in present memory.
//
// Boot usages come from memblock.memory, whose ranges make their sections present (memory_present()); hot-added ones
// from the slab allocator, and a section whose pages are in use cannot go. All bytes are judged, not the first alone: a
// chunk may cross from one section into the next.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  for (const Section& section : model.sections) {
    if (section.usage)
      judgement.expect_present(fmt::format("the usage of section {}", section.nr.raw()), section.usage->phys);
    else
      judgement.miss("the usage", section.nr, section.usage.error());
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check usage_memory_check{"usage_memory", "usages lie in present sections", run};

}  // namespace memsect
