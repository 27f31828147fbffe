// No two sections share one usage.
//
// At boot each section takes the next usage of its run's chunk (sparse_init_nid()), at hot-plug it gets one of its own
// from kzalloc (section_activate()). Two sections with one usage would write each other's pageblock types.
#include <fmt/format.h>

#include <map>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  std::map<VirtAddr, SectionNr> owners;
  for (const Section& section : model.sections) {
    if (!section.usage) {
      judgement.miss("the usage", section.nr, section.usage.error());
      continue;
    }
    const auto known = owners.emplace(section.usage->address, section.nr);
    if (known.second) continue;
    judgement.find("sections with the usage of another",
                   fmt::format("sections {} and {} have one usage, at {:#x}", known.first->second.raw(),
                               section.nr.raw(), section.usage->address.raw()));
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check usage_shared_check{"usage_shared", "no two sections share one usage", run};

}  // namespace memsect
