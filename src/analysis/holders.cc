// Cuts every object of the memory model at section boundaries and says which section holds what.
//
// A pointer's section is not the object's only section. A pgdat takes some 43 pages, a node's usages lie in
// one chunk that starts anywhere, a root need not be page aligned, and a memmap of base pages may be
// scattered:
//
//     section 2                        section 3
//   ..........|usage 0|usage 1|usage 2|.......................    one chunk in section 2: one HeldObject, of 0-2
//   .........................|  node 0's|pgdat   |............    two sections hold it: a HeldObject in each
//   |mm 4|mm 5|..............|mm 4|..........................     memmap 4 in both; in section 2 next to memmap 5
//
// Page tables are listed with the sections whose struct pages or whose memory they translate, memory blocks with the sections
// they are for. There are many of them, scattered over slab and buddy pages: those of one kind in one section are one
// HeldObject, so that a list of holders stays a list. dev_pagemaps are few and stay apart.
//
// The steps: place (each object -> parts, one for each section it touches), separate pages shared by several
// memmaps, sort, join neighbours. Back-to-back parts are joined where both the virtual and the physical
// addresses go on, for usages and memmaps only: they come in runs of thousands, and a run is what the kernel
// allocated. Pgdats and roots are few and stay apart.
//
// Pages shared by several memmaps come from the HugeTLB vmemmap optimisation: from 7.1 on all optimised huge
// pages of a zone map one tail page (mm/hugetlb_vmemmap.c). Such a page is one object that serves many
// sections.
//
// Permanent is what no kernel frees when the subject goes: the root table and the roots (sparse_index_alloc),
// pgdats (try_offline_node only clears the online bit), usages from memblock (section_deactivate keeps
// them: PageReserved), tail pages that a zone keeps (7.1+), KASAN's shadow of boot memory, page tables of some levels
// (ArchDriver::kept_tables). Boot memmap is given back by x86, arm64 and the other machines read so far, but for
// loongarch. page_ext, memory blocks and dev_pagemaps go with what they serve.
#include "analysis/holders.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "analysis/placer.h"
#include "analysis/words.h"

