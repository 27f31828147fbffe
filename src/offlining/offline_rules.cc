// Rules that leave no trace in types are recognised by the functions that carry them out, never by a release:
//
//   prevent_bootmem_remove_notifier     arm64: refuses early sections at MEM_GOING_OFFLINE (Linux bbd6ec605c0f, "arm64/mm:
//   prevent_memory_remove_notifier      Enable memory hot remove", v5.7; the second name from 7.2 on, which also
//                                       refuses to cut mappings in two: cut_mappings.cc)
//   count_system_ram_pages_cb           looks for memory holes before anything else (Linux c5e79ef561b0,
//                                       "mm/memory_hotplug.c: don't allow to online/offline memory blocks with holes", v5.5)
//   isolate_single_pageblock            migrates or refuses what reaches over the ends of the range (Linux b2c9e2fbba32,
//                                       "mm: make alloc_contig_range work at pageblock granularity", v5.19), free huge
//                                       pages of hugetlb included until
//   move_freepages_block_isolate        (Linux fd919a85cd55, "mm: page_isolation: prepare for hygienic freelists", v6.10;
//   pageblock_isolate_and_move_free_pages   its successor from 6.17 on)
//
// The functions are static, but kallsyms and vmlinux name those as well.
#include "offlining/offline_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/kernel.h"
#include "offlining/cut_mappings.h"
#include "offlining/huge_pools.h"
#include "offlining/lmbs.h"
#include "offlining/migration_room.h"
#include "offlining/notifiers.h"
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
Result<std::uint64_t> crash_kernel_size(const Kernel& kernel) {
  const auto at = kernel.address_of("crashk_res");
  const auto layout = kernel.types().find_struct("resource");
  if (!at || !layout) return std::uint64_t{0};
  const auto start = layout->field("start"), end = layout->field("end");
  if (!start || !end) return std::uint64_t{0};
  const AddressSpace space = kernel.space();
  const auto first = space.read_number(*at + start->offset(), start->size(), kernel.order());
  const auto last = space.read_number(*at + end->offset(), end->size(), kernel.order());
  if (!first) return Error(first.error()).within("crashk_res");
  if (!last) return Error(last.error()).within("crashk_res");
  return *last > *first ? *last - *first + 1 : 0;
}

/// A part that decides no verdict: what its absence means is said.
template <class Part>
void note_loss(const Result<Part>& part, std::string_view what, Notes& notes) {
  if (!part && part.error().code != Errc::not_applicable)
    notes.note(fmt::format("{}: {}", what, part.error().message));
}

/// Functions that a vmlinux which was cut down does not name may be any of those that are known.
void note_unnamed(const Result<std::vector<MemoryNotifier>>& notifiers, Notes& notes) {
  if (!notifiers) return;
  const auto unnamed =
      std::count_if(notifiers->begin(), notifiers->end(),
                    [](const MemoryNotifier& notifier) { return notifier.role == NotifierRole::unnamed; });
  if (unnamed > 0)
    notes.note(
        fmt::format("{} of the functions that the kernel asks before memory goes offline have no name among "
                    "the symbols at hand",
                    unnamed));
}

}  // namespace

OfflineRules load_offline_rules(const Kernel& kernel, MemoryModel& model) {
  OfflineRules rules;
  auto resources = load_resources(kernel, model.notes);
  if (resources) rules.resources_short = std::move(resources->incomplete);
  rules.resources =
      resources ? Result<std::vector<Resource>>(std::move(resources->list)) : std::move(resources).error();
  rules.vmalloc = load_vmalloc(kernel, model.sections.size() * model.geometry.pages_per_section());
  rules.lmbs = load_lmbs(kernel);
  rules.early_memory_stays =
      has_function(kernel, {"prevent_bootmem_remove_notifier", "prevent_memory_remove_notifier"});
  // The symbol memory_blocks is younger (5.8): it tells where functions are not known.
  rules.refuses_holes = !kernel.address_of("schedule") ||
                        has_function(kernel, {"count_system_ram_pages_cb"}) ||
                        kernel.address_of("memory_blocks");
  if (kernel.arch().name == "s390x") {
    const auto size = crash_kernel_size(kernel);
    if (size) rules.keeps_below = *size;
    if (!size) rules.limits_lost = size.error();
  }
  rules.refuses_straddling_hugetlb =
      has_function(kernel, {"isolate_single_pageblock"}) &&
      !has_function(kernel, {"move_freepages_block_isolate", "pageblock_isolate_and_move_free_pages"});
  const auto block = kernel.types().find_struct("memory_block");
  rules.block_has_zone = block && block->has("zone");
  if (rules.vmalloc && rules.vmalloc->lost) {
    model.notes.warn(
        fmt::format("page tables of the addresses that vmalloc hands out cannot be read ({}): pages that it "
                    "has mapped may be counted as other kernel memory",
                    rules.vmalloc->lost->message));
  }
  rules.huge_pools = load_huge_pools(kernel);
  if (model.geometry.kind == MemoryModelKind::flatmem) return rules;  // no memory ever goes offline there
  rules.notifiers = load_memory_notifiers(kernel);
  note_loss(rules.notifiers, "notifiers that memsect does not know cannot be named", model.notes);
  note_unnamed(rules.notifiers, model.notes);
  rules.room = load_migration_room(kernel, model);
  note_loss(rules.room, "whether other nodes have room for pages that have to move cannot be told",
            model.notes);
  const bool supported = rules.room || rules.room.error().code == Errc::no_type ||
                         rules.room.error().code == Errc::no_member ||
                         rules.room.error().code == Errc::no_symbol;
  if (!supported) model.incomplete = true;  // a hint may be missing
  if (has_function(kernel, {"prevent_memory_remove_notifier"}))
    rules.cut_mappings = find_cut_mappings(kernel, model);
  return rules;
}

}  // namespace memsect
