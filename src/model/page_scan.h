// What stands in the way of offlining a range of pages, by the kernel's own order of tests.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/large_buffer.h"
#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "model/compound_layout.h"
#include "model/memory_model.h"
#include "model/page.h"
#include "model/page_types.h"

namespace memsect {

class Kernel;

using PfnRange = Range<Pfn>;

/// What a page is in use for, as far as its struct page tells. The last ones make has_unmovable_pages() refuse the
/// pageblock; the others do not.
enum class PageUse {
  free,            ///< in the page allocator, its per-CPU lists included
  movable,         ///< on an LRU list or about to be, hugetlb, or with movable operations of its own
  poisoned,        ///< PG_hwpoison
  offline,         ///< PageOffline: taken by a balloon or a memory device, which decides
  offline_in_use,  ///< the same with references left: refused later on, unless its driver drops them
  device,          ///< ZONE_DEVICE
  reserved,        ///< PG_reserved
  slab,
  page_table,
  other,  ///< in use, and nothing says by whom
};
std::string_view page_use_name(PageUse use);
/// Whether pages of that use make the kernel refuse a pageblock.
constexpr bool is_unmovable(PageUse use) { return use >= PageUse::reserved; }

/// Neighbouring pages of one use.
struct UseRun {
  PfnRange pages;
  PageUse use = PageUse::other;
  std::uint32_t cache = 0;  ///< slab: index into PageScan::caches
};

/// Pages with more references than their mappings explain: someone holds on to them (get_user_pages, vmsplice).
struct PinnedPages {
  std::uint64_t pages = 0;
  std::vector<Pfn> first;  ///< the first few
};

struct PageScan {
  std::uint64_t pages = 0;  ///< that were looked at or tried
  std::uint64_t free = 0, movable = 0;
  std::uint64_t corrupt = 0;          ///< struct pages that make no sense: heads outside, wild orders
  std::uint64_t not_read = 0;         ///< pages whose struct page could not be had
  std::optional<Error> why_not_read;  ///< the first reason
  std::vector<UseRun> runs;           ///< all but free and movable ones, ascending
  std::vector<std::string> caches;    ///< names of slab caches
  PinnedPages pinned;                 ///< a hint: pins do not refuse, they keep migration failing
  PinnedPages long_term;              ///< those of them with the bias of FOLL_PIN
  std::vector<NodeId> nodes;          ///< that the pages claim, each once
  std::vector<unsigned> zones;        ///< the same: enum zone_type
  /// A huge page reaches beyond the end of the range: its first page. Kernels of 5.19 to 6.9 refuse then.
  std::optional<Pfn> straddling_hugetlb;
};

/// Judges pages in bulk. Binds what it needs once; copies its own AddressSpace and buffers: one per thread.
class PageScanner {
 public:
  PageScanner(const Kernel& kernel, const MemoryGeometry& geometry);
  ~PageScanner();
  PageScanner(PageScanner&&) noexcept;

  /// Why no page can be judged: a struct page whose layout is not known.
  const Result<void>& usable() const { return usable_; }
  const PageReader& reader() const { return reader_; }
  /// Goes over the pages of `range` that lie in online sections. Never fails: what cannot be read is counted.
  PageScan scan(const MemoryModel& model, PfnRange range);

 private:
  struct Found;
  struct Window;

  Result<void> bind(const Kernel& kernel);
  void bind_types(const Kernel& kernel, const StructLayout& page);
  bool load(const MemoryModel& model, const Section& section, PfnRange part);
  void scan_section(const MemoryModel& model, const Section& section, PfnRange part, Pfn end, PageScan& scan);
  Found judge(Bytes page, VirtAddr address, PageScan& scan);
  const PageInfo& place_of(Bytes page, std::uint64_t flags, PageScan& scan);
  Found judge_compound(VirtAddr address, VirtAddr head, PageScan& scan);
  Found judge_single(Bytes page, PageScan& scan);
  std::optional<VirtAddr> head_of(Bytes page, VirtAddr address, std::uint64_t flags) const;
  std::optional<Bytes> bytes_at(VirtAddr address, std::uint64_t size);
  bool has_movable_ops(Bytes page, std::uint64_t flags) const;
  bool is_user_mapping(Bytes page) const;
  bool is_type(Bytes page, const std::optional<PageType>& type) const;
  void note_pins(Bytes page, Pfn pfn, PageScan& scan) const;
  std::uint32_t cache_of(Bytes head, PageScan& scan);

  PageReader reader_;
  AddressSpace space_;
  ByteOrder order_;
  Result<void> usable_;
  std::uint64_t struct_page_size_ = 0, page_size_ = 0;
  Field flags_, refcount_, mapping_, private_;
  std::optional<Field> mapcount_, page_type_;
  std::optional<PageType> buddy_, slab_, table_, offline_, hugetlb_, zsmalloc_;
  std::uint64_t head_bit_ = 0, reserved_bit_ = 0, lru_bit_ = 0, slab_bit_ = 0, poison_bit_ = 0;
  std::uint64_t movable_ops_bit_ = 0, swapcache_bit_ = 0, private_bit_ = 0;
  CompoundLayout compound_;
  std::optional<unsigned> zone_movable_, zone_device_;
  /// Node and zone of the page before, which are those of nearly every page.
  std::optional<PageInfo> last_place_;
  std::uint64_t last_place_bits_ = 0;
  bool high_addresses_ = true;
  std::optional<Field> slab_cache_, cache_name_;
  std::map<std::uint64_t, std::string> cache_names_;  ///< by address of the kmem_cache
  std::unique_ptr<Window> window_;
};

}  // namespace memsect
