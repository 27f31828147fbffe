// Selections of sections, blocks and nodes: --section, --node, --block, --range.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "answer/bounds.h"
#include "answer/options.h"
#include "base/position.h"
#include "base/result.h"
#include "model/memory_model.h"

namespace memsect {

/// What --section, --node, --block and --range select. What is not set selects everything.
struct Selection {
  std::optional<std::vector<Bounds>> sections, blocks, nodes;
  std::optional<Bounds> phys;

  bool selects(const MemoryModel& model, const Section& section) const;
  bool selects(const MemoryModel& model, const MemoryBlock& block) const;
  bool selects(const Node& candidate) const;
  bool selects_node(NodeId id) const;
};
/// The present sections that are selected. Notes in the model when that leaves none of them.
std::vector<const Section*> select_sections(MemoryModel& model, const Selection& selection);
/// `usage` when a bound is not of the form the option takes.
Result<Selection> parse_selection(const OptionValues& options);

/// The declarations of the four; of --node alone; of the four and others.
std::vector<OptionSpec> selection_options();
OptionSpec node_option();
std::vector<OptionSpec> selection_options_and(std::vector<OptionSpec> more);

}  // namespace memsect
