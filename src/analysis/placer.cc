#include "analysis/placer.h"

#include <fmt/format.h>

#include <string>
#include <tuple>

#include "analysis/words.h"

namespace memsect {
namespace {

struct PartOrder {
  bool operator()(const Part& a, const Part& b) const {
    if (a.section != b.section) return a.section < b.section;
    if (a.of.kind != b.of.kind) return a.of.kind < b.of.kind;
    if (a.phys != b.phys) return a.phys < b.phys;
    return std::tuple(a.bytes, a.of.subject) < std::tuple(b.bytes, b.of.subject);
  }
};

/// The pages that zones keep for the struct pages of huge pages' tails.
std::map<PhysAddr, Allocation> tails_of_zones(const MemoryModel& model) {
  std::map<PhysAddr, Allocation> tails;
  for (const Node& node : model.nodes) {
    for (const Zone& zone : node.zones) {
      if (!zone.vmemmap_tails) continue;
      for (const SharedPage& tail : *zone.vmemmap_tails) tails.emplace(tail.phys, tail.allocation);
    }
  }
  return tails;
}

/// Joins sorted pieces of one object in one section: physically adjacent or overlapping ones become one.
void join_stretches(std::vector<Part>& pieces) {
  std::size_t kept = 0;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    Part& last = pieces[kept];
    const Part& next = pieces[i];
    if (next.section == last.section && next.phys <= last.phys + last.bytes) {
      last.bytes = std::max(last.bytes, (next.phys - last.phys) + next.bytes);
      last.contiguous = last.contiguous && last.address && next.address &&
                        *next.address - *last.address == next.phys - last.phys;
      if (last.address && next.address) last.address = std::min(*last.address, *next.address);
    } else {
      pieces[++kept] = next;
    }
  }
  pieces.resize(kept + 1);
}

/// Makes one part out of all that one object has in one section (the pieces are sorted by physical address).
Part one_part(std::span<const Part> pieces) {
  Part part = pieces.front();
  for (const Part& piece : pieces.subspan(1)) {
    part.bytes += piece.bytes;
    part.contiguous = false;
    if (part.address && piece.address) part.address = std::min(*part.address, *piece.address);
  }
  return part;
}

std::string unknown_text(const ObjectKindFacts& facts, const std::vector<std::uint64_t>& subjects) {
  const std::string text(facts.unplaced);
  std::vector<SectionNr> sections;
  std::vector<NodeId> nodes;
  for (const std::uint64_t subject : subjects) {
    sections.emplace_back(subject);
    nodes.push_back(static_cast<NodeId>(subject));
  }
  if (facts.serves_nodes) return text + " " + nodes_text(nodes);
  if (facts.numbers_roots) return text + " " + order_text(sections);
  return facts.edge && facts.edge != EdgeKind::dev_pagemap ? text + " " + sections_text(sections) : text;
}

}  // namespace

Placer::Placer(const MemoryModel& model) : geometry_(model.geometry), tails_(tails_of_zones(model)) {
  parts_.reserve(2 * model.sections.size());
  needs_.reserve(2 * model.sections.size());
}

void Placer::place(const PlacedObject& object, std::span<const PhysRange> stretches) {
  const ObjectKindFacts& facts = facts_of(object.kind);
  std::vector<Part>& pieces = pieces_;  // kept between calls: there are hundreds of thousands
  pieces.clear();
  std::uint64_t offset = 0;
  for (const PhysRange& stretch : stretches) {
    if (stretch.empty()) continue;
    if (!inside_physical_memory(stretch)) return unknown(object.kind, object.subject, Errc::corrupt);
    cut(object, stretch, object.whole ? std::optional(offset) : std::nullopt);
    offset += stretch.size;
  }
  if (pieces.empty()) return unknown(object.kind, object.subject, Errc::corrupt);
  if (pieces.size() > 1) std::stable_sort(pieces.begin(), pieces.end(), PartOrder());
  if (facts.edge && shown_edges.has(*facts.edge)) note_needs(SectionNr(object.subject), *facts.edge);
  if (object.kind == ObjectKind::memmap && !tails_.empty()) take_tails();
  gather(pieces);
}

std::vector<Need> Placer::take_needs() {
  const auto by_from = [](const Need& a, const Need& b) { return a.from < b.from; };
  // They came kind by kind, ascending in each.
  for (auto middle = needs_.begin(); middle != needs_.end();) {
    const auto end = std::is_sorted_until(middle, needs_.end(), by_from);
    std::inplace_merge(needs_.begin(), middle, end, by_from);
    middle = end;
  }
  return std::move(needs_);
}

