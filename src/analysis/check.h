// Invariants of the memory model: what holds in every kernel that is sound, each judged on the model alone.
//
// To add one: check_NAME.cc, whose head says which rule of the kernel it mirrors, with `const Check NAME_check` as its
// last lines; an extern line and an entry in the array of checks.cc; three models in testdata/model/check/NAME.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/memory_model.h"

namespace memsect {

enum class Verdict { holds, violated, undecided };
/// "holds", "violated", "undecided".
std::string_view verdict_name(Verdict verdict);

/// What a check says of a model. Where something violates the rule it is violated, whatever else could not be read;
/// where nothing does and something could not be read it is undecided: nothing is passed in silence.
struct CheckResult {
  Verdict verdict = Verdict::holds;
  std::vector<std::string>
      findings;             ///< what violates the rule; of one kind the first dozen, then how many more
  std::uint64_t found = 0;  ///< all that violates it
  /// What could not be read (of an undecided one always), or that there is nothing here to which the rule applies (of
  /// one that holds). Empty otherwise.
  std::string why;
};

/// One invariant.
struct Check {
  std::string_view name;   ///< as in --check: "vmemmap_base"
  std::string_view title;  ///< the rule, as a sentence without its full stop
  CheckResult (*run)(const MemoryModel& model);
};

extern const Check section_flags_check;
extern const Check section_parts_check;
extern const Check vmemmap_base_check;
extern const Check memmap_whole_check;
extern const Check memmap_apart_check;
extern const Check subsection_map_check;
extern const Check pageblock_types_check;
extern const Check isolated_pageblocks_check;
extern const Check usage_shared_check;
extern const Check usage_apart_check;
extern const Check usage_stride_check;
extern const Check usage_memory_check;
extern const Check root_memory_check;
extern const Check pgdat_memory_check;
extern const Check objects_apart_check;
extern const Check node_identity_check;
extern const Check zone_span_check;
extern const Check zone_pages_check;
extern const Check node_pages_check;
extern const Check present_pages_check;
extern const Check section_node_check;
extern const Check block_sections_check;
extern const Check block_state_check;
extern const Check block_node_check;
extern const Check self_hosted_memmap_check;
extern const Check filter_kept_kernel_pages_check;

/// All checks, in the order of the output.
std::span<const Check* const> checks();
/// The check of that name, or null.
const Check* find_check(std::string_view name);

}  // namespace memsect
