// The flags of a section agree with one another.
//
//   IS_ONLINE, IS_EARLY, TAINT_ZONE_DEVICE, IS_VMEMMAP_PREINIT   only together with HAS_MEM_MAP
//   IS_VMEMMAP_PREINIT                                           only together with IS_EARLY
//   bits from SECTION_MAP_LAST_BIT up to the coded map           clear
//
// memory_present() sets PRESENT and ONLINE, sparse_init_one_section() soon after HAS_MEM_MAP, and EARLY for boot memory
// (326e1b8f83a4, v5.3); a section that is removed loses all of them at once (section_deactivate). PREINIT (6.15) is for
// boot memory whose vmemmap hugetlb made. The coded map is the address of a struct page minus a multiple of a section's
// memmap, whose low bits are clear by construction (sparse_encode_mem_map asserts it). TAINT does not imply ONLINE: a
// device that fills a part of a section of its own sets it, too (1f90a3477df3, v5.12).
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  for (const Section& section : model.sections) {
    const SectionFlags& flags = section.flags;
    const bool any = flags.online || flags.early || flags.taint_zone_device || flags.vmemmap_preinit;
    if (any && !flags.has_mem_map) {
      judgement.find(
          "sections with flags and no memmap",
          fmt::format("section {} is online, early or a device's, and has no memmap: section_mem_map {:#x}",
                      section.nr.raw(), section.section_mem_map));
    }
    if (flags.vmemmap_preinit && !flags.early) {
      judgement.find("sections with VMEMMAP_PREINIT that are not early",
                     fmt::format("section {} has VMEMMAP_PREINIT and is not early: section_mem_map {:#x}",
                                 section.nr.raw(), section.section_mem_map));
    }
    if (section.stray_bits != 0) {
      judgement.find(
          "sections with bits that are no flags",
          fmt::format("section {} has bits {:#x} set, which are neither flags nor part of the coded map: "
                      "section_mem_map {:#x}",
                      section.nr.raw(), section.stray_bits, section.section_mem_map));
    }
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check section_flags_check{"section_flags", "the flags of each section agree with one another", run};

}  // namespace memsect
