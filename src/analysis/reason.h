// One thing that keeps memory from being taken offline, with its evidence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/page_owner.h"

namespace memsect {

/// permanent: for as long as this kernel runs. now: as long as its owner keeps it. hint: no refusal by itself.
enum class ReasonSeverity { permanent, now, hint };
std::string_view reason_severity_name(ReasonSeverity severity);

/// Where in the course of offlining it shows, which decides what the kernel answers: the first one counts.
enum class OfflineStage {
  checks,      ///< before any page is looked at: EINVAL
  isolation,   ///< of the pageblocks: EBUSY
  notifiers,   ///< EPERM
  migration,   ///< while pages are moved, or after: EBUSY
  never_ends,  ///< it goes on and on: EINTR, when it is interrupted
};
std::string_view answer_of(OfflineStage stage);

/// One thing in the way, with its evidence.
struct Reason {
  std::string_view code;  ///< of the contract: "holds_usage", "unmovable_slab", ...
  ReasonSeverity severity = ReasonSeverity::now;
  OfflineStage stage = OfflineStage::isolation;  ///< of what is no hint
  std::string text;                              ///< a sentence without a full stop
  std::optional<SectionNr> section;              ///< where the first of it lies
  std::uint64_t count = 0;                       ///< pages, or objects of holds_*
  std::vector<Pfn> first_pages;                  ///< the first few
  std::vector<std::uint64_t> pageblocks;         ///< pageblocks concerned, by first pfn; the first few
  std::uint64_t pageblock_count = 0;
  std::optional<VirtAddr> address;  ///< of the first object
  std::vector<SectionNr> of_sections;
  std::vector<NodeId> of_nodes;
  /// Why some of the pages may belong to something that another reason would name: it could not be placed.
  std::optional<Error> attribution;
  /// Who allocated the first of first_pages; `not_applicable` where nobody noted it, or asked.
  Result<PageOwner> owner = Error{Errc::not_applicable, "not asked for", {}};
};

/// One with these alone.
Reason make_reason(std::string_view code, ReasonSeverity severity, std::string text,
                   OfflineStage stage = OfflineStage::isolation);

}  // namespace memsect
