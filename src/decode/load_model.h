// Reads the memory model out of a kernel. Everything the model decodes enters here.
//
// The steps, each in a file of its own:
//   load_geometry   the numbers: page, section, pageblock sizes           (before anything is read)
//   load_sections   root table -> roots -> struct mem_section             (milestone: present sections are known)
//   load_pageblocks usage size and pageblock order, from the sections' usages
//   load_usages     subsection map and usemap of each section
//   load_nodes      pgdats and zones
//   load_blocks     memory blocks                                         (milestone: nodes of offline sections)
//   load_subsections  boot memory, added memory or a device's
//   load_page_ext, load_page_tables, load_kasan_shadow, load_device_maps, load_vmemmap_tails, load_boot_reserved
//                   whatever else lies in one section for the sake of another
//   load_memmap     what backs each section's struct pages; its node and zones
// A part that a command does not ask for is not read.
#pragma once

#include "base/result.h"
#include "model/memory_model.h"

namespace memsect {

class Kernel;

/// What a command needs beside the bare sections.
struct ModelParts {
  bool usages = false;           ///< placement and content of mem_section_usage
  bool memmap = false;           ///< backing of the struct pages, by walking every page of them
  bool section_nodes = false;    ///< the node of each section (of its first valid page)
  bool section_zones = false;    ///< nodes and zones of each pageblock
  bool nodes = false;            ///< pgdats and zones
  bool zone_pageblocks = false;  ///< pageblock counts per zone, by the rule of /proc/pagetypeinfo
  bool blocks = false;           ///< memory blocks
  bool other_metadata =
      false;  ///< page_ext, page tables, KASAN's shadow, device pagemaps, memblock; wants nodes
  bool subsection_kinds = false;  ///< what each subsection is; wants usages, nodes and blocks too
};

/// What it takes to know of every object of the memory model where it lies and whom it serves.
inline constexpr ModelParts placed_objects{.usages = true,
                                           .memmap = true,
                                           .section_nodes = true,
                                           .nodes = true,
                                           .blocks = true,
                                           .other_metadata = true};

/// The model, as far as `parts` asks for it and the dump holds it. Fails only when not even the sections'
/// root table can be found or read; everything less is absent with its reason, inside the model.
Result<MemoryModel> load_model(const Kernel& kernel, const ModelParts& parts);

}  // namespace memsect
