#include "model/memory_model.h"

#include <algorithm>

namespace memsect {
namespace {

auto lower_bound(const std::vector<Section>& sections, SectionNr nr) {
  return std::lower_bound(sections.begin(), sections.end(), nr,
                          [](const Section& section, SectionNr wanted) { return section.nr < wanted; });
}

}  // namespace

std::span<const Section> MemoryModel::sections_from(SectionNr first, std::uint64_t count) const {
  const auto start = lower_bound(sections, first);
  // Distances do not overflow where a hostile end would.
  const auto end = std::partition_point(start, sections.end(),
                                        [&](const Section& section) { return section.nr - first < count; });
  return std::span(sections).subspan(start - sections.begin(), end - start);
}

const Section* MemoryModel::find_section(SectionNr nr) const {
  const auto at = lower_bound(sections, nr);
  return at != sections.end() && at->nr == nr ? &*at : nullptr;
}

const MemoryBlock* MemoryModel::block_of(SectionNr nr) const {
  if (!blocks || geometry.sections_per_block == 0) return nullptr;
  const std::uint64_t id = nr.raw() / geometry.sections_per_block;
  const auto at =
      std::lower_bound(blocks->begin(), blocks->end(), id,
                       [](const MemoryBlock& block, std::uint64_t wanted) { return block.id < wanted; });
  return at != blocks->end() && at->id == id ? &*at : nullptr;
}

}  // namespace memsect