namespace memsect {
namespace {

void place_roots(const MemoryModel& model, Placer& placer) {
  Part object;
  object.permanent = true;
  object.kind = ObjectKind::section_root_table;
  if (model.root_table) {
    object.address = model.root_table->address;
    object.allocation = model.root_table->allocation;
    placer.place(object, model.root_table->phys, true);
  } else {
    placer.unknown(object.kind, 0, model.root_table.error().code);
  }
  object.kind = ObjectKind::section_root;
  for (const SectionRoot& root : model.roots) {
    object.subject = root.index;
    object.address = root.placement.address;
    object.allocation = root.placement.allocation;
    placer.place(object, root.placement.phys, true);
  }
}

void place_pgdats(const MemoryModel& model, Placer& placer) {
  for (const Node& node : model.nodes) {
    Part object;
    object.kind = ObjectKind::pgdat;
    object.permanent = true;
    object.subject = static_cast<std::uint64_t>(raw(node.id));
    if (!node.placement) {
      placer.unknown(object.kind, object.subject, node.placement.error().code);
      continue;
    }
    object.address = node.placement->address;
    object.allocation = node.placement->allocation;
    placer.place(object, node.placement->phys, true);
  }
}

void place_usage(const Section& section, bool from_boot, Placer& placer) {
  Part object;
  object.kind = ObjectKind::usage;
  object.subject = section.nr.raw();
  if (!section.usage) return placer.unknown(object.kind, object.subject, section.usage.error().code);
  object.address = section.usage->address;
  object.allocation = section.usage->allocation;
  object.permanent = from_boot;
  placer.place(object, section.usage->phys, true);
}

void place_memmap(const Section& section, bool kept, Placer& placer) {
  Part object;
  object.kind = ObjectKind::memmap;
  object.subject = section.nr.raw();
  if (!section.memmap) return placer.unknown(object.kind, object.subject, section.memmap.error().code);
  object.address = section.memmap->address;
  object.allocation = section.memmap->allocation;
  object.permanent = kept;
  std::uint64_t mapped = 0;
  for (const PhysRange& range : section.memmap->backing) mapped += range.size;
  if (mapped != 0) placer.place(object, section.memmap->backing, mapped == section.memmap->bytes);
}

/// An object that the kernel keeps for one section.
void place_of_section(const Section& section, ObjectKind kind, const Result<Placement>& placement,
                      bool permanent, Placer& placer) {
  Part object;
  object.kind = kind;
  object.subject = section.nr.raw();
  if (!placement) return placer.unknown(kind, object.subject, placement.error().code);
  object.address = placement->address;
  object.allocation = placement->allocation;
  object.permanent = permanent;
  std::uint64_t mapped = 0;
  for (const PhysRange& range : placement->phys) mapped += range.size;
  placer.place(object, placement->phys, mapped == placement->bytes);
}

void place_blocks(const MemoryModel& model, Placer& placer) {
  if (!model.blocks) return;
  for (const MemoryBlock& block : *model.blocks) {
    Part object;
    object.kind = ObjectKind::memory_block;
    object.subject = block.start_section.raw();
    object.count = std::max<std::uint64_t>(model.geometry.sections_per_block, 1);
    if (!block.placement) {
      placer.unknown(object.kind, object.subject, block.placement.error().code);
      continue;
    }
    object.address = block.placement->address;
    object.allocation = block.placement->allocation;
    placer.place(object, block.placement->phys, true);
  }
}

void place_tables(const MemoryModel& model, Placer& placer) {
  if (!model.page_tables) return;
  for (const TableRun& run : *model.page_tables) {
    Part object;
    object.kind =
        run.maps == TableRun::Maps::vmemmap ? ObjectKind::vmemmap_table : ObjectKind::direct_map_table;
    object.subject = run.first.raw();
    object.count = run.last - run.first + 1;
    object.address = run.address;
    object.allocation = run.allocation;
    object.permanent = run.permanent;
    placer.place(object, std::span(&run.phys, 1), run.address.has_value());
  }
}

/// Sections that never were online and belong to no memory block: a device's, if they have struct pages.
bool has_device_sections(const MemoryModel& model) {
  return model.blocks &&
         std::any_of(model.sections.begin(), model.sections.end(), [&](const Section& section) {
           return section.flags.has_mem_map && !section.flags.online && model.block_of(section.nr) == nullptr;
         });
}

void place_device_maps(const MemoryModel& model, Placer& placer) {
  if (!model.device_maps) {
    if (has_device_sections(model))
      placer.unknown(ObjectKind::dev_pagemap, 0, model.device_maps.error().code);
    return;
  }
  for (std::size_t i = 0; i < model.device_maps->size(); ++i) {
    const Placement& placement = (*model.device_maps)[i].placement;
    Part object;
    object.kind = ObjectKind::dev_pagemap;
    object.subject = i;
    object.address = placement.address;
    object.allocation = placement.allocation;
    placer.place(object, placement.phys, true);
  }
}

/// The pages that no memmap maps now: they stay for huge pages to come.
void place_spare_tails(const MemoryModel& model, Placer& placer) {
  for (const Node& node : model.nodes) {
    for (const Zone& zone : node.zones) {
      Part object;
      object.kind = ObjectKind::vmemmap_tail;
      object.subject = static_cast<std::uint64_t>(raw(node.id));
      object.permanent = true;
      if (!zone.vmemmap_tails) {
        placer.unknown(object.kind, object.subject, zone.vmemmap_tails.error().code);
        continue;
      }
      for (const SharedPage& tail : *zone.vmemmap_tails) {
        const PhysRange page{tail.phys, model.geometry.page_size()};
        object.allocation = tail.allocation;
        if (!placer.is_mapped_tail(tail.phys)) placer.place(object, std::span(&page, 1), false);
      }
    }
  }
}

/// Whom an object of this kind and subject serves.
void add_subject(const MemoryModel& model, const Part& part, HeldObject& object) {
  const auto add_sections = [&](std::uint64_t first, std::uint64_t count) {
    for (const Section& section : model.sections_from(SectionNr(first), count))
      object.of_sections.push_back(section.nr);
  };
  switch (part.kind) {
    case ObjectKind::section_root_table:
      return add_sections(0, ~std::uint64_t{0});
    case ObjectKind::section_root: {
      const std::uint64_t per_root = model.geometry.sections_per_root;
      return add_sections(part.subject * per_root, per_root);
    }
    case ObjectKind::pgdat:
    case ObjectKind::vmemmap_tail:
      return object.of_nodes.push_back(static_cast<NodeId>(part.subject));
    case ObjectKind::usage:
    case ObjectKind::memmap:
    case ObjectKind::page_ext:
    case ObjectKind::kasan_shadow:
      return object.of_sections.push_back(SectionNr(part.subject));
    case ObjectKind::memory_block:
    case ObjectKind::vmemmap_table:
    case ObjectKind::direct_map_table:
      return add_sections(part.subject, part.count);
    case ObjectKind::dev_pagemap:
      for (const PhysRange& range : (*model.device_maps)[part.subject].ranges) {
        const SectionNr first = model.geometry.phys_to_section_nr(range.start);
        add_sections(first.raw(), model.geometry.phys_to_section_nr(range.end() - 1) - first + 1);
      }
  }
}

/// What `next` goes into, if it is one of many small objects, scattered over the section, that are listed as one.
HeldObject* find_whole(Holder& holder, const Part& next) {
  const bool scattered = next.kind == ObjectKind::memory_block || next.kind == ObjectKind::vmemmap_table ||
                         next.kind == ObjectKind::direct_map_table;
  if (!scattered) return nullptr;
  for (auto object = holder.holds.rbegin(); object != holder.holds.rend() && object->kind == next.kind;
       ++object) {
    if (object->allocation == next.allocation && object->permanent == next.permanent) return &*object;
  }
  return nullptr;
}

/// Whether `next` goes on where `object`, so far, ends; or is the very same bytes, serving somebody else.
bool continues(const HeldObject& object, bool contiguous, const Part& next) {
  if (object.kind != next.kind || (!has_edges(next.kind) && !is_mapped_by_pages(next.kind))) return false;
  if (object.allocation != next.allocation || object.permanent != next.permanent) return false;
  if (object.phys == next.phys && object.bytes == next.bytes) return true;
  return contiguous && next.contiguous && object.phys + object.bytes == next.phys && object.address &&
         next.address && *object.address + object.bytes == *next.address;
}

void append(const MemoryModel& model, std::span<const Part> parts, Holder& holder) {
  bool contiguous = false;
  for (const Part& part : parts) {
    if (HeldObject* whole = find_whole(holder, part)) {
      whole->bytes += part.bytes;
      add_subject(model, part, *whole);
      continue;
    }
    if (holder.holds.empty() || !continues(holder.holds.back(), contiguous, part)) {
      holder.holds.push_back(
          {part.kind, {}, {}, part.address, part.phys, 0, part.allocation, part.permanent});
      contiguous = part.contiguous;
    }
    HeldObject& object = holder.holds.back();
    if (object.phys != part.phys || object.bytes == 0) object.bytes += part.bytes;
    add_subject(model, part, object);
  }
  for (HeldObject& object : holder.holds) {
    if (std::is_sorted(object.of_sections.begin(), object.of_sections.end(), std::less_equal<>())) continue;
    std::sort(object.of_sections.begin(), object.of_sections.end());
    object.of_sections.erase(std::unique(object.of_sections.begin(), object.of_sections.end()),
                             object.of_sections.end());
  }
}

}  // namespace

bool marks_early_sections(const MemoryModel& model) {
  return std::any_of(model.sections.begin(), model.sections.end(),
                     [](const Section& section) { return section.flags.early; });
}

bool usage_is_from_boot(const Section& section, bool early_is_marked) {
  if (!section.usage) return false;
  if (section.usage->allocation != Allocation::unknown) return section.usage->allocation == Allocation::boot;
  return section.flags.early || !early_is_marked;
}

bool serves_only_itself(const HeldObject& object, SectionNr holder) {
  switch (object.kind) {
    case ObjectKind::section_root_table:
    case ObjectKind::section_root:
    case ObjectKind::pgdat:
    case ObjectKind::vmemmap_tail:
      return false;
    default:
      return object.of_sections.size() == 1 && object.of_sections.front() == holder;
  }
}

Survey survey_holders(const MemoryModel& model) {
  Survey survey;
  Placer placer(model);
  place_roots(model, placer);
  place_pgdats(model, placer);
  place_blocks(model, placer);
  place_tables(model, placer);
  place_device_maps(model, placer);
  const bool early_is_marked = marks_early_sections(model);
  for (const Section& section : model.sections) {
    place_usage(section, usage_is_from_boot(section, early_is_marked), placer);
    place_memmap(section, model.keeps_memmap, placer);
    place_of_section(section, ObjectKind::page_ext, section.page_ext, false, placer);
    place_of_section(section, ObjectKind::kasan_shadow, section.kasan_shadow, section.flags.early, placer);
    if (!section.node) placer.node_unknown(section.nr, section.node.error().code);
  }
  place_spare_tails(model, placer);
  if (!model.blocks && model.blocks.error().code != Errc::not_applicable) {
    survey.notes.note(
        fmt::format("memory blocks are not among what sections hold: {}", model.blocks.error().message));
  }
  placer.report_unknown(survey);
  survey.needs = placer.take_needs();

  std::vector<Part> parts = placer.finish();
  std::vector<SectionNr> strangers;
  for_each_group(
      std::span(parts), [](const Part& part) { return part.section; },
      [&](std::span<const Part> held) {
        Holder holder;
        holder.section = held.front().section;
        const Section* section = model.find_section(holder.section);
        if (section == nullptr) strangers.push_back(holder.section);
        if (section != nullptr && section->node) holder.node = *section->node;
        append(model, held, holder);
        survey.holders.push_back(std::move(holder));
      });
  if (!strangers.empty()) {
    survey.notes.warn(fmt::format("metadata lies in {}, which the kernel does not list as present",
                                  sections_text(strangers)));
  }
  return survey;
}

}  // namespace memsect
