// Node and zone stand in the struct page, and only where the page is online: pfn_to_online_page(), or a device's page
// (online_page.h). Elsewhere they are stale, and the memory block names the node.
#include "page/address_facts.h"

#include <fmt/format.h>

#include <array>

#include "kernel/kernel.h"
#include "page/online_page.h"
#include "page/page_decoder.h"
#include "page/page_owner_reader.h"

namespace memsect {
namespace {

/// Where the direct map has `at`; asked of the page tables, for the map has holes.
Result<VirtAddr> direct_map_address(const Kernel& kernel, PhysAddr at) {
  if (!kernel.arch_memory().page_offset)
    return Error{Errc::not_applicable, "this machine has no direct map of one piece", {}};
  const VirtAddr virt = *kernel.arch_memory().page_offset + at.raw();
  const auto mapping = kernel.space().mapping_at(virt);
  if (!mapping) return mapping.error();
  if (mapping->phys != at) return Error{Errc::not_applicable, "the direct map leaves it out", {}};
  return virt;
}

void find_section(const MemoryModel& model, Pfn pfn, AddressFacts& facts) {
  const MemoryGeometry& geometry = model.geometry;
  const SectionNr nr = geometry.pfn_to_section_nr(pfn);
  facts.section = model.find_section(nr);
  if (facts.section == nullptr) {
    const bool beyond = nr.raw() >= geometry.nr_mem_sections();
    facts.no_section = Error{
        Errc::not_applicable,
        beyond ? fmt::format("it lies beyond the {} bits of physical addresses", geometry.max_physmem_bits)
               : fmt::format("section {} is not present", nr.raw()),
        {}};
    if (geometry.kind == MemoryModelKind::flatmem)
      facts.no_section.message = "this kernel uses FLATMEM and has no memory sections";
    facts.subsection = facts.pageblock = facts.no_section;
    facts.pageblock_state = facts.no_section;
    facts.node = facts.no_section;
    facts.zone = facts.no_section;
    facts.page = facts.no_section;
    facts.owner = facts.no_section;
    return;
  }
  const std::uint64_t within = pfn - geometry.section_nr_to_pfn(nr);
  if (geometry.has_subsection_map) {
    facts.subsection = within / geometry.pages_per_subsection();
  } else {
    facts.subsection = Error{Errc::not_applicable, "this kernel has no subsection map", {}};
  }
  if (!geometry.pageblocks_known()) {
    facts.pageblock = Error{Errc::unsupported, "pageblock_order is not known", {}};
    facts.pageblock_state = facts.pageblock.error();
    return;
  }
  facts.pageblock = within / geometry.pages_per_pageblock();
  if (!facts.section->pageblocks) {
    facts.pageblock_state = facts.section->pageblocks.error();
  } else if (*facts.pageblock < facts.section->pageblocks->size()) {
    facts.pageblock_state = (*facts.section->pageblocks)[*facts.pageblock];
  }
}

void read_page(const Kernel& kernel, const MemoryModel& model, Pfn pfn, AddressFacts& facts) {
  const Section& section = *facts.section;
  const Error stale{Errc::not_applicable, "the page is not online: its struct page is stale", {}};
  facts.node = stale;
  facts.zone = stale;
  facts.owner = stale;
  if (!section.flags.has_mem_map) {
    facts.page = Error{Errc::not_applicable, "the section has no memmap", {}};
  } else {
    const PageDecoder decoder(kernel, model.geometry);
    facts.page = decoder.page(model, pfn);
    const auto& device = decoder.reader().zone_device();
    const bool is_device =
        facts.page && device && facts.page->zone == *device && model.block_of(section.nr) == nullptr;
    const bool in_device = facts.page && device && facts.page->zone == *device && section.flags.online;
    const OnlinePageRule rule(kernel);
    if (const Error* why = rule.unknown_for(section); why != nullptr && facts.page) facts.page = *why;
    facts.stale = !rule.is_online(model, section, pfn) && !is_device && !in_device && facts.page;
    if (facts.stale && facts.page)  // what a stale word points to is anything
      facts.page->slab_cache = Error{Errc::not_applicable, "the struct page is stale", {}};
    if (!facts.stale) {
      facts.node = facts.page ? Result<NodeId>(facts.page->node) : Result<NodeId>(facts.page.error());
      facts.zone = facts.page ? Result<std::string>(decoder.reader().zone_name(facts.page->zone))
                              : Result<std::string>(facts.page.error());
      facts.owner = PageOwnerReader(kernel).owner_of(model, pfn);
      if (facts.owner) name_frames(kernel, std::array{&*facts.owner});
    }
  }
  if (const MemoryBlock* block = model.block_of(section.nr); block != nullptr && !facts.node) {
    if (block->node) facts.node = block->node;
  }
}

}  // namespace

AddressFacts facts_at(const Kernel& kernel, const MemoryModel& model, PhysAddr at) {
  AddressFacts facts;
  facts.phys = at;
  facts.virt = direct_map_address(kernel, at);
  facts.pfn = model.geometry.phys_to_pfn(at);
  find_section(model, *facts.pfn, facts);
  if (facts.section != nullptr) read_page(kernel, model, *facts.pfn, facts);
  return facts;
}

AddressFacts facts_at(const Kernel& kernel, const MemoryModel& model, VirtAddr at) {
  const auto mapping = kernel.space().mapping_at(at);
  if (mapping && mapping->phys) {
    AddressFacts facts = facts_at(kernel, model, *mapping->phys);
    facts.virt = at;
    return facts;
  }
  // Nothing there is an answer; page tables that cannot be read are none.
  const Error why = mapping
                        ? Error{Errc::not_applicable, "the kernel's page tables do not map the address", {}}
                        : mapping.error();
  AddressFacts facts;
  facts.virt = at;
  facts.phys = why;
  facts.pfn = why;
  facts.no_section = why;
  facts.subsection = why;
  facts.pageblock = why;
  facts.pageblock_state = why;
  facts.node = why;
  facts.zone = why;
  facts.page = why;
  facts.owner = why;
  return facts;
}

}  // namespace memsect
