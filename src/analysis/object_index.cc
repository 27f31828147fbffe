#include "analysis/object_index.h"

#include <algorithm>
#include <tuple>

#include "analysis/holders.h"

namespace memsect {
namespace {

using Stretches = std::span<const PhysRange>;

void visit_roots(const MemoryModel& model, const ObjectVisitor& visit) {
  const std::uint64_t per_root = model.geometry.sections_per_root;
  PlacedObject object;
  object.permanent = true;
  if (model.root_table) {
    object.kind = ObjectKind::section_root_table;
    object.address = model.root_table->address;
    object.bytes = model.root_table->bytes;
    object.sections = model.geometry.nr_mem_sections();
    visit(object, model.root_table->phys);
  }
  for (const SectionRoot& root : model.roots) {
    object.kind = ObjectKind::section_root;
    object.address = root.placement.address;
    object.bytes = root.placement.bytes;
    object.first = SectionNr(root.index * per_root);
    object.sections = per_root;
    visit(object, root.placement.phys);
  }
}

void visit_pgdats(const MemoryModel& model, const ObjectVisitor& visit) {
  for (const Node& node : model.nodes) {
    if (!node.placement) continue;
    const Placement& at = *node.placement;
    visit({ObjectKind::pgdat, at.address, at.bytes, {}, 0, node.id, true}, at.phys);
  }
}

void visit_of_sections(const MemoryModel& model, ObjectKind kind, Result<Placement> Section::*part,
                       const std::function<bool(const Section&)>& permanent, const ObjectVisitor& visit) {
  for (const Section& section : model.sections) {
    const Result<Placement>& at = section.*part;
    if (at) visit({kind, at->address, at->bytes, section.nr, 1, {}, permanent(section)}, at->phys);
  }
}

void visit_blocks(const MemoryModel& model, const ObjectVisitor& visit) {
  if (!model.blocks) return;
  const std::uint64_t per_block = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
  for (const MemoryBlock& block : *model.blocks) {
    if (!block.placement) continue;
    const Placement& at = *block.placement;
    visit({ObjectKind::memory_block, at.address, at.bytes, block.start_section, per_block, {}, false},
          at.phys);
  }
}

void visit_memmaps(const MemoryModel& model, const ObjectVisitor& visit) {
  for (const Section& section : model.sections) {
    if (!section.memmap) continue;
    const Memmap& at = *section.memmap;
    visit({ObjectKind::memmap, at.address, at.bytes, section.nr, 1, {}, model.keeps_memmap}, at.backing);
  }
}

void visit_tables(const MemoryModel& model, const ObjectVisitor& visit) {
  if (!model.page_tables) return;
  for (const TableRun& run : *model.page_tables) {
    const bool vmemmap = run.maps == TableRun::Maps::vmemmap;
    visit({vmemmap ? ObjectKind::vmemmap_table : ObjectKind::direct_map_table,
           run.address.value_or(VirtAddr()),
           run.phys.size,
           run.first,
           run.last - run.first + 1,
           {},
           run.permanent},
          Stretches(&run.phys, 1));
  }
}

struct SectionRun {
  SectionNr first, last;
};

/// The sections that the ranges reach into, ascending, as runs that do not touch.
std::vector<SectionRun> sections_of(const MemoryGeometry& geometry, const std::vector<PhysRange>& ranges) {
  std::vector<SectionRun> runs;
  for (const PhysRange& range : ranges) {
    if (!range.empty())
      runs.push_back(
          {geometry.phys_to_section_nr(range.start), geometry.phys_to_section_nr(range.end() - 1)});
  }
  std::sort(runs.begin(), runs.end(),
            [](const SectionRun& a, const SectionRun& b) { return a.first < b.first; });
  std::vector<SectionRun> merged;
  for (const SectionRun& run : runs) {
    if (merged.empty() || merged.back().last + 1 < run.first) {
      merged.push_back(run);
    } else {
      merged.back().last = std::max(merged.back().last, run.last);
    }
  }
  return merged;
}

void visit_device_maps(const MemoryModel& model, const ObjectVisitor& visit) {
  if (!model.device_maps) return;
  for (const DeviceMap& map : *model.device_maps) {
    const Placement& at = map.placement;
    for (const SectionRun& run : sections_of(model.geometry, map.ranges))
      visit({ObjectKind::dev_pagemap, at.address, at.bytes, run.first, run.last - run.first + 1, {}, false},
            at.phys);
  }
}

void visit_tails(const MemoryModel& model, const ObjectVisitor& visit) {
  const std::uint64_t size = model.geometry.page_size();
  for (const Node& node : model.nodes) {
    for (const Zone& zone : node.zones) {
      if (!zone.vmemmap_tails) continue;
      for (const SharedPage& tail : *zone.vmemmap_tails) {
        const PhysRange page{tail.phys, size};
        visit({ObjectKind::vmemmap_tail, {}, size, {}, 0, node.id, true}, Stretches(&page, 1));
      }
    }
  }
}

}  // namespace

void visit_objects(const MemoryModel& model, const ObjectVisitor& visit) {
  const bool early_is_marked = marks_early_sections(model);
  visit_roots(model, visit);
  visit_pgdats(model, visit);
  visit_of_sections(
      model, ObjectKind::usage, &Section::usage,
      [&](const Section& section) { return usage_is_from_boot(section, early_is_marked); }, visit);
  visit_blocks(model, visit);
  visit_memmaps(model, visit);
  visit_of_sections(
      model, ObjectKind::page_ext, &Section::page_ext, [](const Section&) { return false; }, visit);
  visit_tables(model, visit);
  visit_of_sections(
      model, ObjectKind::kasan_shadow, &Section::kasan_shadow,
      [](const Section& section) { return section.flags.early; }, visit);
  visit_device_maps(model, visit);
  visit_tails(model, visit);
}

ObjectIndex::ObjectIndex(const MemoryModel& model) {
  visit_objects(model, [this](const PlacedObject& object, Stretches stretches) {
    for (const PhysRange& place : stretches) {
      if (place.empty()) continue;
      entries_.push_back({place, object});
      largest_ = std::max(largest_, place.size);
    }
  });
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tuple(a.place.start, a.object.first) < std::tuple(b.place.start, b.object.first);
  });
}

std::vector<const ObjectIndex::Entry*> ObjectIndex::in(PhysRange range) const {
  std::vector<const Entry*> found;
  const PhysAddr first(range.start.raw() > largest_ ? range.start.raw() - largest_ : 0);
  auto at = std::lower_bound(entries_.begin(), entries_.end(), first,
                             [](const Entry& entry, PhysAddr wanted) { return entry.place.start < wanted; });
  for (; at != entries_.end() && at->place.start < range.end(); ++at) {
    if (at->place.end() > range.start) found.push_back(&*at);
  }
  return found;
}

}  // namespace memsect
