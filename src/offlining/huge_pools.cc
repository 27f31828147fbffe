// struct hstate (include/linux/hugetlb.h), the same members since 2.6.28:
//
//   hstates[hugetlb_max_hstate]    order, free_huge_pages, resv_huge_pages, free_huge_pages_node[MAX_NUMNODES], ...
//
// offline_pages() asks them last: dissolve_free_huge_page() of each free huge page in the block (dissolve_free_hugetlb_folio()
// from 6.12 on) answers EBUSY where free_huge_pages - resv_huge_pages is 0 (Linux 082d5b6b60e9, "mm/hugetlb: check for
// reserved hugepages during memory offline", v4.10), and takes the page out of the pool where it is not.
#include "offlining/huge_pools.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::uint64_t most_pools = 16;  // HUGE_MAX_HSTATE is 6 at most
constexpr std::uint64_t most_nodes = 1024;
constexpr std::uint64_t largest_order = 40;

struct Layout {
  std::uint64_t size = 0;
  Field order, free, reserved;
  std::optional<Member> free_on;
  std::uint64_t bytes = 0;             ///< of each that must be read
  std::uint64_t buddy_orders = ~0ULL;  ///< of the page allocator: 0 and up to, not including, this one
};

Result<Layout> find_layout(const TypeSource& types) {
  const auto hstate = types.find_struct("hstate");
  if (!hstate) return hstate.error();
  const auto order = hstate->field("order"), free = hstate->field("free_huge_pages"),
             reserved = hstate->field("resv_huge_pages");
  for (const auto* field : {&order, &free, &reserved}) {
    if (!*field) return field->error();
  }
  Layout layout;
  layout.size = hstate->size;
  layout.order = *order;
  layout.free = *free;
  layout.reserved = *reserved;
  const auto zone = types.find_struct("zone");
  const Member* const free_area = zone ? zone->find("free_area") : nullptr;
  if (free_area != nullptr && free_area->elements > 0) layout.buddy_orders = free_area->elements;
  layout.bytes = std::max({order->end(), free->end(), reserved->end()});
  const Member* const free_on = hstate->find("free_huge_pages_node");
  if (free_on != nullptr && free_on->element_size >= 1 && free_on->element_size <= 8) {
    layout.free_on = *free_on;
    layout.free_on->elements = std::min(free_on->elements, most_nodes);
    layout.bytes = std::max(layout.bytes, free_on->offset + layout.free_on->elements * free_on->element_size);
  }
  if (layout.size == 0 || layout.bytes > layout.size)
    return Error{Errc::corrupt, "struct hstate is smaller than its members", {}};
  return layout;
}

}  // namespace

Result<std::vector<HugePool>> load_huge_pools(const Kernel& kernel) {
  const auto at = kernel.address_of("hstates"), count_at = kernel.address_of("hugetlb_max_hstate");
  if (!at || !count_at) {
    // Functions are listed also where variables are not.
    if (!kernel.address_of("hugetlb_fault"))
      return Error{Errc::not_applicable, "this kernel has no hugetlb", {}};
    return Error{Errc::no_symbol, "the symbol hstates is not known", {}};
  }
  const auto layout = find_layout(kernel.types());
  if (!layout) return layout.error();
  const AddressSpace space = kernel.space();
  const auto count = space.read_number(*count_at, 4, kernel.order());
  if (!count) return Error(count.error()).within("hugetlb_max_hstate");
  if (*count > most_pools) return Error{Errc::corrupt, fmt::format("hugetlb_max_hstate is {}", *count), {}};
  std::vector<HugePool> pools;
  std::vector<std::byte> bytes(layout->bytes);
  for (std::uint64_t i = 0; i < *count; ++i) {
    if (auto done = space.read(*at + i * layout->size, bytes); !done)
      return std::move(done).error().within("hstates");
    HugePool pool;
    const std::uint64_t order = layout->order.get(bytes);
    if (order == 0 || order > largest_order)
      return Error{Errc::corrupt, fmt::format("hstates has pages of the order {}", order), {}};
    pool.order = static_cast<unsigned>(order);
    pool.gigantic = order >= layout->buddy_orders;
    pool.free = layout->free.get(bytes);
    pool.reserved = layout->reserved.get(bytes);
    for (std::uint64_t node = 0; layout->free_on && node < layout->free_on->elements; ++node) {
      const Member& member = *layout->free_on;
      const Field field(member.offset + node * member.element_size, member.element_size, kernel.order());
      if (const std::uint64_t pages = field.get(bytes); pages != 0)
        pool.free_on.emplace(NodeId(static_cast<int>(node)), pages);
    }
    pools.push_back(std::move(pool));
  }
  return pools;
}

}  // namespace memsect
