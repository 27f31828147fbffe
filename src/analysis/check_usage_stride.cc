// Usages of one chunk lie back to back.
//
// At boot a run of sections - neighbours in the order of numbers, with the same early node - gets one chunk, which is
// handed out in order, usage by usage without a gap (sparse_init_nid(), 4.19+; one chunk a node before, back to 2.6.34).
// Where the chunk lies is another matter: in the pgdat's section where that was possible up to 7.0, anywhere on the node
// from 7.1 on. The early node of a section, which ends a run, is that of the first memblock range in it; it is not in a
// dump, and a range of a few pages leaves no other trace. So of single pairs nothing is sure, and two things are judged:
//
//   the commonest distance between usages of neighbouring boot sections of one node is the size of a usage
//   where sections n-1 and n+1 are exactly two usages apart, that of n lies between them
//
// The second holds for runs of their own, too: chunks begin at cache lines, and two usages are no whole number of lines
// (56, 88 and 40 bytes on x86-64), or else another chunk of one usage has the room between.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/judgement.h"
#include "analysis/object_kinds.h"

namespace memsect {
namespace {

/// Boot usages of neighbouring sections of one node, as far as can be told.
bool may_be_one_run(const Section& one, const Section& next, bool early_is_marked) {
  return next.nr - one.nr == 1 && usage_is_from_boot(one, early_is_marked) &&
         usage_is_from_boot(next, early_is_marked) && one.node && next.node && *one.node == *next.node;
}

void judge_commonest_distance(const MemoryModel& model, Judgement& judgement) {
  std::map<std::uint64_t, std::uint64_t> pairs_by_distance;
  std::uint64_t pairs = 0;
  for (std::size_t i = 1; i < model.sections.size(); ++i) {
    const Section& one = model.sections[i - 1];
    const Section& next = model.sections[i];
    if (!may_be_one_run(one, next, judgement.early_is_marked())) continue;
    ++pairs;
    ++pairs_by_distance[next.usage->address - one.usage->address];
  }
  const auto commonest = std::max_element(pairs_by_distance.begin(), pairs_by_distance.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
  constexpr std::uint64_t fewest = 3;  // less is no custom
  if (commonest == pairs_by_distance.end() || commonest->second < fewest || commonest->second * 2 <= pairs)
    return;
  if (commonest->first == model.geometry.usage_size) return;
  judgement.find("distances",
                 fmt::format("{} of {} neighbouring boot usages are {} bytes apart, and a usage has {}",
                             commonest->second, pairs, static_cast<std::int64_t>(commonest->first),
                             model.geometry.usage_size));
}

void judge_middles(const MemoryModel& model, Judgement& judgement) {
  const std::uint64_t size = model.geometry.usage_size;
  for (std::size_t i = 2; i < model.sections.size(); ++i) {
    const Section& before = model.sections[i - 2];
    const Section& middle = model.sections[i - 1];
    const Section& after = model.sections[i];
    if (after.nr - before.nr != 2 || !usage_is_from_boot(before, judgement.early_is_marked()) ||
        !usage_is_from_boot(after, judgement.early_is_marked()) || !middle.usage)
      continue;
    // A section that was removed and added again keeps its boot usage, so one from slab has none from boot.
    if (after.usage->address - before.usage->address != 2 * size) continue;
    if (middle.usage->address == before.usage->address + size) continue;
    judgement.find(
        "usages out of line",
        fmt::format(
            "section {} has its usage at {:#x}, those of the sections beside it leave room for it at {:#x}",
            middle.nr.raw(), middle.usage->address.raw(), (before.usage->address + size).raw()));
  }
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  for (const Section& section : model.sections) {
    if (!section.usage) judgement.miss("the usage", section.nr, section.usage.error());
  }
  if (model.geometry.usage_size == 0) {
    judgement.miss("the size of a usage", Error{Errc::unsupported, "pageblock_order is not known", {}});
    return std::move(judgement).finish();
  }
  judge_commonest_distance(model, judgement);
  judge_middles(model, judgement);
  return std::move(judgement).finish();
}

}  // namespace

const Check usage_stride_check{"usage_stride",
                               "usages that were allocated at boot as one chunk lie back to back", run};

}  // namespace memsect
