#include "decode/load_model.h"

#include <fmt/format.h>

#include "decode/steps.h"
#include "kernel/kernel.h"
#include "page/filtered_pages.h"

namespace memsect {
namespace {

/// Boot allocations of roots and their table show as PG_reserved pages.
void find_root_allocations(MemoryModel& model, const PageReader& pages) {
  for (SectionRoot& root : model.roots) {
    if (root.placement.phys.empty()) continue;
    root.placement.allocation = pages.allocation_at(model, root.placement.first_phys(), Allocation::unknown);
  }
  if (model.root_table) {
    model.root_table->allocation =
        pages.allocation_at(model, model.root_table->first_phys(), Allocation::unknown);
  }
}

void load_other_metadata(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  load_page_ext(kernel, model, pages);
  load_page_tables(kernel, model, pages);
  load_kasan_shadow(kernel, model, pages);
  load_device_maps(kernel, model, pages);
  load_vmemmap_tails(kernel, model, pages);
  load_boot_reserved(kernel, model, pages);
}

/// Where the numbers come from that follow from others, or were found on the way.
void note_derived_origins(MemoryModel& model) {
  model.origin["section_size"] = "derived: SECTION_SIZE_BITS";
  model.origin["pages_per_section"] = "derived: SECTION_SIZE_BITS, page size";
  model.origin["sections_per_root"] = "derived: page size / sizeof(struct mem_section)";
  model.origin["subsection_size"] = "constant: SUBSECTION_SHIFT 21 in every release";
  model.origin["subsections_per_section"] = "derived: SECTION_SIZE_BITS, mem_section_usage.subsection_map";
  model.origin["present_sections"] = "counted: SECTION_MARKED_PRESENT";
  model.origin["nodes"] = "counted: pgdats of node_data";
  model.origin["mem_section"] =
      "vmcoreinfo: SYMBOL(mem_section), or the symbol's pointer; held against its sections";
  model.origin["vmemmap"] = "derived: the coded map that all valid sections share";
}

/// Told by functions: memory_dev_init() makes the memory blocks, offline_pages() takes them out.
HotPlug find_hot_plug(const Kernel& kernel) {
  const bool knows_functions = kernel.address_of("schedule").has_value();
  if (!knows_functions || kernel.address_of("offline_pages")) return HotPlug::full;
  return kernel.address_of("memory_dev_init") ? HotPlug::add_only : HotPlug::none;
}

/// Before 4.13 sections do not say whether they are online: their blocks do. What has a memmap and no block is a device's.
void settle_online_sections(MemoryModel& model) {
  const bool blocks_decide = model.blocks && model.geometry.sections_per_block != 0 && !model.incomplete &&
                             model.hot_plug != HotPlug::none;
  if (blocks_decide) {
    for (Section& section : model.sections) {
      const MemoryBlock* block = model.block_of(section.nr);
      if (block == nullptr || block->state == "offline") section.flags.online = false;
    }
  }
  model.notes.note(
      fmt::format("no section has SECTION_IS_ONLINE set: taken for a kernel before 4.13, where {}",
                  blocks_decide ? "the memory blocks tell which sections are online"
                                : "every section with a memmap counts as online"));
}

}  // namespace

Result<MemoryModel> load_model(const Kernel& kernel, const ModelParts& parts) {
  MemoryModel model;
  model.release = kernel.release();
  model.live = kernel.is_live();
  auto geometry = load_geometry(kernel, model);
  if (!geometry) return std::move(geometry).error();
  model.geometry = *geometry;
  model.hot_plug = find_hot_plug(kernel);
  if (geometry->kind == MemoryModelKind::flatmem) {
    model.notes.note(
        "this kernel uses FLATMEM: it has no memory sections, and memory hot-plug is not built in");
    model.blocks = std::vector<MemoryBlock>();
    return model;
  }
  if (auto done = load_sections(kernel, model); !done) return std::move(done).error();
  load_pageblock_geometry(kernel, model);
  load_migratetypes(kernel, model);

  // Present sections and all numbers are known from here on.
  model.keeps_memmap = kernel.arch().keeps_memmap;
  const PageReader pages(kernel, model.geometry);
  find_root_allocations(model, pages);
  note_derived_origins(model);
  if (parts.usages) load_usages(kernel, model, pages);
  if (parts.nodes) load_nodes(kernel, model, pages);
  if (parts.blocks || !model.marks_online) load_blocks(kernel, model, pages);
  if (!model.marks_online) settle_online_sections(model);

  if (parts.other_metadata) load_other_metadata(kernel, model, pages);

  // Blocks are known: they name the node of sections that are not online, and which of them host their own
  // memmap.
  if (parts.subsection_kinds) load_subsection_kinds(kernel, model, pages);
  if (parts.memmap) load_memmaps(kernel, model, pages);
  if (parts.section_nodes) load_section_nodes(kernel, model, pages);
  if (parts.section_zones) load_section_zones(kernel, model, pages);
  if (parts.zone_pageblocks) count_zone_pageblocks(kernel, model, pages);
  note_filtered_pages(kernel, model);
  return model;
}

}  // namespace memsect
