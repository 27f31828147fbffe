// Present pages and online sections add up, over the whole machine.
//
//   at most    the pages of all online sections; of an early one, those of its populated subsections: present pages are
//              those of memblock.memory, which also filled the subsection map and made the sections online
//   at least   the pages of online sections that were hot-added: these come online as a whole and count as a whole,
//              their own memmap with them (adjust_present_page_count())
//
// Between them is what a subsection at the end of a range of boot memory has too much. How many pages of an early
// section are present is told nowhere else once the kernel has booted.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

struct Bounds {
  std::uint64_t least = 0, most = 0;
};

Bounds pages_of_online_sections(const MemoryModel& model, Judgement& judgement) {
  Bounds bounds;
  for (const Section& section : model.sections) {
    if (!section.flags.online) continue;
    const std::uint64_t whole = model.geometry.pages_per_section();
    if (!section.flags.early && judgement.early_is_marked()) bounds.least += whole;
    if (!section.flags.early || model.geometry.subsections_per_section() == 0) {
      bounds.most += whole;
    } else if (section.subsections) {
      bounds.most += section.subsections->populated() * model.geometry.pages_per_subsection();
    } else {
      judgement.miss("the subsection map", section.nr, section.subsections.error());
      bounds.most += whole;
    }
  }
  return bounds;
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  bool all = !model.nodes.empty();
  std::uint64_t present = 0;
  for (const Node& node : model.nodes) {
    const bool known = judgement.has_numbers(node);
    if (known) present += node.present_pages;
    all = all && known;
  }
  judgement.expect_nodes();
  const Bounds bounds = pages_of_online_sections(model, judgement);
  if (present > bounds.most && !judgement.model_is_short()) {
    judgement.find(
        "sums",
        fmt::format("the nodes have {} present pages, the populated part of the online sections has {}",
                    present, bounds.most));
  }
  if (all && present < bounds.least && !judgement.model_is_short()) {
    judgement.find(
        "sums", fmt::format("the nodes have {} present pages, the hot-added sections that are online have {}",
                            present, bounds.least));
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check present_pages_check{"present_pages",
                                "present pages of all nodes and pages of online sections add up", run};

}  // namespace memsect
