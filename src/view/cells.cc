#include "view/cells.h"

#include <fmt/format.h>

namespace memsect {

List section_list(const MemoryGeometry& geometry, std::span<const PhysRange> phys) {
  List list;
  for (const SectionNr nr : geometry.sections_of(phys)) list.emplace_back(nr.raw());
  return list;
}

std::string state_letters(const SectionFlags& flags) {
  std::string letters;
  if (flags.present) letters += 'P';
  if (flags.has_mem_map) letters += 'M';
  if (flags.online) letters += 'O';
  if (flags.early) letters += 'E';
  if (flags.taint_zone_device) letters += 'D';
  if (flags.vmemmap_preinit) letters += 'V';
  return letters;
}

List flag_names(const SectionFlags& flags) {
  List names;
  if (flags.present) names.emplace_back("present");
  if (flags.has_mem_map) names.emplace_back("has_mem_map");
  if (flags.online) names.emplace_back("online");
  if (flags.early) names.emplace_back("early");
  if (flags.taint_zone_device) names.emplace_back("taint_zone_device");
  if (flags.vmemmap_preinit) names.emplace_back("vmemmap_preinit");
  return names;
}

Value migratetype_counts(const MemoryModel& model, std::span<const std::uint64_t> counts) {
  Object object;
  for (std::size_t i = 0; i < counts.size() && i < model.migratetypes.size(); ++i) {
    object.emplace_back(model.migratetypes[i], counts[i]);
  }
  return object;
}

Value bitmap_value(const SubsectionMap& map) {
  if (map.words.size() <= 1) return Hex{map.words.empty() ? 0 : map.words[0]};
  std::string digits;
  for (std::size_t i = map.words.size(); i-- > 0;) {
    if (digits.empty() && map.words[i] == 0 && i > 0) continue;
    digits += digits.empty() ? fmt::format("{:x}", map.words[i]) : fmt::format("{:016x}", map.words[i]);
  }
  return "0x" + digits;
}

Value allocation_value(Allocation allocation) {
  if (allocation.kind != Allocation::not_read) return allocation_name(allocation);
  return Absent{absence_reason(allocation.why_not_read),
                "the struct page of its memory, which tells who gave it, could not be read"};
}

Value page_owner_value(const PageOwner& owner) {
  const auto frames = [&owner](const std::vector<VirtAddr>&) {
    List list;
    for (const std::string& frame : owner.frames) list.emplace_back(frame);
    return Value(std::move(list));
  };
  return Object{{"order", owner.order},
                {"gfp_mask", Hex{owner.gfp_mask}},
                {"pid", owner.pid ? Value(*owner.pid) : Value()},
                {"comm", owner.comm.empty() ? Value() : Value(owner.comm)},
                {"ts_nsec", owner.ts_nsec ? Value(*owner.ts_nsec) : Value()},
                {"stack", value_or_absence(owner.stack, frames)}};
}

std::string page_owner_text(const PageOwner& owner) {
  std::string who = owner.comm.empty() ? std::string("someone") : owner.comm;
  if (owner.pid) who += fmt::format(" (pid {})", *owner.pid);
  return fmt::format("{}, order {}, gfp_mask {:#x}", who, owner.order, owner.gfp_mask);
}

}  // namespace memsect
