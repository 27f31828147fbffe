// Cuts objects at section boundaries: the first half of survey_holders (holders.h), where it is drawn.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/holders.h"
#include "analysis/object_kinds.h"

namespace memsect {

/// What one section holds of one object.
struct Part {
  PlacedObject of;
  SectionNr section;
  std::optional<VirtAddr> address;
  PhysAddr phys;
  std::uint64_t bytes = 0;
  bool contiguous = true;
};

/// Calls `each` with every stretch of `parts` that has the same key.
template <class Key, class Each>
void for_each_group(std::span<Part> parts, const Key& key, const Each& each) {
  for (std::size_t first = 0; first < parts.size();) {
    std::size_t end = first + 1;
    while (end < parts.size() && key(parts[end]) == key(parts[first])) ++end;
    each(parts.subspan(first, end - first));
    first = end;
  }
}

/// Collects the parts of all objects, and the names of those whose place is unknown.
class Placer {
 public:
  explicit Placer(const MemoryModel& model);

  /// Adds an object, kind by kind, those of one kind ascending by subject.
  void place(const PlacedObject& object, std::span<const PhysRange> stretches);
  /// Whether a memmap has been placed that maps this page of a zone.
  bool is_mapped_tail(PhysAddr tail) const { return mapped_tails_.count(tail) != 0; }

  void unknown(ObjectKind kind, std::uint64_t subject, Errc why) {
    if (why == Errc::not_applicable) return;
    unknown_[{kind, absence_reason(why)}].push_back(subject);
    if (!keepers_unplaced_) keepers_unplaced_ = why;
  }
  void node_unknown(SectionNr nr, Errc why) {
    if (why != Errc::not_applicable) nodeless_[absence_reason(why)].push_back(nr);
  }

  /// All parts in order.
  std::vector<Part> finish();
  /// By `from`.
  std::vector<Need> take_needs();
  void report_unknown(Survey& survey) const;

 private:
  bool inside_physical_memory(const PhysRange& stretch) const {
    const std::uint64_t last = stretch.end().raw() - 1;
    return last >= stretch.start.raw() &&
           geometry_.phys_to_section_nr(PhysAddr(last)).raw() < geometry_.nr_mem_sections();
  }

  /// Cuts one stretch at section boundaries.
  void cut(const PlacedObject& object, PhysRange stretch, std::optional<std::uint64_t> offset) {
    while (!stretch.empty()) {
      Part piece;
      piece.of = object;
      piece.section = geometry_.phys_to_section_nr(stretch.start);
      piece.phys = stretch.start;
      piece.bytes = std::min(stretch.size, geometry_.section_range(piece.section).end() - stretch.start);
      piece.address = offset ? std::optional(object.address + *offset) : std::nullopt;
      pieces_.push_back(piece);
      stretch = {stretch.start + piece.bytes, stretch.size - piece.bytes};
      if (offset) *offset += piece.bytes;
    }
  }

  /// Notes the other sections that the pieces, which are in order, lie in, each once.
  void note_needs(SectionNr from, EdgeKind kind) {
    std::optional<SectionNr> last;
    for (const Part& piece : pieces_) {
      if (piece.section != from && piece.section != last) needs_.push_back({from, piece.section, kind});
      last = piece.section;
    }
  }

  void gather(std::vector<Part>& pieces);
  void take_tails();
  void separate_shared(std::span<Part> in_one_section);

  const MemoryGeometry& geometry_;        // the model's
  std::map<PhysAddr, Allocation> tails_;  ///< pages that zones keep
  std::set<PhysAddr> mapped_tails_;
  std::vector<Part> pieces_;
  std::vector<Part> parts_;
  std::vector<Need> needs_;
  std::vector<Part> loose_;  ///< stretches of scattered memmaps: some may be shared between sections
  std::map<std::pair<ObjectKind, std::string_view>, std::vector<std::uint64_t>> unknown_;
  std::optional<Errc> keepers_unplaced_;
  std::map<std::string_view, std::vector<SectionNr>> nodeless_;
};

}  // namespace memsect