/// Takes the pages out of the pieces of a memmap that a zone keeps for ever, and makes permanent parts of them.
void Placer::take_tails() {
  const std::uint64_t page = geometry_.page_size();
  std::vector<Part> others;
  std::set<PhysAddr> seen;
  for (Part piece : pieces_) {
    const PhysAddr end = piece.phys + piece.bytes;
    const auto cut_off = [&piece](std::uint64_t bytes) {
      Part head = piece;
      head.bytes = bytes;
      piece.phys += bytes;
      piece.bytes -= bytes;
      if (piece.address) *piece.address += bytes;
      return head;
    };
    for (auto tail = tails_.lower_bound(piece.phys); tail != tails_.end() && tail->first + page <= end;
         ++tail) {
      if (tail->first > piece.phys) others.push_back(cut_off(tail->first - piece.phys));
      Part kept = cut_off(page);
      if (!seen.insert(kept.phys).second) continue;
      kept.of.permanent = true;
      kept.of.allocation = tail->second;
      mapped_tails_.insert(kept.phys);
      parts_.push_back(kept);
    }
    if (piece.bytes > 0) others.push_back(piece);
  }
  pieces_ = std::move(others);
}

void Placer::gather(std::vector<Part>& pieces) {
  if (pieces.empty()) return;
  if (pieces.size() == 1) {
    parts_.push_back(pieces.front());
    return;
  }
  const auto total = [&pieces] {
    std::uint64_t bytes = 0;
    for (const Part& piece : pieces) bytes += piece.bytes;
    return bytes;
  };
  const std::uint64_t mapped = total();
  join_stretches(pieces);
  const bool by_pages = facts_of(pieces.front().of.kind).mapped_by_pages;
  const bool maps_twice = total() != mapped;
  for_each_group(
      std::span(pieces), [](const Part& part) { return part.section; },
      [&](std::span<const Part> in_section) {
        if (by_pages && (maps_twice || in_section.size() > 1)) {
          loose_.insert(loose_.end(), in_section.begin(), in_section.end());
        } else {
          parts_.push_back(one_part(in_section));
        }
      });
}

/// Splits overlapping stretches of different memmaps so that the common bytes become stretches of their own,
/// which are then alike in both; whatever only one section uses is put together again.
void Placer::separate_shared(std::span<Part> in_one_section) {
  std::vector<PhysAddr> cuts;
  PhysAddr reached;
  for (const Part& part : in_one_section) {
    if (part.phys < reached) {
      for (const Part& other : in_one_section) {
        cuts.push_back(other.phys);
        cuts.push_back(other.phys + other.bytes);
      }
      break;
    }
    reached = part.phys + part.bytes;
  }
  std::sort(cuts.begin(), cuts.end());
  std::vector<Part> pieces;
  for (Part part : in_one_section) {
    for (auto at = std::upper_bound(cuts.begin(), cuts.end(), part.phys);
         at != cuts.end() && *at < part.phys + part.bytes; at = std::upper_bound(at, cuts.end(), part.phys)) {
      Part head = part;
      head.bytes = *at - part.phys;
      pieces.push_back(head);
      part.phys += head.bytes;
      part.bytes -= head.bytes;
      if (part.address) *part.address += head.bytes;
    }
    pieces.push_back(part);
  }
  std::sort(pieces.begin(), pieces.end(), PartOrder());
  std::vector<Part> own;
  for_each_group(
      std::span(pieces), [](const Part& part) { return part.phys; },
      [&](std::span<const Part> alike) {
        std::vector<Part>& target = alike.size() > 1 ? parts_ : own;
        target.insert(target.end(), alike.begin(), alike.end());
      });
  std::stable_sort(own.begin(), own.end(),
                   [](const Part& a, const Part& b) { return a.of.subject < b.of.subject; });
  for_each_group(
      std::span(own), [](const Part& part) { return part.of.subject; },
      [&](std::span<Part> of_one) {
        std::vector<Part> joined(of_one.begin(), of_one.end());
        join_stretches(joined);
        parts_.push_back(one_part(joined));
      });
}

std::vector<Part> Placer::finish() {
  std::sort(loose_.begin(), loose_.end(), PartOrder());
  for_each_group(
      std::span(loose_), [](const Part& part) { return std::pair(part.section, part.of.kind); },
      [&](std::span<Part> in_section) { separate_shared(in_section); });
  loose_.clear();
  std::sort(parts_.begin(), parts_.end(), PartOrder());
  return std::move(parts_);
}

void Placer::report_unknown(Survey& survey) const {
  for (const auto& [what, subjects] : unknown_) {
    survey.incomplete = true;
    if (keepers_unplaced_ && !survey.keepers_unplaced) {
      survey.keepers_unplaced = Error{
          *keepers_unplaced_, unknown_text(facts_of(what.first), subjects) + " could not be placed", {}};
    }
    survey.notes.warn(fmt::format(
        "{} could not be placed ({}): what holds it is missing here, and with it perhaps a reason "
        "why a section cannot go",
        unknown_text(facts_of(what.first), subjects), what.second));
  }
  for (const auto& [reason, sections] : nodeless_) {
    survey.incomplete = true;
    survey.notes.warn(
        fmt::format("the node of {} could not be read ({}): what it needs of its node is missing",
                    sections_text(sections), reason));
  }
}

}  // namespace memsect
