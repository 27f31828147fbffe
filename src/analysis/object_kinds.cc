#include "analysis/object_kinds.h"

#include <algorithm>
#include <array>
#include <vector>

namespace memsect {
namespace {

using Stretches = std::span<const PhysRange>;

void tell_unplaced(const ObjectVisitor& visitor, ObjectKind kind, std::uint64_t subject, const Error& why) {
  if (visitor.unplaced) visitor.unplaced(kind, subject, why.code);
}

std::uint64_t total(Stretches stretches) {
  std::uint64_t bytes = 0;
  for (const PhysRange& range : stretches) bytes += range.size;
  return bytes;
}

/// An object that lies at `at`, as far as that says.
PlacedObject object_at(ObjectKind kind, std::uint64_t subject, const Placement& at) {
  PlacedObject object;
  object.kind = kind;
  object.subject = subject;
  object.address = at.address;
  object.bytes = at.bytes;
  object.allocation = at.allocation;
  object.whole = true;
  return object;
}

void serve_section(PlacedObject& object, SectionNr nr) {
  object.first = nr;
  object.sections = 1;
}

void visit_root_table(const MemoryModel& model, const ObjectVisitor& visitor) {
  constexpr ObjectKind kind = ObjectKind::section_root_table;
  if (!model.root_table) return tell_unplaced(visitor, kind, 0, model.root_table.error());
  PlacedObject object = object_at(kind, 0, *model.root_table);
  object.sections = model.geometry.nr_mem_sections();
  object.permanent = true;
  visitor.placed(object, model.root_table->phys);
}

void visit_roots(const MemoryModel& model, const ObjectVisitor& visitor) {
  const std::uint64_t per_root = model.geometry.sections_per_root;
  for (const SectionRoot& root : model.roots) {
    PlacedObject object = object_at(ObjectKind::section_root, root.index, root.placement);
    object.first = SectionNr(root.index * per_root);
    object.sections = per_root;
    object.permanent = true;
    visitor.placed(object, root.placement.phys);
  }
}

void visit_pgdats(const MemoryModel& model, const ObjectVisitor& visitor) {
  for (const Node& node : model.nodes) {
    const auto subject = static_cast<std::uint64_t>(raw(node.id));
    if (!node.placement) {
      tell_unplaced(visitor, ObjectKind::pgdat, subject, node.placement.error());
      continue;
    }
    PlacedObject object = object_at(ObjectKind::pgdat, subject, *node.placement);
    object.node = node.id;
    object.permanent = true;
    visitor.placed(object, node.placement->phys);
  }
}

/// Objects that the kernel keeps for single sections. `permanent`: of a section.
template <class IsPermanent>
void visit_of_sections(const MemoryModel& model, ObjectKind kind, Result<Placement> Section::*part,
                       const IsPermanent& permanent, const ObjectVisitor& visitor) {
  const bool by_pages = facts_of(kind).mapped_by_pages;
  for (const Section& section : model.sections) {
    const Result<Placement>& at = section.*part;
    if (!at) {
      tell_unplaced(visitor, kind, section.nr.raw(), at.error());
      continue;
    }
    PlacedObject object = object_at(kind, section.nr.raw(), *at);
    serve_section(object, section.nr);
    object.permanent = permanent(section);
    if (by_pages || kind == ObjectKind::page_ext) object.whole = total(at->phys) == at->bytes;
    visitor.placed(object, at->phys);
  }
}

void visit_usages(const MemoryModel& model, const ObjectVisitor& visitor) {
  const bool early_is_marked = marks_early_sections(model);
  visit_of_sections(
      model, ObjectKind::usage, &Section::usage,
      [&](const Section& section) { return usage_is_from_boot(section, early_is_marked); }, visitor);
}

void visit_memmaps(const MemoryModel& model, const ObjectVisitor& visitor) {
  for (const Section& section : model.sections) {
    if (!section.memmap) {
      tell_unplaced(visitor, ObjectKind::memmap, section.nr.raw(), section.memmap.error());
      continue;
    }
    const Memmap& at = *section.memmap;
    const std::uint64_t mapped = total(at.backing);
    if (mapped == 0) continue;
    PlacedObject object;
    object.kind = ObjectKind::memmap;
    object.subject = section.nr.raw();
    object.address = at.address;
    object.bytes = at.bytes;
    object.allocation = at.allocation;
    object.permanent = model.keeps_memmap;
    object.whole = mapped == at.bytes;
    serve_section(object, section.nr);
    visitor.placed(object, at.backing);
  }
}

void visit_page_exts(const MemoryModel& model, const ObjectVisitor& visitor) {
  visit_of_sections(
      model, ObjectKind::page_ext, &Section::page_ext, [](const Section&) { return false; }, visitor);
}

void visit_shadows(const MemoryModel& model, const ObjectVisitor& visitor) {
  visit_of_sections(
      model, ObjectKind::kasan_shadow, &Section::kasan_shadow,
      [](const Section& section) { return section.flags.early; }, visitor);
}

void visit_blocks(const MemoryModel& model, const ObjectVisitor& visitor) {
  if (!model.blocks) return;
  for (const MemoryBlock& block : *model.blocks) {
    const std::uint64_t subject = block.start_section.raw();
    if (!block.placement) {
      tell_unplaced(visitor, ObjectKind::memory_block, subject, block.placement.error());
      continue;
    }
    PlacedObject object = object_at(ObjectKind::memory_block, subject, *block.placement);
    object.first = block.start_section;
    object.sections = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
    visitor.placed(object, block.placement->phys);
  }
}

void visit_tables(const MemoryModel& model, TableRun::Maps maps, ObjectKind kind,
                  const ObjectVisitor& visitor) {
  if (!model.page_tables) return;
  for (const TableRun& run : *model.page_tables) {
    if (run.maps != maps) continue;
    PlacedObject object;
    object.kind = kind;
    object.subject = run.first.raw();
    object.address = run.address.value_or(VirtAddr());
    object.bytes = run.phys.size;
    object.first = run.first;
    object.sections = run.last - run.first + 1;
    object.allocation = run.allocation;
    object.permanent = run.permanent;
    object.whole = run.address.has_value();
    visitor.placed(object, Stretches(&run.phys, 1));
  }
}

void visit_vmemmap_tables(const MemoryModel& model, const ObjectVisitor& visitor) {
  // One list, told as missing once.
  if (!model.page_tables)
    return tell_unplaced(visitor, ObjectKind::vmemmap_table, 0, model.page_tables.error());
  visit_tables(model, TableRun::Maps::vmemmap, ObjectKind::vmemmap_table, visitor);
}

void visit_direct_map_tables(const MemoryModel& model, const ObjectVisitor& visitor) {
  visit_tables(model, TableRun::Maps::direct_map, ObjectKind::direct_map_table, visitor);
}

/// Sections that never were online and belong to no memory block: a device's, if they have struct pages.
bool has_device_sections(const MemoryModel& model) {
  return model.blocks &&
         std::any_of(model.sections.begin(), model.sections.end(), [&](const Section& section) {
           return section.flags.has_mem_map && !section.flags.online && model.block_of(section.nr) == nullptr;
         });
}

void visit_device_maps(const MemoryModel& model, const ObjectVisitor& visitor) {
  if (!model.device_maps) {
    if (has_device_sections(model))
      tell_unplaced(visitor, ObjectKind::dev_pagemap, 0, model.device_maps.error());
    return;
  }
  for (std::size_t i = 0; i < model.device_maps->size(); ++i) {
    const Placement& at = (*model.device_maps)[i].placement;
    visitor.placed(object_at(ObjectKind::dev_pagemap, i, at), at.phys);
  }
}

void visit_tails(const MemoryModel& model, const ObjectVisitor& visitor) {
  PlacedObject object;
  object.kind = ObjectKind::vmemmap_tail;
  object.bytes = model.geometry.page_size();
  object.permanent = true;
  for (const Node& node : model.nodes) {
    object.subject = static_cast<std::uint64_t>(raw(node.id));
    object.node = node.id;
    for (const Zone& zone : node.zones) {
      if (!zone.vmemmap_tails) {
        tell_unplaced(visitor, object.kind, object.subject, zone.vmemmap_tails.error());
        continue;
      }
      for (const SharedPage& tail : *zone.vmemmap_tails) {
        const PhysRange page{tail.phys, object.bytes};
        object.allocation = tail.allocation;
        visitor.placed(object, Stretches(&page, 1));
      }
    }
  }
}

constexpr std::array<ObjectKindFacts, 12> kinds{{
    {.kind = ObjectKind::section_root_table,
     .name = "section_root_table",
     .kept = "the section root table",
     .unplaced = "the section root table",
     .always_listed = true,
     .visit = visit_root_table},
    {.kind = ObjectKind::section_root,
     .name = "section_root",
     .kept = "the section root of",
     .unplaced = "section root",
     .numbers_roots = true,
     .always_listed = true,
     .visit = visit_roots},
    {.kind = ObjectKind::pgdat,
     .name = "pgdat",
     .kept = "pgdat",
     .unplaced = "the pgdat of",
     .serves_nodes = true,
     .always_listed = true,
     .visit = visit_pgdats},
    {.kind = ObjectKind::usage,
     .name = "usage",
     .edge = EdgeKind::usage,
     .kept = "the usage of",
     .of = "the usage of",
     .unplaced = "the usage of",
     .has_runs = true,
     .visit = visit_usages},
    {.kind = ObjectKind::memmap,
     .name = "memmap",
     .edge = EdgeKind::memmap,
     .kept = "struct pages that are never freed, of",
     .of = "the memmap of",
     .unplaced = "the memmap of",
     .mapped_by_pages = true,
     .has_runs = true,
     .visit = visit_memmaps},
    {.kind = ObjectKind::page_ext,
     .name = "page_ext",
     .edge = EdgeKind::page_ext,
     .kept = "the page_ext of",
     .of = "the page_ext of",
     .unplaced = "the page_ext of",
     .has_runs = true,
     .visit = visit_page_exts},
    {.kind = ObjectKind::memory_block,
     .name = "memory_block",
     .edge = EdgeKind::memory_block,
     .kept = "the memory_block of",
     .of = "the memory_block of",
     .unplaced = "the memory block at",
     .small_and_many = true,
     .visit = visit_blocks},
    {.kind = ObjectKind::vmemmap_table,
     .name = "vmemmap_table",
     .edge = EdgeKind::vmemmap_table,
     .kept = "page tables that map the memmap of",
     .of = "page tables that map the memmap of",
     .unplaced = "a page table for",
     .small_and_many = true,
     .visit = visit_vmemmap_tables},
    {.kind = ObjectKind::direct_map_table,
     .name = "direct_map_table",
     .edge = EdgeKind::direct_map_table,
     .kept = "page tables that map",
     .of = "page tables that map",
     .unplaced = "a page table for",
     .small_and_many = true,
     .visit = visit_direct_map_tables},
    {.kind = ObjectKind::kasan_shadow,
     .name = "kasan_shadow",
     .edge = EdgeKind::kasan_shadow,
     .kept = "KASAN's shadow of",
     .of = "KASAN's shadow of",
     .unplaced = "KASAN's shadow of",
     .mapped_by_pages = true,
     .has_runs = true,
     .visit = visit_shadows},
    {.kind = ObjectKind::dev_pagemap,
     .name = "dev_pagemap",
     .edge = EdgeKind::dev_pagemap,
     .kept = "the dev_pagemap of",
     .of = "the dev_pagemap of",
     .unplaced = "a dev_pagemap",
     .visit = visit_device_maps},
    {.kind = ObjectKind::vmemmap_tail,
     .name = "vmemmap_tail",
     .kept = "page for the struct pages of huge pages",
     .unplaced = "a zone's shared page of struct pages, of",
     .serves_nodes = true,
     .always_listed = true,
     .visit = visit_tails},
}};

}  // namespace

std::span<const ObjectKindFacts> object_kinds() { return kinds; }

const ObjectKindFacts& facts_of(ObjectKind kind) { return kinds.at(static_cast<std::size_t>(kind)); }

std::string_view object_kind_name(ObjectKind kind) { return facts_of(kind).name; }

void visit_objects(const MemoryModel& model, const ObjectVisitor& visitor) {
  for (const ObjectKindFacts& kind : kinds) kind.visit(model, visitor);
}

void for_each_served(const MemoryModel& model, const PlacedObject& object,
                     const std::function<void(SectionNr, std::uint64_t)>& each) {
  if (object.kind != ObjectKind::dev_pagemap) return each(object.first, object.sections);
  const MemoryGeometry& geometry = model.geometry;
  std::vector<std::pair<SectionNr, SectionNr>> runs;  // first and last
  for (const PhysRange& range : (*model.device_maps)[object.subject].ranges) {
    if (!range.empty())
      runs.emplace_back(geometry.phys_to_section_nr(range.start),
                        geometry.phys_to_section_nr(range.end() - 1));
  }
  std::sort(runs.begin(), runs.end());
  for (std::size_t i = 0; i < runs.size();) {  // runs that touch are one
    auto [first, last] = runs[i];
    for (++i; i < runs.size() && runs[i].first <= last + 1; ++i) last = std::max(last, runs[i].second);
    each(first, last - first + 1);
  }
}

bool marks_early_sections(const MemoryModel& model) {
  return std::any_of(model.sections.begin(), model.sections.end(),
                     [](const Section& section) { return section.flags.early; });
}

bool usage_is_from_boot(const Section& section, bool early_is_marked) {
  if (!section.usage) return false;
  const Allocation::Kind given = section.usage->allocation.kind;
  if (given != Allocation::unknown && given != Allocation::not_read) return given == Allocation::boot;
  return section.flags.early || !early_is_marked;
}

}  // namespace memsect
