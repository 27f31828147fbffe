// Every pageblock has a type that this kernel has, and no bit that means nothing.
//
//   up to 6.16   4 bits: type 0 to MIGRATE_TYPES - 1, skip
//   6.17+        8 bits with MEMORY_ISOLATION: type, skip, isolated, three that are always clear; the type of an isolated
//                block is kept, and MIGRATE_ISOLATE itself is never stored (get_pfnblock_migratetype())
//
// The bits of sections that are not online are old, and of no meaning, but not arbitrary: they were written as types
// once, or are zero. A wrong offset of the usemap or a wrong number of bits shows here first. Up to 5.2 they are
// arbitrary: a hot-added section's usemap came from kmalloc() and was first written when the section came online; so
// only sections that are online are judged there.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

void judge_section(const MemoryModel& model, const Section& section, Judgement& judgement) {
  for (std::size_t i = 0; i < section.pageblocks->size(); ++i) {
    const Pageblock& block = (*section.pageblocks)[i];
    if (block.stray) {
      judgement.find("pageblocks with stray bits",
                     fmt::format("pageblock {} of section {} has bits set that mean nothing in this kernel",
                                 i, section.nr.raw()));
    } else if (block.migratetype >= model.migratetypes.size()) {
      judgement.find(
          "pageblocks of no known type",
          fmt::format("pageblock {} of section {} has type {}, and this kernel knows 0 to {}", i,
                      section.nr.raw(), unsigned{block.migratetype}, model.migratetypes.size() - 1));
    }
  }
  const std::uint64_t pages = section.pageblocks->size() * model.geometry.pages_per_pageblock();
  if (pages != model.geometry.pages_per_section()) {
    judgement.find("sections whose pageblocks do not fill them",
                   fmt::format("section {} has {} pageblocks of {} pages, and {} pages", section.nr.raw(),
                               section.pageblocks->size(), model.geometry.pages_per_pageblock(),
                               model.geometry.pages_per_section()));
  }
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  if (model.migratetypes.empty()) {
    judgement.miss("the migratetypes of this kernel",
                   Error{Errc::unsupported, "neither migratetype_names nor MIGRATE_TYPES is known", {}});
    return std::move(judgement).finish();
  }
  for (const Section& section : model.sections) {
    if (!section.flags.online && !model.geometry.zeroed_usemaps) continue;
    if (section.pageblocks)
      judge_section(model, section, judgement);
    else
      judgement.miss("the usemap", section.nr, section.pageblocks.error());
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check pageblock_types_check{"pageblock_types",
                                  "every pageblock has a type that this kernel has, and no stray bits", run};

}  // namespace memsect
