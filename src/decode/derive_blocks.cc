// Every section of RAM is in a memory block, number section / sections_per_block: create_memory_block_devices() at boot and
// when memory is added (drivers/base/memory.c). Sections of ZONE_DEVICE are in none. So of a section that no block covers,
// where blocks could not all be read:
//
//   IS_ONLINE or IS_EARLY                     RAM
//   else the zone in its last struct page     ZONE_DEVICE: a device's; another one: RAM that is offline
//   that cannot be read                       not known: no block is made
//
// The state follows from SECTION_IS_ONLINE, which goes with MEM_ONLINE; a block that is just going either way is not told
// apart. All else that only struct memory_block says is absent.
#include "decode/derive_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace memsect {
namespace {

/// The last page of the section that its subsection map says is there.
Pfn last_valid_pfn(const MemoryModel& model, const Section& section) {
  const Pfn start = model.geometry.section_nr_to_pfn(section.nr);
  if (!section.subsections) return start + (model.geometry.pages_per_section() - 1);
  for (std::uint64_t unit = section.subsections->total; unit-- > 0;) {
    if (section.subsections->test(unit))
      return start + ((unit + 1) * model.geometry.pages_per_subsection() - 1);
  }
  return start + (model.geometry.pages_per_section() - 1);
}

bool is_ram(const MemoryModel& model, const PageReader& pages, const Section& section) {
  if (section.flags.online || section.flags.early || !pages.zone_device()) return true;
  const auto page = pages.page(model, last_valid_pfn(model, section));
  return page && page->zone != *pages.zone_device();
}

MemoryBlock derive(const MemoryModel& model, std::uint64_t id, bool online, const Error& why) {
  MemoryBlock block;
  block.id = id;
  block.derived = true;
  block.placement = why;
  block.start_section = SectionNr(id * model.geometry.sections_per_block);
  block.state = online ? "online" : "offline";
  block.online_type = why;
  block.node = why;
  block.zone = why;
  block.altmap_pages = why;
  block.group_details = why;
  return block;
}

}  // namespace

bool could_be_derived(const MemoryModel& model) {
  if (model.blocks || model.geometry.sections_per_block == 0) return false;
  const Errc why = model.blocks.error().code;
  return why == Errc::excluded || why == Errc::not_in_dump || why == Errc::truncated ||
         why == Errc::not_mapped;
}

void derive_blocks(MemoryModel& model, const PageReader& pages) {
  const std::uint64_t per_block = model.geometry.sections_per_block;
  if (!model.blocks) {
    model.blocks_short = model.blocks.error();
    model.incomplete = true;
    model.notes.warn("the memory blocks cannot be read: " + model.blocks.error().message);
    model.blocks = std::vector<MemoryBlock>();
  }
  if (per_block == 0) return;
  const Error why = Error(*model.blocks_short).within("the struct memory_block could not be read");
  std::map<std::uint64_t, bool> missing;  // by number: whether a section of it is online
  for (const Section& section : model.sections) {
    if (model.block_of(section.nr) != nullptr || !is_ram(model, pages, section)) continue;
    bool& online = missing[section.nr.raw() / per_block];
    online = online || section.flags.online;
  }
  if (missing.empty()) return;
  std::vector<std::uint64_t> numbers;
  for (const auto& [id, online] : missing) {
    numbers.push_back(id);
    model.blocks->push_back(derive(model, id, online, why));
  }
  model.notes.warn(
      fmt::format("memory blocks {} are derived from the flags of their sections", ranges(numbers)));
  std::stable_sort(model.blocks->begin(), model.blocks->end(),
                   [](const MemoryBlock& a, const MemoryBlock& b) { return a.id < b.id; });
}

}  // namespace memsect
