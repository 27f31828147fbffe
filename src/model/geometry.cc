#include "model/geometry.h"

#include <algorithm>

namespace memsect {

std::vector<SectionNr> MemoryGeometry::sections_of(std::span<const PhysRange> ranges) const {
  std::vector<SectionNr> sections;
  for (const PhysRange& range : ranges) {
    if (range.empty()) continue;
    const SectionNr last = phys_to_section_nr(range.end() - 1);
    for (SectionNr nr = phys_to_section_nr(range.start); nr <= last; nr += 1) sections.push_back(nr);
  }
  std::sort(sections.begin(), sections.end());
  sections.erase(std::unique(sections.begin(), sections.end()), sections.end());
  return sections;
}

}  // namespace memsect
