// Small conversions from model values to output values, shared by the views.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/memory_model.h"
#include "model/page_owner.h"
#include "render/value.h"

namespace memsect {

/// Physical stretches as the numbers of the sections they touch.
List section_list(const MemoryGeometry& geometry, std::span<const PhysRange> phys);
/// crash's letters: Present, has Mem map, Online, Early, Device shares it; ours: Vmemmap initialised early
/// (6.15+).
std::string state_letters(const SectionFlags& flags);
/// The names of the flags that are set, in the order of their bits.
List flag_names(const SectionFlags& flags);

/// Pageblock counts by migratetype under the kernel's own names.
Value migratetype_counts(const MemoryModel& model, std::span<const std::uint64_t> counts);

/// The subsection map as one number of any width, bit 0 the first.
Value bitmap_value(const SubsectionMap& map);

/// Who allocated a page, its stack as a list of frames.
/// Who gave the memory; an absence where the struct page that tells could not be read.
Value allocation_value(Allocation allocation);
Value page_owner_value(const PageOwner& owner);
/// "init (pid 1), order 0, gfp_mask 0xcc0": without the stack.
std::string page_owner_text(const PageOwner& owner);

/// The value of a Result made by `make`, or its absence.
template <class T, class Make>
Value value_or_absence(const Result<T>& result, Make make) {
  if (!result) return result.error();
  return make(*result);
}

}  // namespace memsect
