// The node and the zone of an online memory block reach there.
//
// memory_block.nid is that of a node with pages in the block: at boot of the last one whose range was registered
// (register_mem_block_under_node_early(), memory_block_add_nid()), at hot-plug of the one the memory was added to.
// memory_block.zone (5.18+) is the one zone that has all of it, NULL where there are several. Zones of a block that is
// offline may have shrunk, so only online ones are judged.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judgement.h"

namespace memsect {
namespace {

PfnRange pages_of_block(const MemoryModel& model, const MemoryBlock& block) {
  return {model.geometry.section_nr_to_pfn(SectionNr(block.id * model.geometry.sections_per_block)),
          model.geometry.sections_per_block * model.geometry.pages_per_section()};
}

/// Whether a zone of the node, of the given name where there is one, spans a part of the block.
bool reaches(const Node& node, const std::string& name, const PfnRange& pages) {
  return std::any_of(node.zones.begin(), node.zones.end(), [&](const Zone& zone) {
    return (name.empty() || zone.name == name) && overlap({zone.start_pfn, zone.spanned_pages}, pages);
  });
}

void judge_block(const MemoryModel& model, const MemoryBlock& block, Judgement& judgement) {
  if (!block.node) return judgement.miss(fmt::format("the node of memory{}", block.id), block.node.error());
  const auto node = std::find_if(model.nodes.begin(), model.nodes.end(),
                                 [&](const Node& candidate) { return candidate.id == *block.node; });
  if (node == model.nodes.end()) {
    if (judgement.model_is_short()) return;
    return judgement.find(
        "blocks of nodes that are not there",
        fmt::format("memory{} is of node {}, which has no pgdat", block.id, raw(*block.node)));
  }
  for (const Zone& zone : node->zones) {
    if (!zone.numbers) return judgement.miss("the span of " + zone_text(*node, zone), zone.numbers.error());
  }
  const PfnRange pages = pages_of_block(model, block);
  if (!reaches(*node, {}, pages)) {
    judgement.find("blocks of nodes that do not reach there",
                   fmt::format("memory{} is of node {}, and no zone of that node spans any of its pages",
                               block.id, raw(*block.node)));
  } else if (!block.zone) {
    judgement.miss(fmt::format("the zone of memory{}", block.id), block.zone.error());
  } else if (!block.zone->empty() && !reaches(*node, *block.zone, pages)) {
    judgement.find("blocks of zones that do not reach there",
                   fmt::format("memory{} is of zone {} of node {}, which spans none of its pages", block.id,
                               *block.zone, raw(*block.node)));
  }
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  if (!model.blocks) {
    judgement.miss("the memory blocks", model.blocks.error());
  } else if (model.nodes.empty()) {
    judgement.expect_nodes();
  } else if (model.geometry.sections_per_block == 0 && !model.blocks->empty()) {
    judgement.miss("sections_per_block", Error{Errc::unsupported, "the symbol is not known", {}});
  } else {
    for (const MemoryBlock& block : *model.blocks) {
      if (block.state == "online") judge_block(model, block, judgement);
    }
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check block_node_check{"block_node", "node and zone of each online memory block reach there", run};

}  // namespace memsect
