// An entry of an xarray by its two lowest bits (lib/xarray.c):
//
//   x1   a value                     00   a pointer
//   10   internal: above 4096 a node (pointer + 2), else sibling, retry or zero
//
// A node has `shift`: its slot i covers the indexes (i << shift) onwards. Shifts fall by XA_CHUNK_SHIFT per
// level, so a walk is as deep as 64 / XA_CHUNK_SHIFT + 1 at most; a node whose shift does not fall is damage
// or a loop.
#include "decode/xarray.h"

#include <fmt/format.h>

#include <bit>
#include <unordered_set>

namespace memsect {
namespace {

constexpr std::size_t most_nodes = 1 << 16;  ///< no real tree of memory blocks or pagemaps comes near
constexpr std::size_t most_failures = 16;    ///< a tree with more of them is damage through and through

struct XarrayLayout {
  Field head, shift;
  std::uint64_t slots_offset = 0, slot_count = 0;
  unsigned chunk_shift = 0;
  bool assumed = false;  ///< struct xa_node was not to be found
};

/// struct xa_node as it has been since the XArray came (Linux 4.20, f8d5d0cc145c), with the XA_CHUNK_SHIFT of
/// kernels without CONFIG_BASE_SMALL: u8 shift, offset, count, nr_values; two pointers; two words; slots[64].
/// Only files that work on xarrays describe it: debug information cut down to other units has it not.
XarrayLayout usual_layout(const Field& head, ByteOrder order) {
  return XarrayLayout{head, Field(0, 1, order), 40, 64, 6, true};
}

Result<XarrayLayout> find_layout(const TypeSource& types) {
  auto xarray = types.find_struct("xarray");
  if (!xarray) return std::move(xarray).error();
  auto head = xarray->field("xa_head");
  if (!head) return std::move(head).error();
  auto node = types.find_struct("xa_node");
  if (!node && node.error().code == Errc::no_type && head->size() == 8)
    return usual_layout(*head, xarray->order);
  if (!node) return std::move(node).error();
  auto shift = node->field("shift");
  if (!shift) return std::move(shift).error();
  auto slots = node->member("slots");
  if (!slots) return std::move(slots).error();
  if (!std::has_single_bit(slots->elements) || slots->elements < 2 || slots->elements > 256 ||
      slots->element_size != head->size()) {
    return Error{Errc::corrupt, "struct xa_node makes no sense", {}};
  }
  return XarrayLayout{*head, *shift, slots->offset, slots->elements,
                      static_cast<unsigned>(std::countr_zero(slots->elements))};
}

struct Walk {
  const AddressSpace& space;
  XarrayLayout layout;
  XarrayContent content;
  std::unordered_set<VirtAddr> nodes_seen;

  static bool is_node(std::uint64_t entry) { return (entry & 3) == 2 && entry > 4096; }

  void fail(VirtAddr node, std::string_view what, Errc why = Errc::corrupt) {
    if (content.failures.empty()) content.why = why;
    content.failures.push_back(fmt::format("xarray node at {:#x}: {}", node.raw(), what));
  }

  void visit_entry(std::uint64_t entry, std::uint64_t index, unsigned parent_shift) {
    if (entry == 0 || content.failures.size() >= most_failures) return;
    if (is_node(entry)) {
      visit_node(VirtAddr(entry - 2), index, parent_shift);
    } else if ((entry & 3) == 0) {
      content.entries.push_back({index, VirtAddr(entry)});
    }
  }

  void visit_node(VirtAddr node, std::uint64_t first_index, unsigned parent_shift) {
    // A tree reaches each of its nodes once. Without this, a dozen nodes that share their children would make
    // a walk of 64^11 steps.
    if (!nodes_seen.insert(node).second) return fail(node, "it is reached twice: damaged, or a loop");
    if (nodes_seen.size() > most_nodes) return fail(node, "more nodes than any tree has");
    std::vector<std::byte> bytes(layout.slots_offset + layout.slot_count * layout.head.size());
    if (auto done = space.read(node, bytes); !done)
      return fail(node, done.error().message, done.error().code);
    const auto shift = static_cast<unsigned>(layout.shift.get(bytes));
    if (shift >= parent_shift || shift % layout.chunk_shift != 0)
      return fail(node, "its shift does not fall: damaged, or a loop");
    for (std::uint64_t i = 0; i < layout.slot_count; ++i) {
      const Field slot(layout.slots_offset + i * layout.head.size(), layout.head.size(), order);
      visit_entry(slot.get(bytes), first_index + (i << shift), shift);
    }
  }

  ByteOrder order = ByteOrder::little;
};

}  // namespace

Result<XarrayContent> walk_xarray(const AddressSpace& space, const TypeSource& types, VirtAddr at) {
  auto layout = find_layout(types);
  if (!layout) return std::move(layout).error();
  auto xarray = types.find_struct("xarray");
  if (!xarray) return std::move(xarray).error();
  std::vector<std::byte> bytes(layout->head.end());
  if (auto done = space.read(at, bytes); !done) return std::move(done).error().within("xarray");
  Walk walk{space, *layout, {}, {}, xarray->order};
  walk.content.assumed_layout = layout->assumed;
  walk.visit_entry(layout->head.get(bytes), 0, 64);
  return std::move(walk.content);
}

}  // namespace memsect
