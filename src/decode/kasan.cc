// The shadow of generic KASAN: one byte for each eight bytes of the kernel's addresses (mm/kasan/shadow.c).
//
//   shadow of an address = (address >> 3) + KASAN_SHADOW_OFFSET
//
// Shadow of boot memory comes from memblock and is kept when the memory goes; shadow of memory added later is vmalloc
// memory that kasan_mem_notifier() makes when the memory goes online and frees when it goes offline. Where there is no
// memory behind an address, a page of zeros that all share is mapped (kasan_early_shadow_page, in the kernel image): it is
// nobody's, and left out here.
//
// The offset is what src/arch knows of the machine; where that leaves a choice, the one under which the shadow of memory
// is mapped. Tag-based KASAN (arm64), where a byte stands for sixteen, is left out.
#include <algorithm>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr unsigned scale_shift = 3;

/// Whether this is a kernel with the shadow of generic KASAN: its compiler inserted calls of this function.
bool has_generic_kasan(const Kernel& kernel) {
  return kernel.address_of("__asan_load8") &&
         (kernel.address_of("kasan_early_shadow_page") ||
          kernel.address_of("kasan_zero_page"));  // renamed in 5.0 (9577dd748647)
}

std::optional<PhysAddr> page_of_zeros(const Kernel& kernel) {
  auto at = kernel.address_of("kasan_early_shadow_page");
  if (!at) at = kernel.address_of("kasan_zero_page");
  const auto phys = at ? kernel.space().translate(*at) : Result<PhysAddr>(Error{});
  return phys ? std::optional(*phys) : std::nullopt;
}

VirtAddr shadow_address(VirtAddr memory, std::uint64_t offset) {
  return VirtAddr((memory.raw() >> scale_shift) + offset);
}

/// KASAN_SHADOW_OFFSET. `direct_map`: where it has physical 0.
Result<std::uint64_t> find_shadow_offset(const Kernel& kernel, const MemoryModel& model,
                                         VirtAddr direct_map) {
  const auto& offsets = kernel.arch_memory().kasan_shadow_offsets;
  if (offsets.size() == 1) return offsets.front();
  for (const std::uint64_t offset : offsets) {
    for (const Section& section : model.sections) {
      const VirtAddr memory = direct_map + model.geometry.section_range(section.nr).start.raw();
      if (kernel.space().translate(shadow_address(memory, offset))) return offset;
    }
  }
  return Error{Errc::unsupported, "where KASAN's shadow lies is not known on this machine", {}};
}

/// `at`: where the shadow of the section begins.
Result<Placement> shadow_of(const AddressSpace& space, const MemoryModel& model, const PageReader& pages,
                            VirtAddr at, std::optional<PhysAddr> zeros) {
  Placement shadow;
  shadow.address = at;
  shadow.bytes = model.geometry.section_size() >> scale_shift;
  const std::uint64_t page = model.geometry.page_size();
  for (std::uint64_t done = 0; done < shadow.bytes;) {
    auto mapping = space.mapping_at(shadow.address + done);
    if (!mapping) return std::move(mapping).error().within("KASAN shadow");
    const std::uint64_t size = std::min(mapping->size, shadow.bytes - done);
    const bool shared = zeros && mapping->phys && *zeros - *mapping->phys < size && size <= page;
    if (mapping->phys && !shared) {
      if (!shadow.phys.empty() && shadow.phys.back().end() == *mapping->phys) {
        shadow.phys.back().size += size;
      } else {
        shadow.phys.push_back({*mapping->phys, size});
      }
    }
    done += size;
  }
  if (shadow.phys.empty())
    return Error{Errc::not_applicable, "the section's memory has no shadow of its own", {}};
  shadow.allocation = pages.allocation_at(model, shadow.first_phys(), Allocation::buddy);
  return shadow;
}

}  // namespace

void load_kasan_shadow(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  Error why{Errc::not_applicable, "this kernel has no KASAN", {}};
  const auto direct_map = kernel.arch_memory().page_offset;
  if (has_generic_kasan(kernel)) {
    const auto offset = direct_map ? find_shadow_offset(kernel, model, *direct_map)
                                   : Error{Errc::unsupported, "where the direct map lies is not known", {}};
    if (offset) {
      const AddressSpace space = kernel.space();
      const auto zeros = page_of_zeros(kernel);
      for (Section& section : model.sections) {
        const VirtAddr memory = *direct_map + model.geometry.section_range(section.nr).start.raw();
        section.kasan_shadow = shadow_of(space, model, pages, shadow_address(memory, *offset), zeros);
      }
      return;
    }
    model.notes.note("this kernel has KASAN: which sections hold its shadow is not known on this machine");
    why = offset.error();
  }
  for (Section& section : model.sections) section.kasan_shadow = why;
}

}  // namespace memsect
