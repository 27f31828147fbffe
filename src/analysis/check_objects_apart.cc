// No two objects of the memory model share a byte of physical memory.
//
//   root table, roots, pgdats, memory blocks, usages    each with every other one
//   memmap                                              with all of these, not with other memmap
//
// Each is an allocation of its own, or its own part of one. Memmaps may share pages with one another: tail pages of
// HugeTLB's vmemmap optimisation (5.14+) and of device folios. Two usages are usage_shared's and usage_apart's matter.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "analysis/judgement.h"

namespace memsect {
namespace {

enum class Kind { root_table, root, pgdat, memory_block, usage, memmap };

/// A physical stretch of an object. `number` is that of the root, node, block or section it belongs to.
struct Piece {
  PhysRange range;
  Kind kind = Kind::memmap;
  std::uint64_t number = 0;
};

std::string name_of(const Piece& piece) {
  switch (piece.kind) {
    case Kind::root_table:
      return "the table of section roots";
    case Kind::root:
      return fmt::format("section root {}", piece.number);
    case Kind::pgdat:
      return fmt::format("the pgdat of node {}", piece.number);
    case Kind::memory_block:
      return fmt::format("the memory_block of memory{}", piece.number);
    case Kind::usage:
      return fmt::format("the usage of section {}", piece.number);
    case Kind::memmap:
      break;
  }
  return fmt::format("the memmap of section {}", piece.number);
}

class Pieces {
 public:
  Pieces(const MemoryModel& model, Judgement& judgement) {
    if (model.root_table)
      add(*model.root_table, Kind::root_table, 0);
    else
      judgement.miss("the table of section roots", model.root_table.error());
    for (const SectionRoot& root : model.roots) add(root.placement, Kind::root, root.index);
    for (const Node& node : model.nodes) {
      const auto number = static_cast<std::uint64_t>(raw(node.id));
      if (node.placement)
        add(*node.placement, Kind::pgdat, number);
      else
        judgement.miss(fmt::format("the pgdat of node {}", number), node.placement.error());
    }
    if (model.blocks) {
      for (const MemoryBlock& block : *model.blocks) {
        if (block.placement) add(*block.placement, Kind::memory_block, block.id);
      }
    }
    add_sections(model, judgement);
    std::stable_sort(all_.begin(), all_.end(),
                     [](const Piece& a, const Piece& b) { return a.range.start < b.range.start; });
  }
  const std::vector<Piece>& sorted() const { return all_; }

 private:
  void add(const Placement& placement, Kind kind, std::uint64_t number) {
    for (const PhysRange& range : placement.phys) all_.push_back({range, kind, number});
  }
  void add_sections(const MemoryModel& model, Judgement& judgement) {
    for (const Section& section : model.sections) {
      if (section.usage)
        add(*section.usage, Kind::usage, section.nr.raw());
      else
        judgement.miss("the usage", section.nr, section.usage.error());
      if (!section.memmap) {
        judgement.miss("the memmap", section.nr, section.memmap.error());
        continue;
      }
      for (const PhysRange& range : section.memmap->backing)
        all_.push_back({range, Kind::memmap, section.nr.raw()});
    }
  }
  std::vector<Piece> all_;
};

bool may_meet(const Piece& a, const Piece& b) {
  return a.kind == b.kind && (a.kind == Kind::memmap || a.kind == Kind::usage);
}

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  const Pieces pieces(model, judgement);
  // Of each kind the piece that reaches farthest: whatever begins before its end overlaps it.
  std::array<const Piece*, 6> farthest{};
  for (const Piece& piece : pieces.sorted()) {
    for (const Piece* other : farthest) {
      if (other == nullptr || may_meet(*other, piece) || !other->range.contains(piece.range.start)) continue;
      judgement.find("overlaps", fmt::format("{} and {} overlap at physical address {:#x}", name_of(*other),
                                             name_of(piece), piece.range.start.raw()));
    }
    const Piece*& mine = farthest[static_cast<std::size_t>(piece.kind)];
    if (mine == nullptr || mine->range.end() < piece.range.end()) mine = &piece;
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check objects_apart_check{"objects_apart", "no two objects of the memory model share memory", run};

}  // namespace memsect
