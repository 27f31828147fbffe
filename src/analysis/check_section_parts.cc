// A present section has what its flags promise: a memmap and a usage.
//
// sparse_init_one_section() sets memmap and usage together, at boot as at hot-plug; a section whose memory could not be
// had at boot has section_mem_map = 0 (sparse_init_nid(), up to 7.2) and is not present. Up to 5.2 the usage is the bare
// usemap that mem_section.pageblock_flags points to. A section that was removed keeps the pointer to a usage from boot
// (section_deactivate()), but it is not present.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

void judge_usage(const Section& section, Judgement& judgement) {
  if (section.usage) return;
  if (section.usage.error().code == Errc::not_applicable) {
    judgement.find("sections without a usage",
                   fmt::format("section {} has a memmap and no usage", section.nr.raw()));
  } else {
    judgement.miss("the usage", section.nr, section.usage.error());
  }
}

void judge_memmap(const Section& section, Judgement& judgement) {
  if (section.memmap) return;
  if (section.memmap.error().code == Errc::not_mapped) {
    judgement.find("sections whose memmap is not mapped",
                   fmt::format("section {} has a memmap at {:#x}, and the page tables map no page of it",
                               section.nr.raw(), section.mem_map.raw()));
  } else {
    judgement.miss("the memmap", section.nr, section.memmap.error());
  }
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  for (const Section& section : model.sections) {
    if (!section.flags.has_mem_map) {
      judgement.find("sections without a memmap",
                     fmt::format("section {} is present and has no memmap", section.nr.raw()));
      continue;
    }
    judge_usage(section, judgement);
    judge_memmap(section, judgement);
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check section_parts_check{"section_parts", "every present section has a memmap and a usage", run};

}  // namespace memsect
