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
#include "analysis/reason.h"
#include "base/position.h"
#include "model/memory_model.h"
#include "model/offline_rules.h"
#include "model/page_scan.h"

namespace memsect {

/// blocked: the kernel refuses, or tries until it is interrupted. no_blocker_found: nothing in this dump is in the way, which promises
/// nothing. unknown: evidence is missing. offline: it is offline already. no_block: it is no memory block's.
enum class OfflineVerdict { blocked, no_blocker_found, unknown, offline, no_block };
std::string_view offline_verdict_name(OfflineVerdict verdict);

/// What is judged: a memory block, or a section by itself.
struct OfflineUnit {
  bool is_section = false;
  const MemoryBlock* block = nullptr;    ///< the block, or the one the section is in; null: there is none
  std::vector<const Section*> sections;  ///< present ones, ascending
  PhysRange range;                       ///< all of it
  PhysRange tested;                      ///< without the memmap that it hosts itself
};

/// Whether any of its sections is online; whether any is from boot.
bool is_online(const OfflineUnit& unit);
bool is_early(const OfflineUnit& unit);

/// The memory block as a unit, and a section as one.
OfflineUnit unit_of_block(const MemoryModel& model, const MemoryBlock& block);
OfflineUnit unit_of_section(const MemoryModel& model, const Section& section);

struct OfflineJudgement {
  OfflineUnit unit;
  OfflineVerdict verdict = OfflineVerdict::unknown;
  /// What the kernel answers while it is blocked: "EINVAL", "EBUSY" or "EPERM"; "EINTR" where it tries until it is
  /// interrupted; else empty.
  std::string_view error;
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
