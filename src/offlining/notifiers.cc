// drivers/base/memory.c: static BLOCKING_NOTIFIER_HEAD(memory_chain), of
//
//   blocking_notifier_head.head -> notifier_block { notifier_call, next, priority } -> ... -> 0
//
// offline_pages() calls them with MEM_GOING_OFFLINE when all pages are isolated; what one answers is turned into an errno
// (NOTIFY_BAD: EPERM). The functions are told by their names. Those of modules have none in the kernel's own list: their
// module is named. What each is said to do was read in the sources of 5.10, 6.1, 6.12, 7.2 and 7.3 (docs/support.md).
#include "offlining/notifiers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::size_t most_notifiers = 1024;
constexpr std::size_t most_modules = 4096;
constexpr std::size_t longest_module_name = 64;

struct Known {
  std::string_view name;
  NotifierRole role;
};
constexpr auto passive = NotifierRole::passive, judged = NotifierRole::judged;
constexpr std::array<Known, 29> known_functions{{
    {"prevent_bootmem_remove_notifier", judged},  // arch/arm64/mm/mmu.c, 5.7+
    {"prevent_memory_remove_notifier", judged},   // its name in 7.2
    {"kdump_mem_notifier", judged},               // arch/s390/kernel/setup.c
    {"s390_cma_mem_notifier", judged},            // arch/s390/mm/init.c: CMA, which isolation refuses before
    {"virtio_mem_memory_notifier_cb", judged},    // drivers/virtio/virtio_mem.c
    {"sclp_mem_notifier", passive},               // drivers/s390/char: standby memory, which is not online
    {"iommu_mem_notifier", passive},              // arch/powerpc/platforms/pseries/iommu.c
    {"cmm_memory_cb", passive},                   // arch/powerpc/platforms/pseries/cmm.c
    {"xen_memory_notifier", passive},             // drivers/xen/balloon.c
    {"hv_memory_notifier", passive},              // drivers/hv/hv_balloon.c
    {"tdx_memory_notifier", passive},             // arch/x86/virt/vmx/tdx/tdx.c: refuses to put memory online
    {"cxl_region_perf_attrs_callback", passive},  // drivers/cxl/core/region.c
    {"hmat_callback", passive},                   // drivers/acpi/numa/hmat.c
    {"kasan_mem_notifier", passive},              // mm/kasan
    {"page_ext_callback", passive},               // mm/page_ext.c
    {"page_cgroup_callback", passive},            // mm/page_cgroup.c, to 3.18
    {"slab_memory_callback", passive},            // mm/slub.c, mm/slab.c
    {"ksm_memory_callback", passive},             // mm/ksm.c
    {"memtier_hotplug_callback", passive},        // mm/memory-tiers.c, 6.1 to 6.16
    {"migrate_on_reclaim_callback", passive},     // mm/migrate.c, 5.15 to 6.0
    {"mm_compute_batch_notifier", passive},       // mm/mm_init.c
    {"reserve_mem_notifier", passive},            // mm/mmap.c
    {"cpuset_track_online_nodes", passive},       // kernel/cgroup/cpuset.c
    {"crash_memhp_notifier", passive},            // kernel/crash_core.c
    {"kcore_callback", passive},                  // fs/proc/kcore.c
    {"ipc_memory_callback", passive},             // ipc/ipcns_notifier.c, to 3.x
    {"node_memory_callback", passive},            // drivers/base/node.c, to 6.0
    {"wi_node_notifier", passive},                // mm/mempolicy.c, 6.16
    {"notifier_err_inject_callback", NotifierRole::refuses},  // lib/notifier-error-inject.c
}};
/// Modules that register one of the above.
constexpr std::array<Known, 4> known_modules{{{"virtio_mem", judged},
                                              {"hv_balloon", passive},
                                              {"cxl_core", passive},
                                              {"notifier_error_inject", NotifierRole::refuses}}};

/// Addresses of the kernel's functions, and where its modules lie.
class Names {
 public:
  explicit Names(const Kernel& kernel) : kernel_(kernel), space_(kernel.space()) {
    for (const Known& one : known_functions) {
      if (const auto at = kernel.address_of(one.name)) functions_.emplace_back(*at, &one);
    }
  }

  void name(std::vector<MemoryNotifier>& notifiers) const {
    std::vector<VirtAddr> others;
    for (MemoryNotifier& notifier : notifiers) {
      const auto known = std::find_if(functions_.begin(), functions_.end(),
                                      [&](const auto& one) { return one.first == notifier.function; });
      if (known != functions_.end()) {
        notifier.name = known->second->name;
        notifier.role = known->second->role;
      } else {
        others.push_back(notifier.function);
      }
    }
    if (others.empty()) return;
    const std::vector<std::string> texts = kernel_.symbolize(others);  // goes over all symbols
    std::size_t next = 0;
    for (MemoryNotifier& notifier : notifiers) {
      if (notifier.name.empty()) name_other(notifier, texts[next++]);
    }
  }

