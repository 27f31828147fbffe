// Rules that leave no trace in types are recognised by the functions that carry them out, never by a release:
//
//   prevent_bootmem_remove_notifier     arm64: refuses early sections at MEM_GOING_OFFLINE (Linux bbd6ec605c0f, "arm64/mm:
//   prevent_memory_remove_notifier      Enable memory hot remove", v5.7; the second name from 7.2 on)
//   isolate_single_pageblock            migrates or refuses what reaches over the ends of the range (Linux b2c9e2fbba32,
//                                       "mm: make alloc_contig_range work at pageblock granularity", v5.19), free huge
//                                       pages of hugetlb included until
//   move_freepages_block_isolate        (Linux fd919a85cd55, "mm: page_isolation: prepare for hygienic freelists", v6.10;
//   pageblock_isolate_and_move_free_pages   its successor from 6.17 on)
//
// The functions are static, but kallsyms and vmlinux name those as well.
#include "offlining/offline_rules.h"

#include <algorithm>

#include "kernel/kernel.h"
#include "offlining/lmbs.h"
#include "offlining/resources.h"
#include "offlining/vmalloc.h"

namespace memsect {
namespace {

bool has_function(const Kernel& kernel, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    // The compiler marks what it has changed of a static function.
    return kernel.address_of(name) || kernel.address_of(name + ".constprop.0") ||
           kernel.address_of(name + ".isra.0");
  });
}

/// resource_size(&crashk_res), which is 1 while it is not set: below the first page nothing begins.
std::uint64_t crash_kernel_size(const Kernel& kernel) {
  const auto at = kernel.address_of("crashk_res");
  const auto layout = kernel.types().find_struct("resource");
  if (!at || !layout) return 0;
  const auto start = layout->field("start"), end = layout->field("end");
  if (!start || !end) return 0;
  const AddressSpace space = kernel.space();
  const auto first = space.read_number(*at + start->offset(), start->size(), kernel.order());
  const auto last = space.read_number(*at + end->offset(), end->size(), kernel.order());
  return first && last && *last > *first ? *last - *first + 1 : 0;
}

/// vm_zone_stat[NR_FREE_PAGES]: per-CPU differences are not added, which is near enough for a hint.
std::optional<std::uint64_t> free_pages(const Kernel& kernel) {
  const auto at = kernel.address_of("vm_zone_stat");
  const auto index = kernel.types().find_enumerator("zone_stat_item", "NR_FREE_PAGES");
  if (!at || !index || *index < 0 || *index > 64) return std::nullopt;
  const std::size_t word = kernel.arch().word_size;
  const VirtAddr counter = *at + static_cast<std::uint64_t>(*index) * word;
  const auto pages = kernel.space().read_number(counter, word, kernel.order());
  if (!pages || *pages >> (8 * word - 1) != 0) return std::nullopt;
  return *pages;
}

}  // namespace

OfflineRules load_offline_rules(const Kernel& kernel, MemoryModel& model) {
  OfflineRules rules;
  rules.resources = load_resources(kernel, model.notes);
  rules.vmalloc = load_vmalloc(kernel, model.sections.size() * model.geometry.pages_per_section());
  rules.lmbs = load_lmbs(kernel);
  rules.early_memory_stays =
      has_function(kernel, {"prevent_bootmem_remove_notifier", "prevent_memory_remove_notifier"});
  if (kernel.arch().name == "s390x") rules.keeps_below = crash_kernel_size(kernel);
  rules.refuses_straddling_hugetlb =
      has_function(kernel, {"isolate_single_pageblock"}) &&
      !has_function(kernel, {"move_freepages_block_isolate", "pageblock_isolate_and_move_free_pages"});
  const auto block = kernel.types().find_struct("memory_block");
  rules.block_has_zone = block && block->has("zone");
  rules.free_pages = free_pages(kernel);
  return rules;
}

}  // namespace memsect
