// Whether memory can be taken offline, and then removed, as far as a dump can tell. Pure functions of the model and of
// what a scan of the pages found.
//
// Two questions kept apart. *Offline*: can all pages be moved out? The kernel's own tests answer, in its own order.
// *Remove*: can the block then be let go? What never goes offline is never removed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/object_index.h"
#include "base/position.h"
#include "model/memory_model.h"
#include "model/offline_rules.h"
#include "model/page_owner.h"
#include "model/page_scan.h"

namespace memsect {

/// blocked: the kernel refuses, or tries for ever. no_blocker_found: nothing in this dump is in the way, which promises
/// nothing. unknown: evidence is missing. offline: it is offline already. no_block: it is no memory block's.
enum class OfflineVerdict { blocked, no_blocker_found, unknown, offline, no_block };
std::string_view offline_verdict_name(OfflineVerdict verdict);

/// permanent: for as long as this kernel runs. now: as long as its owner keeps it. hint: no refusal by itself.
enum class ReasonSeverity { permanent, now, hint };
std::string_view reason_severity_name(ReasonSeverity severity);

/// One thing in the way, with its evidence.
struct Reason {
  std::string_view code;  ///< of the contract: "holds_usage", "unmovable_slab", ...
  ReasonSeverity severity = ReasonSeverity::now;
  std::string text;                       ///< a sentence without a full stop
  std::optional<SectionNr> section;       ///< where the first of it lies
  std::uint64_t count = 0;                ///< pages, or objects of holds_*
  std::vector<Pfn> first_pages;           ///< the first few
  std::vector<std::uint64_t> pageblocks;  ///< pageblocks concerned, by first pfn; the first few
  std::uint64_t pageblock_count = 0;
  std::optional<VirtAddr> address;  ///< of the first object
  std::vector<SectionNr> of_sections;
  std::vector<NodeId> of_nodes;
  /// Who allocated the first of first_pages; `not_applicable` where nobody noted it, or asked.
  Result<PageOwner> owner = Error{Errc::not_applicable, "not asked for", {}};
};

/// What is judged: a memory block, or a section by itself.
struct OfflineUnit {
  bool is_section = false;
  const MemoryBlock* block = nullptr;    ///< the block, or the one the section is in; null: there is none
  std::vector<const Section*> sections;  ///< present ones, ascending
  PhysRange range;                       ///< all of it
  PhysRange tested;                      ///< without the memmap that it hosts itself
};

/// The memory block as a unit, and a section as one.
OfflineUnit unit_of_block(const MemoryModel& model, const MemoryBlock& block);
OfflineUnit unit_of_section(const MemoryModel& model, const Section& section);

struct OfflineJudgement {
  OfflineUnit unit;
  OfflineVerdict verdict = OfflineVerdict::unknown;
  std::string_view error;  ///< what the kernel answers while it is blocked: "EBUSY" or "EINVAL"; else empty
  OfflineVerdict remove = OfflineVerdict::unknown;  ///< blocked, no_blocker_found or unknown
  std::string remove_text;
  std::vector<Reason> reasons;  ///< the strongest first
  std::uint64_t free_pages = 0, movable_pages = 0, unmovable_pages = 0, pages_not_read = 0, corrupt_pages = 0;
};

/// Judges units of one model. Keeps references to its arguments.
class OfflineJudge {
 public:
  /// `zone_names`: by enum zone_type, for the reasons' texts.
  OfflineJudge(const MemoryModel& model, const OfflineRules& rules, std::vector<std::string> zone_names);

  /// Whether the unit's pages decide anything: those of memory that is not online are never looked at.
  static bool wants_scan(const OfflineUnit& unit);
  /// `scan`: of the pages of unit.tested; an empty one where wants_scan() says no.
  OfflineJudgement judge(const OfflineUnit& unit, const PageScan& scan) const;

 private:
  const MemoryModel& model_;
  const OfflineRules& rules_;
  std::vector<std::string> zone_names_;
  ObjectIndex objects_;
};

/// The units that could go one after the other, as positions in `judgements`: those that nothing blocks, and then those
/// that were blocked only by what served one that has gone. What is offline counts as gone.
std::vector<std::size_t> plan_offlining(const std::vector<OfflineJudgement>& judgements);

}  // namespace memsect
