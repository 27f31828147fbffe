// The struct pages of an online section are of nodes and zones that reach there.
//
// page_to_nid() and page_zonenum() were written from the ranges that also made the zones (memmap_init_range()), so a
// node that the first page of a pageblock names has a pgdat, and one of its zones spans a part of the section.
//
// Pages in holes of boot memory are another matter. Up to 5.11 they claim node 0, zone 0 (init_unavailable_mem()); from
// 5.12 on (0740a50b9baf, in 5.10.y too) the node and zone of the range behind the hole, which may begin in a later section
// (init_unavailable_range()). So of an early section it is asked that one of the nodes reaches there, of a hot-added
// one, which has no holes, that each does.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "analysis/judgement.h"

namespace memsect {
namespace {

const Node* find_node(const MemoryModel& model, NodeId id) {
  const auto at =
      std::find_if(model.nodes.begin(), model.nodes.end(), [&](const Node& node) { return node.id == id; });
  return at == model.nodes.end() ? nullptr : &*at;
}

/// Whether a zone of the node spans a part of the section. True when that cannot be told; the gap is told.
bool reaches(const MemoryModel& model, const Node& node, const Section& section, Judgement& judgement) {
  for (const Zone& zone : node.zones) {
    if (!zone.numbers) {
      judgement.miss("the span of " + zone_text(node, zone), zone.numbers.error());
      return true;
    }
    if (overlap({zone.start_pfn, zone.spanned_pages}, pages_of(model, section.nr))) return true;
  }
  return false;
}

std::set<int> nodes_seen(const Section& section) {
  std::set<int> seen;
  if (section.node) seen.insert(raw(*section.node));
  if (section.zones) {
    for (const NodeId id : section.zones->nodes) seen.insert(raw(id));
  }
  return seen;
}

void judge_section(const MemoryModel& model, const Section& section, Judgement& judgement) {
  const bool may_have_holes = section.flags.early || !judgement.early_is_marked();
  std::vector<int> strangers;
  bool any_reaches = false;
  const std::set<int> seen = nodes_seen(section);
  for (const int id : seen) {
    const Node* const node = find_node(model, NodeId{id});
    if (node == nullptr) {
      if (judgement.model_is_short()) return;
      judgement.find(
          "sections of nodes that are not there",
          fmt::format("section {} has struct pages of node {}, which has no pgdat", section.nr.raw(), id));
      return;
    }
    if (reaches(model, *node, section, judgement))
      any_reaches = true;
    else
      strangers.push_back(id);
  }
  if (strangers.empty() || (may_have_holes && any_reaches)) return;
  judgement.find(
      "sections of nodes that do not reach there",
      fmt::format("section {} has struct pages of node {}, and no zone of that node spans any of its pages",
                  section.nr.raw(), strangers.front()));
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  if (model.nodes.empty()) {
    judgement.expect_nodes();
    return std::move(judgement).finish();
  }
  for (const Section& section : model.sections) {
    if (!section.flags.online) continue;  // their struct pages are stale, or were never written
    if (!section.node) judgement.miss("the first struct page", section.nr, section.node.error());
    if (!section.zones) judgement.miss("struct pages", section.nr, section.zones.error());
    judge_section(model, section, judgement);
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check section_node_check{"section_node",
                               "struct pages of online sections are of nodes whose zones reach there", run};

}  // namespace memsect
