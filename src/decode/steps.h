// The steps of load_model, for load_model.cc and the tests. Each fills its part of the model; see
// load_model.h.
#pragma once

#include "base/result.h"
#include "decode/load_model.h"
#include "model/memory_model.h"
#include "page/page_reader.h"

namespace memsect {

class Kernel;

Result<MemoryGeometry> load_geometry(const Kernel& kernel, MemoryModel& model);
Result<void> load_sections(const Kernel& kernel, MemoryModel& model);
void load_migratetypes(const Kernel& kernel, MemoryModel& model);
void load_pageblock_geometry(const Kernel& kernel, MemoryModel& model);
void load_usages(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_nodes(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_blocks(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_subsection_kinds(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_page_ext(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_page_tables(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_kasan_shadow(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_device_maps(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_vmemmap_tails(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_boot_reserved(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_memmaps(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_section_nodes(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void load_section_zones(const Kernel& kernel, MemoryModel& model, const PageReader& pages);
void count_zone_pageblocks(const Kernel& kernel, MemoryModel& model, const PageReader& pages);

}  // namespace memsect