 private:
  static void take_role(MemoryNotifier& notifier, std::string_view name, std::span<const Known> known) {
    for (const Known& one : known) {
      if (one.name == name) notifier.role = one.role;
    }
  }

  bool is_in_image(VirtAddr at) const {
    const auto start = kernel_.address_of("_stext"), end = kernel_.address_of("_end");
    return start && end && *start <= at && at < *end;
  }

  void name_other(MemoryNotifier& notifier, const std::string& text) const {
    if (const auto module = module_of(notifier.function)) {
      notifier.name = fmt::format("{:#x} [{}]", notifier.function.raw(), *module);
      return take_role(notifier, *module, known_modules);
    }
    if (text.starts_with("0x") && is_in_image(notifier.function)) {
      notifier.name = text;
      notifier.role = NotifierRole::unnamed;
      return;
    }
    // The compiler marks what it has changed of a static function: "name.isra.0+0x0", "name.llvm.123+0x0".
    notifier.name = text.substr(0, text.find("+0x0"));
    take_role(notifier, notifier.name.substr(0, notifier.name.find('.')), known_functions);
  }

  std::optional<std::uint64_t> number(VirtAddr object, const StructLayout& layout,
                                      std::string_view member) const {
    const auto field = layout.field(member);
    if (!field) return std::nullopt;
    const auto value = space_.read_number(object + field->offset(), field->size(), layout.order);
    return value ? std::optional(*value) : std::nullopt;
  }

  /// module.mem[] from 6.4 on (ac3b43283923), before that module.core_layout (4.5+).
  bool has_code_at(VirtAddr module, const StructLayout& layout, VirtAddr at) const {
    const Member* const parts = layout.has("mem") ? layout.find("mem") : layout.find("core_layout");
    const auto part = parts != nullptr ? kernel_.types().find_struct(parts->type_name)
                                       : Result<StructLayout>(Error{Errc::no_member, "", {}});
    if (!part) return false;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(parts->elements, 16); ++i) {
      const VirtAddr place = module + parts->offset + i * part->size;
      const auto base = number(place, *part, "base"), size = number(place, *part, "size");
      if (base && size && at - VirtAddr(*base) < *size) return true;
    }
    return false;
  }

  std::optional<std::string> module_of(VirtAddr at) const {
    const auto list = kernel_.address_of("modules");
    const auto layout = kernel_.types().find_struct("module");
    if (!list || !layout) return std::nullopt;
    const Member* const link = layout->find("list");
    const Member* const name = layout->find("name");
    if (link == nullptr || name == nullptr) return std::nullopt;
    const std::size_t word = kernel_.arch().word_size;
    VirtAddr next = *list;
    for (std::size_t i = 0; i < most_modules; ++i) {
      const auto pointer = space_.read_number(next, word, kernel_.order());
      if (!pointer || VirtAddr(*pointer) == *list) return std::nullopt;
      next = VirtAddr(*pointer);
      const VirtAddr module = next - link->offset;
      if (!has_code_at(module, *layout, at)) continue;
      auto text = space_.read_text(module + name->offset, longest_module_name);
      return text ? std::optional(std::move(*text)) : std::nullopt;
    }
    return std::nullopt;
  }

  const Kernel& kernel_;
  AddressSpace space_;
  std::vector<std::pair<VirtAddr, const Known*>> functions_;
};

}  // namespace

Result<std::vector<MemoryNotifier>> load_memory_notifiers(const Kernel& kernel) {
  const auto chain = kernel.address_of("memory_chain");
  if (!chain) return Error{Errc::no_symbol, "the symbol memory_chain is not known", {}};
  const auto head = kernel.types().find_struct("blocking_notifier_head");
  if (!head) return head.error();
  const auto block = kernel.types().find_struct("notifier_block");
  if (!block) return block.error();
  const auto first = head->field("head"), call = block->field("notifier_call"), next = block->field("next");
  for (const auto* field : {&first, &call, &next}) {
    if (!*field) return field->error();
  }
  const AddressSpace space = kernel.space();
  auto at = space.read_number(*chain + first->offset(), first->size(), kernel.order());
  if (!at) return Error(at.error()).within("memory_chain");
  std::vector<MemoryNotifier> notifiers;
  while (*at != 0) {
    if (notifiers.size() == most_notifiers) return Error{Errc::corrupt, "memory_chain does not end", {}};
    std::vector<std::byte> bytes(std::max(call->end(), next->end()));
    if (auto done = space.read(VirtAddr(*at), bytes); !done)
      return std::move(done).error().within("memory_chain");
    notifiers.push_back({VirtAddr(call->get(bytes)), {}, NotifierRole::unknown});
    at = next->get(bytes);
  }
  Names(kernel).name(notifiers);
  return notifiers;
}

}  // namespace memsect
