#include <array>

#include "analysis/check.h"

namespace memsect {

namespace {
// Sections first, then what hangs on them, then nodes and zones, then memory blocks.
constexpr std::array<const Check*, 26> all{&section_flags_check,      &section_parts_check,
                                           &vmemmap_base_check,       &memmap_whole_check,
                                           &memmap_apart_check,       &subsection_map_check,
                                           &usage_shared_check,       &usage_apart_check,
                                           &usage_stride_check,       &pageblock_types_check,
                                           &usage_memory_check,       &root_memory_check,
                                           &pgdat_memory_check,       &objects_apart_check,
                                           &node_identity_check,      &zone_span_check,
                                           &zone_pages_check,         &node_pages_check,
                                           &present_pages_check,      &isolated_pageblocks_check,
                                           &section_node_check,       &block_sections_check,
                                           &block_state_check,        &block_node_check,
                                           &self_hosted_memmap_check, &filter_kept_kernel_pages_check};
}  // namespace

std::span<const Check* const> checks() { return all; }

const Check* find_check(std::string_view name) {
  for (const Check* check : all) {
    if (check->name == name) return check;
  }
  return nullptr;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::violated:
      return "violated";
    case Verdict::undecided:
      break;
  }
  return "undecided";
}

}  // namespace memsect
