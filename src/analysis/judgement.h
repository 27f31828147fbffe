// What a check gathers on its way through a model: what violates its rule, and what it could not read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/check.h"
#include "base/position.h"
#include "base/result.h"
#include "model/memory_model.h"

namespace memsect {

/// Findings and gaps, bounded: of each kind of finding a dozen are kept and the rest counted, gaps are named by what
/// they lack and for which sections.
class Judgement {
 public:
  explicit Judgement(const MemoryModel& model);

  /// Something violates the rule. `kind` is what several of its kind are called: "overlaps".
  void find(std::string_view kind, std::string text);
  /// `what` of a section could not be read. An answer that does not exist (not_applicable) is no gap.
  void miss(std::string_view what, SectionNr section, const Error& error);
  /// `what`, which is no section's, could not be read.
  void miss(std::string_view what, const Error& error);
  /// Whether the pages of a node or a zone could be counted. If not, that is a gap.
  bool has_numbers(const Node& node);
  bool has_numbers(const Node& node, const Zone& zone);
  /// The object must lie in present sections with all its bytes. Where sections may be missing in the model, that one
  /// is not among them is a gap, no finding.
  void expect_present(std::string_view object, std::span<const PhysRange> phys);
  /// That no node could be read is a gap: every kernel has one.
  void expect_nodes();
  /// Whether lists of the model may be short: what is not in them may be there all the same.
  bool model_is_short() const { return model_.incomplete; }

  /// Whether sections carry SECTION_IS_EARLY at all (5.3+). Where none does, all of them may be boot memory.
  bool early_is_marked() const { return early_is_marked_; }

  CheckResult finish() &&;

 private:
  struct Kind {
    std::string_view name;
    std::vector<std::string> texts;
    std::uint64_t count = 0;
  };
  struct Gap {
    std::string what, reason, message;
    std::vector<SectionNr> sections;
  };
  Gap& gap(std::string_view what, const Error& error);

  const MemoryModel& model_;
  bool early_is_marked_;
  std::vector<Kind> kinds_;
  std::vector<Gap> gaps_;
};

/// That the rule has nothing to apply to in this kernel.
CheckResult nothing_to_judge(std::string why);

bool overlap(const PfnRange& a, const PfnRange& b);
/// The pages of a section.
PfnRange pages_of(const MemoryModel& model, SectionNr nr);
/// "0x1000-0x1fff"; "nothing" for an empty range.
std::string pages_text(const PfnRange& pages);
/// "zone Normal of node 1".
std::string zone_text(const Node& node, const Zone& zone);
/// The present sections of a memory block, by its number. Those of different blocks never meet, whatever a damaged block
/// says of itself.
std::span<const Section> sections_of(const MemoryModel& model, const MemoryBlock& block);

}  // namespace memsect
