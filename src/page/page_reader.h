// struct page, as far as the memory model needs it: whose it is and who gave it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "model/geometry.h"
#include "model/memory_model.h"
#include "types/type_source.h"

namespace memsect {

class Kernel;

/// What the flags of one struct page say. Meaningful for pages of online sections and for boot memory only:
/// those of sections never onlined claim node 0, zone DMA.
struct PageInfo {
  NodeId node{};
  unsigned zone = 0;      ///< enum zone_type
  bool reserved = false;  ///< PG_reserved
  bool slab = false;      ///< on the page itself or on its compound head
  /// Why the compound head could not be read: whether it is slab is not known then.
  std::optional<Errc> head_lost;
};

/// Reads struct pages through the memmap of their section. Copies its own AddressSpace: one per thread.
class PageReader {
 public:
  PageReader(const Kernel& kernel, const MemoryGeometry& geometry);

  /// The struct page of `pfn`; `not_in_dump` when no present section with a memmap covers it.
  Result<PageInfo> page(const MemoryModel& model, Pfn pfn) const;
  /// Where the struct page of `pfn` is; `not_in_dump` as above.
  Result<VirtAddr> address_of(const MemoryModel& model, Pfn pfn) const;
  /// The bytes of a struct page, and what its own flags say (`slab` may stand on its compound head).
  Result<std::vector<std::byte>> read(VirtAddr struct_page) const;
  PageInfo decode(Bytes page) const;
  /// Which bits of page.flags hold node and zone: decode() gives the same of both where these are the same.
  std::uint64_t place_mask() const { return place_mask_; }
  /// Whether it is a tail page, whose compound head head_of() tells.
  bool is_tail(Bytes page) const {
    if (first_page_) return (flags_.get(page) & tail_bit_) != 0;
    return compound_head_ && (compound_head_->get(page) & 1) != 0;
  }
  /// The compound head that a tail page names; nothing for other pages.
  std::optional<VirtAddr> head_of(Bytes page, VirtAddr struct_page) const;
  /// Who gave the memory at `at`: PG_reserved is boot memory, else slab, else `otherwise`. `not_read` when its
  /// struct page, or the compound head that would tell, cannot be read.
  Allocation allocation_at(const MemoryModel& model, PhysAddr at, Allocation otherwise) const;
  /// The kernel's name of a zone ("DMA32"), by enum zone_type.
  std::string zone_name(unsigned zone) const;
  /// enum zone_type's ZONE_DEVICE, where this kernel has it.
  std::optional<unsigned> zone_device() const { return zone_device_; }
  /// Nodes this kernel was built for (MAX_NUMNODES), 1 without NUMA.
  std::uint64_t max_nodes() const { return max_nodes_; }

 private:
  Result<void> bind(const Kernel& kernel, const MemoryGeometry& geometry);
  void bind_slab(const Kernel& kernel, const StructLayout& page);
  Result<void> bind_node_and_zone(const Kernel& kernel, const MemoryGeometry& geometry);
  void bind_zone_names(const TypeSource& types);
  bool is_slab(Bytes page) const;

  AddressSpace space_;
  Result<void> usable_;
  std::uint64_t struct_page_size_ = 0;
  Field flags_;
  std::optional<Field> compound_head_;
  bool compound_mask_ = false;       ///< 7.1+: the field may hold a mask instead of a pointer
  std::optional<Field> first_page_;  ///< up to 4.3: the head of a page with PG_tail
  std::uint64_t tail_bit_ = 0;
  std::optional<Field> page_type_;
  std::uint64_t reserved_bit_ = 0;
  std::optional<std::uint64_t> slab_bit_;
  std::optional<std::uint32_t> slab_page_type_;  ///< compared under slab_page_type_mask_
  std::uint32_t slab_page_type_mask_ = 0;
  unsigned nodes_shift_ = 0, nodes_width_ = 0, zones_shift_ = 0, zones_width_ = 0;
  std::uint64_t place_mask_ = 0;
  std::uint64_t max_nodes_ = 1;
  std::vector<std::string> zone_names_;
  std::optional<unsigned> zone_device_;
};

}  // namespace memsect
