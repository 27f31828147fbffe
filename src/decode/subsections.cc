// What the populated subsections of a section are: memory from boot, memory added later, or a device's
// (ZONE_DEVICE: persistent memory, memory of a GPU).
//
//   IS_EARLY, no device shares it           -> boot RAM
//   IS_EARLY, a device shares it            -> by the zone in the struct page of each subsection
//   online, or in a memory block            -> hot-added RAM (devices have no memory blocks)
//   neither                                 -> by the zone again
//   outside of every ZONE_DEVICE's span     -> no device's, whatever else
//
// The flag TAINT_ZONE_DEVICE says that a section is shared, not which part is the device's, and before 5.12 there was
// none. The zone does: it is written into the struct pages when the device takes them. The pages of an altmap's reserve,
// which come first, may be left out, so the last page of a subsection is asked; devices come and go by whole
// subsections (check_pfn_span(), 5.3+). Struct pages of offline memory are stale, but no device has ever been where a
// memory block is.
#include <algorithm>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// Whether this kernel marks early sections that a device shares. Linux 1f90a3477df3 ("mm: teach pfn_to_online_page()
/// about ZONE_DEVICE section collisions") (v5.12) brought flag and function; an enumerator since 6.0.
bool marks_shared_sections(const Kernel& kernel) {
  return kernel.types().find_enumerator("", "SECTION_TAINT_ZONE_DEVICE_BIT").has_value() ||
         kernel.address_of("pfn_to_online_page").has_value();
}

using PfnRange = Range<Pfn>;

/// What is known of this kernel's devices.
struct DeviceRules {
  bool shared_is_marked = false;
  /// The spans of all nodes' ZONE_DEVICE, which only ever grow; nothing when one of them is not known.
  std::optional<std::vector<PfnRange>> spans;

  bool may_lie_in(PfnRange pages) const {
    if (!spans) return true;
    return std::any_of(spans->begin(), spans->end(), [&](const PfnRange& span) {
      return pages.start < span.end() && span.start < pages.end();
    });
  }
};

DeviceRules find_device_rules(const Kernel& kernel, const MemoryModel& model, const PageReader& pages) {
  DeviceRules rules;
  rules.shared_is_marked = marks_shared_sections(kernel);
  std::vector<PfnRange> spans;
  for (const Node& node : model.nodes) {
    for (const Zone& zone : node.zones) {
      if (pages.zone_device() != zone.index) continue;
      if (!zone.numbers) return rules;
      if (zone.spanned_pages > 0) spans.push_back({zone.start_pfn, zone.spanned_pages});
    }
    if (node.zones.empty()) return rules;
  }
  if (!model.nodes.empty()) rules.spans = std::move(spans);
  return rules;
}

Result<SubsectionKind> kind_by_zone(const MemoryModel& model, const PageReader& pages, const Section& section,
                                    std::uint64_t unit) {
  const std::uint64_t per_unit = model.geometry.pages_per_subsection();
  const Pfn last = model.geometry.section_nr_to_pfn(section.nr) + (unit + 1) * per_unit - 1;
  auto page = pages.page(model, last);
  if (!page) return std::move(page).error();
  if (page->zone == pages.zone_device()) return SubsectionKind::zone_device;
  return section.flags.early ? SubsectionKind::boot_ram : SubsectionKind::hot_added_ram;
}

/// What the whole section is, where flags and memory blocks settle it.
std::optional<SubsectionKind> kind_of_all(const MemoryModel& model, const PageReader& pages,
                                          const Section& section, const DeviceRules& rules) {
  const SubsectionKind ram = section.flags.early ? SubsectionKind::boot_ram : SubsectionKind::hot_added_ram;
  const Pfn start = model.geometry.section_nr_to_pfn(section.nr);
  if (!pages.zone_device() || !rules.may_lie_in({start, model.geometry.pages_per_section()})) return ram;
  if (section.flags.taint_zone_device) return std::nullopt;
  if (section.flags.online) {
    // Hot-added memory comes in whole sections and leaves no room for a device.
    return rules.shared_is_marked || !section.flags.early ? std::optional(ram) : std::nullopt;
  }
  if (section.flags.early || model.block_of(section.nr) != nullptr) return ram;
  return std::nullopt;
}

Result<SubsectionKinds> kinds_of(const MemoryModel& model, const PageReader& pages, const Section& section,
                                 const DeviceRules& rules) {
  if (!section.subsections) return section.subsections.error();
  const auto all = kind_of_all(model, pages, section, rules);
  SubsectionKinds kinds;
  for (std::uint64_t unit = 0; unit < section.subsections->total; ++unit) {
    if (!section.subsections->test(unit)) {
      kinds.of_unit.push_back(SubsectionKind::none);
      continue;
    }
    auto kind = all ? Result<SubsectionKind>(*all) : kind_by_zone(model, pages, section, unit);
    kinds.of_unit.push_back(kind ? *kind : SubsectionKind::unknown);
    if (!kind && !kinds.why_unknown) kinds.why_unknown = std::move(kind).error();
  }
  return kinds;
}

}  // namespace

void load_subsection_kinds(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  const DeviceRules rules = find_device_rules(kernel, model, pages);
  for (Section& section : model.sections) section.subsection_kinds = kinds_of(model, pages, section, rules);
}

}  // namespace memsect
