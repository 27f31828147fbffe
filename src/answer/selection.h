// Selections of sections, blocks and nodes: --section, --node, --block, --range.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "answer/options.h"
#include "base/position.h"
#include "base/result.h"
#include "model/memory_model.h"

namespace memsect {

/// Bounds, both inclusive.
struct Bounds {
  std::uint64_t first = 0, last = 0;
  bool contains(std::uint64_t value) const { return first <= value && value <= last; }
};

/// What --section, --node, --block and --range select. What is not set selects everything.
struct Selection {
  std::optional<Bounds> sections, blocks, phys;
  std::optional<std::uint64_t> node;

  bool selects(const MemoryModel& model, const Section& section) const;
  bool selects(const MemoryModel& model, const MemoryBlock& block) const;
  bool selects(const Node& candidate) const;
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
