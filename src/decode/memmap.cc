// What backs the struct pages of each section, and what they say of its node.
//
// The memmap is walked page by page through the page tables: it may lie in several sections, HugeTLB's
// vmemmap optimisation maps one page many times, and sections that a device covers in part are mapped in
// part.
#include <fmt/format.h>

#include <algorithm>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// Bytes of `backing` that lie in memory which hosts its own memmap: a memory block that was added with
/// memmap_on_memory (its altmap pages come first), or a device whose altmap took them (their struct pages are
/// in ZONE_DEVICE).
std::uint64_t self_hosted_bytes(const MemoryModel& model, const PageReader& pages, const Section& section,
                                const std::vector<PhysRange>& backing) {
  if (section.flags.early) return 0;  // boot memmap comes from memblock
  const MemoryGeometry& geometry = model.geometry;
  const MemoryBlock* block = model.block_of(section.nr);
  const bool block_hosts = block != nullptr && block->altmap_pages && *block->altmap_pages > 0;
  std::uint64_t bytes = 0;
  const auto hosts_itself = [&](PhysAddr at, SectionNr host) {
    if (block_hosts) return host - block->start_section < geometry.sections_per_block;
    if (block != nullptr || !pages.zone_device()) return false;
    const auto page = pages.page(model, geometry.phys_to_pfn(at));
    return page && page->zone == *pages.zone_device();
  };
  for (const PhysRange& range : backing) {
    for (PhysAddr at = range.start;
         at < range.end();) {  // piece by piece: a range may reach over several sections
      const SectionNr host = geometry.phys_to_section_nr(at);
      const PhysAddr end = std::min(range.end(), geometry.section_range(host).end());
      if (hosts_itself(at, host)) bytes += end - at;
      at = end;
    }
  }
  return bytes;
}

Result<Memmap> read_memmap(const AddressSpace& space, const MemoryModel& model, const PageReader& pages,
                           const Section& section) {
  const MemoryGeometry& geometry = model.geometry;
  if (!section.flags.has_mem_map) return Error{Errc::not_applicable, "the section has no memmap", {}};
  Memmap memmap;
  memmap.address = section.mem_map;
  memmap.bytes = geometry.pages_per_section() * geometry.struct_page_size;
  auto backing = space.mapped_ranges(memmap.address, memmap.bytes);
  if (!backing) return std::move(backing).error().within("memmap");
  if (backing->empty()) {
    return Error{
        Errc::not_mapped, fmt::format("no page of the memmap at {:#x} is mapped", memmap.address.raw()), {}};
  }
  memmap.backing = std::move(*backing);
  memmap.self_hosted = self_hosted_bytes(model, pages, section, memmap.backing);
  // Up to 6.10 self-hosted memmap is PG_reserved like boot memory (memmap_on_memory), a device's altmap still is.
  memmap.allocation = memmap.self_hosted > 0
                          ? Allocation::altmap
                          : pages.allocation_at(model, memmap.backing.front().start, Allocation::buddy);
  return memmap;
}

/// The first page of the section that its subsection map says is there.
Pfn first_valid_pfn(const MemoryModel& model, const Section& section) {
  const Pfn start = model.geometry.section_nr_to_pfn(section.nr);
  if (!section.subsections) return start;
  for (std::uint64_t unit = 0; unit < section.subsections->total; ++unit) {
    if (section.subsections->test(unit)) return start + unit * model.geometry.pages_per_subsection();
  }
  return start;
}

Result<NodeId> node_of(const MemoryModel& model, const PageReader& pages, const Section& section) {
  if (section.flags.online) {
    auto page = pages.page(model, first_valid_pfn(model, section));
    if (!page) return std::move(page).error();
    return page->node;
  }
  // Struct pages of a section that is not online are stale, or were never written and claim node 0, zone DMA.
  if (const MemoryBlock* block = model.block_of(section.nr)) return block->node;
  if (section.flags.has_mem_map && pages.zone_device()) {
    const auto page = pages.page(model, first_valid_pfn(model, section));
    if (page && page->zone == *pages.zone_device())
      return page->node;  // written when the device's driver took it
  }
  return Error{Errc::not_applicable,
               "the section is not online and no memory block covers it: its struct pages are stale",
               {}};
}

}  // namespace

void load_memmaps(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  const AddressSpace space = kernel.space();
  for (Section& section : model.sections) section.memmap = read_memmap(space, model, pages, section);
}

void load_section_nodes(const Kernel&, MemoryModel& model, const PageReader& pages) {
  for (Section& section : model.sections) section.node = node_of(model, pages, section);
}

}  // namespace memsect
