// has_unmovable_pages() (mm/page_isolation.c; mm/page_alloc.c up to 5.18; page_is_unmovable() from 7.2 on), over struct
// pages out of a dump. The kernel goes through a pageblock page by page and stops at the first that cannot be moved:
//
//   PG_reserved                                     unmovable, in every zone
//   zone is ZONE_MOVABLE                            movable, whatever follows
//   compound: hugetlb                               movable     all of the compound page is stepped over
//             head on an LRU list, or movable ops   movable
//             else                                  unmovable
//   no references                                   free; a buddy page steps over its 2^order pages
//   hardware-poisoned, PageOffline                  movable: later steps and drivers decide
//   on an LRU list, or movable ops                  movable
//   else                                            unmovable
//
// Here the walk goes on behind an unmovable page, to say all that is in the way. Pages of users that sit in per-CPU LRU
// batches bear no PG_lru yet. Since Linux d479960e44f2 ("mm: disable LRU pagevec during the migration temporarily", v5.13)
// the kernel drains the batches before it looks (lru_cache_disable), so they count as movable; older kernels, which have
// migrate_prep() instead, look first. Where page types, flags and compound pages stand in a struct page, by release: page_types.cc,
// compound_layout.cc, page_layout.cc.
//
// HugeTLB's vmemmap optimisation maps one page of struct pages many times (5.15-7.0): what looks like a head at the
// start of such a page is a tail if the struct page behind it names another head (page_fixed_fake_head()).
#include "page/page_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "kernel/kernel.h"
#include "memory/address_space.h"
#include "page/page_layout.h"
#include "page/page_pins.h"
#include "page/page_reader.h"
#include "page/page_window.h"
#include "page/writeback_devices.h"

namespace memsect {
namespace {

constexpr std::size_t most_examples = 8;
constexpr std::size_t most_caches = 4096;  // a kernel has some 200
constexpr std::size_t most_huge_pages = std::size_t{1} << 20;

/// By the functions; where a list of symbols was cut down and has neither of them, by a member that came with 5.15 and that
/// kernels with memory hot-plug alone have: without it nothing is put offline, and the pages are what they are elsewhere.
bool drains_lru_batches(const Kernel& kernel) {
  if (kernel.address_of("lru_cache_disable")) return true;
  if (kernel.address_of("migrate_prep")) return false;
  const auto zone = kernel.types().find_struct("zone");
  return !zone || zone->has("present_early_pages") || !kernel.types().find_struct("memory_block");
}

void add_run(std::vector<UseRun>& runs, const UseRun& run) {
  if (!runs.empty() && runs.back().use == run.use && runs.back().cache == run.cache &&
      runs.back().pages.end() == run.pages.start) {
    runs.back().pages.size += run.pages.size;
  } else {
    runs.push_back(run);
  }
}

void note_pages(PinnedPages& pinned, PfnRange pages) {
  pinned.pages += pages.size;
  if (pinned.first.size() < most_examples) pinned.first.push_back(pages.start);
}

}  // namespace

/// The scanner's inside, which none but the model sees: layouts and memory.
class PageScanner::Inside {
 public:
  Inside(const Kernel& kernel, const MemoryGeometry& geometry);

  const Result<void>& usable() const { return usable_; }
  const PageReader& reader() const { return reader_; }
  PageScan scan(const MemoryModel& model, PfnRange range);

 private:
  /// What judging a struct page said, and how many pages from it on are answered with it.
  struct Found {
    PageUse use = PageUse::other;
    std::uint64_t pages = 1;
    std::uint32_t cache = 0;
    bool corrupt = false;
    PagePins pins = PagePins::none;
    const std::string* writeback_to = nullptr;  ///< the device, while it is written to one
    // Of hugetlb:
    unsigned huge_order = 0;        ///< 0: it is none
    std::uint64_t behind_head = 0;  ///< pages between its first one and this
    bool in_use = false;
    bool lost = false;  ///< the head of its compound page cannot be read
  };
  /// Bits of page.flags; 0 where this kernel has no such flag.
  struct Flags {
    std::uint64_t head = 0, reserved = 0, lru = 0, slab = 0, hwpoison = 0, movable_ops = 0, writeback = 0;
  };
  /// Of page_type; nothing where this kernel has no such type.
  struct Types {
    std::optional<PageType> buddy, slab, table, offline, hugetlb, zsmalloc;
  };

  Result<void> bind(const Kernel& kernel);
  void bind_types();
  void scan_section(const MemoryModel& model, const Section& section, PfnRange part, Pfn end, PageScan& scan);
  Found judge(Bytes page, VirtAddr address, PageScan& scan);
  Found judge_compound(VirtAddr address, VirtAddr head, PageScan& scan);
  Found judge_single(Bytes page, PageScan& scan);
  const PageInfo& place_of(Bytes page, std::uint64_t flags, PageScan& scan);
  std::optional<VirtAddr> head_of(Bytes page, VirtAddr address, std::uint64_t flags) const;
  bool is_type(Bytes page, const std::optional<PageType>& type) const;
  bool has_movable_ops(Bytes page, std::uint64_t flags) const;
  PageUse use_of_users(Bytes page) const;
  void note_found(const Found& found, PfnRange pages, Pfn end, PageScan& scan) const;
  std::uint32_t cache_of(Bytes head, PageScan& scan);

  PageReader reader_;
  AddressSpace space_;
  std::uint64_t page_size_;
  PageLayout layout_;
  Flags flags_;
  Types types_;
  std::optional<unsigned> zone_movable_, zone_device_;
  Result<void> usable_;
  PageWindow window_;
  PinCounter pins_;
  WritebackDevices writeback_;
  bool drains_lru_batches_;
  /// Node and zone of the page before, which are those of nearly every page.
  std::optional<PageInfo> last_place_;
  std::uint64_t last_place_bits_ = 0;
  std::map<std::uint64_t, std::string> cache_names_;  ///< by address of the kmem_cache
};

PageScanner::Inside::Inside(const Kernel& kernel, const MemoryGeometry& geometry)
    : reader_(kernel, geometry),
      space_(kernel.space()),
      page_size_(geometry.page_size()),
      window_(geometry.page_size()),
      writeback_(kernel),
      drains_lru_batches_(drains_lru_batches(kernel)) {
  usable_ = bind(kernel);
}

Result<void> PageScanner::Inside::bind(const Kernel& kernel) {
  auto layout = find_page_layout(kernel);
  if (!layout) return std::move(layout).error();
  layout_ = std::move(*layout);
  if (layout_.bytes == 0 || layout_.bytes > page_size_)
    return Error{Errc::corrupt, fmt::format("struct page has {} bytes", layout_.bytes), {}};
  const TypeSource& types = kernel.types();
  flags_.head = flag_bit(types, "PG_head");
  flags_.reserved = flag_bit(types, "PG_reserved");
  flags_.lru = flag_bit(types, "PG_lru");
  flags_.slab = flag_bit(types, "PG_slab");
  flags_.hwpoison = flag_bit(types, "PG_hwpoison");
  flags_.movable_ops = flag_bit(types, "PG_movable_ops");  // 6.17+
  flags_.writeback = flag_bit(types, "PG_writeback");
  pins_ = PinCounter(types, layout_);
  if (flags_.reserved == 0 || flags_.lru == 0)
    return Error{Errc::no_type, "PG_reserved and PG_lru are not known: enum pageflags is missing", {}};
  bind_types();
  const auto movable = types.find_enumerator("zone_type", "ZONE_MOVABLE");
  if (movable) zone_movable_ = static_cast<unsigned>(*movable);
  zone_device_ = reader_.zone_device();
  return {};
}

void PageScanner::Inside::bind_types() {
  struct Wanted {
    std::string_view name;
    std::optional<PageType>* type;
  };
  const std::array<Wanted, 6> wanted{{{"buddy", &types_.buddy},
                                      {"slab", &types_.slab},
                                      {"table", &types_.table},
                                      {"offline", &types_.offline},
                                      {"hugetlb", &types_.hugetlb},
                                      {"zsmalloc", &types_.zsmalloc}}};
  for (const PageType& type : layout_.types) {
    for (const Wanted& one : wanted) {
      if (type.name == one.name) *one.type = type;
    }
  }
}

bool PageScanner::Inside::is_type(Bytes page, const std::optional<PageType>& type) const {
  if (!type || !layout_.page_type) return false;
  return (static_cast<std::uint32_t>(layout_.page_type->get(page)) & type->mask) == type->value;
}

bool PageScanner::Inside::has_movable_ops(Bytes page, std::uint64_t flags) const {
  // Linux 84caf98838a3 ("mm: stop storing migration_ops in page->mapping") (v6.17): a flag, beside a type that can
  // have them. Before, the lowest bits of the mapping: PAGE_MAPPING_MOVABLE.
  if (flags_.movable_ops != 0)
    return (flags & flags_.movable_ops) != 0 &&
           (is_type(page, types_.offline) || is_type(page, types_.zsmalloc));
  constexpr std::uint64_t kind_bits = 3, movable = 2;
  return (layout_.mapping.get(page) & kind_bits) == movable;
}

/// Of a page in use that is on no LRU list: anonymous, KSM, or in a file's page cache, or of the kernel.
PageUse PageScanner::Inside::use_of_users(Bytes page) const {
  if (!layout_.is_users(page)) return PageUse::other;
  return drains_lru_batches_ ? PageUse::movable : PageUse::lru_batch;
}

std::optional<VirtAddr> PageScanner::Inside::head_of(Bytes page, VirtAddr address,
                                                     std::uint64_t flags) const {
  if (reader_.is_tail(page)) return reader_.head_of(page, address);
  if ((flags & flags_.head) == 0) return std::nullopt;
  if (address.raw() % page_size_ != 0) return address;
  const VirtAddr next = address + layout_.bytes;  // a fake head, perhaps
  const auto behind = window_.find(next, layout_.bytes);
  const auto named = behind ? reader_.head_of(*behind, next) : std::nullopt;
  return named ? *named : address;
}

std::uint32_t PageScanner::Inside::cache_of(Bytes head, PageScan& scan) {
  std::string name = "unknown";
  if (layout_.slab_cache) {
    const std::uint64_t cache = layout_.slab_cache->get(head);
    const auto known = cache_names_.find(cache);
    if (known != cache_names_.end()) {
      name = known->second;
    } else {
      auto text = layout_.slab_cache_name(space_, head);
      if (!text && !scan.cache_lost) scan.cache_lost = text.error();
      if (text && !text->empty()) name = std::move(*text);
      if (text && cache_names_.size() < most_caches) cache_names_.emplace(cache, name);
    }
  }
  const auto at = std::find(scan.caches.begin(), scan.caches.end(), name);
  const auto index = static_cast<std::uint32_t>(at - scan.caches.begin());
  if (at == scan.caches.end()) scan.caches.push_back(std::move(name));
  return index;
}

PageScanner::Inside::Found PageScanner::Inside::judge_compound(VirtAddr address, VirtAddr head,
                                                               PageScan& scan) {
  Found broken;
  broken.corrupt = true;
  const std::uint64_t distance = address - head;  // wraps for a head behind its tail
  if (distance % layout_.bytes != 0 || distance / layout_.bytes >> largest_folio_order != 0) return broken;
  const auto bytes = window_.get(space_, head, std::max(layout_.bytes, layout_.compound.bytes));
  if (!bytes) {
    std::vector<std::byte> again(layout_.bytes);
    if (auto read = space_.read(head, again); !read && !scan.why_not_read)
      scan.why_not_read = std::move(read).error().within("the head of a compound page");
    Found lost;
    lost.lost = true;
    return lost;
  }
  if ((layout_.flags.get(*bytes) & flags_.head) == 0) return broken;
  const std::uint64_t flags = layout_.flags.get(*bytes);
  const std::uint64_t behind = distance / layout_.bytes;
  Found found;
  if (layout_.compound.order) {
    const std::uint64_t order = layout_.compound.order->get(*bytes);
    if (order == 0 || order > largest_folio_order || behind >= std::uint64_t{1} << order) return broken;
    found.pages = (std::uint64_t{1} << order) - behind;
  }
  if (is_type(*bytes, types_.hugetlb) || layout_.compound.is_hugetlb(*bytes)) {
    found.use = PageUse::movable;
    if (layout_.compound.order) found.huge_order = static_cast<unsigned>(layout_.compound.order->get(*bytes));
    found.behind_head = behind;
    found.in_use = layout_.refcount.get_signed(*bytes) > 0;
  } else if ((flags & flags_.slab) != 0 || is_type(*bytes, types_.slab)) {
    found.use = PageUse::slab;
    found.cache = cache_of(*bytes, scan);
  } else if (is_type(*bytes, types_.table)) {
    found.use = PageUse::page_table;
  } else if ((flags & flags_.lru) != 0 || has_movable_ops(*bytes, flags)) {
    found.use = PageUse::movable;
  } else {
    found.use = use_of_users(*bytes);
  }
  if (found.use != PageUse::movable) return found;
  if ((flags & flags_.writeback) != 0) found.writeback_to = &writeback_.device_of(space_, layout_, *bytes);
  found.pins = pins_.of_compound(space_, window_, head, found.pages + behind, found.huge_order != 0);
  return found;
}

PageScanner::Inside::Found PageScanner::Inside::judge_single(Bytes page, PageScan& scan) {
  const std::uint64_t flags = layout_.flags.get(page);
  const std::int64_t references = layout_.refcount.get_signed(page);
  if ((flags & flags_.slab) != 0 || is_type(page, types_.slab)) {
    // Since 7.0 slabs have no reference, and single pages of them pass has_unmovable_pages(). They are in the way all
    // the same: test_pages_isolated() wants every page free, poisoned or offline in the end, and offline_pages() asks it
    // again and again.
    const PageUse use = references == 0 ? PageUse::slab_unreferenced : PageUse::slab;
    return {use, 1, cache_of(page, scan)};
  }
  if (references == 0) {
    if (!is_type(page, types_.buddy)) {
      return {is_type(page, types_.offline) ? PageUse::offline : PageUse::free};
    }
    const std::uint64_t order = layout_.private_word.get(page);
    if (order > largest_free_order) return {PageUse::free, 1, 0, true};
    return {PageUse::free, std::uint64_t{1} << order};
  }
  if ((flags & flags_.hwpoison) != 0) return {PageUse::poisoned};
  const bool movable_ops = has_movable_ops(page, flags);
  if (is_type(page, types_.offline)) return {movable_ops ? PageUse::movable : PageUse::offline_in_use};
  if ((flags & flags_.lru) != 0 || movable_ops) return {PageUse::movable};
  if (is_type(page, types_.table)) return {PageUse::page_table};
  return {use_of_users(page)};
}

PageScanner::Inside::Found PageScanner::Inside::judge(Bytes page, VirtAddr address, PageScan& scan) {
  const std::uint64_t flags = layout_.flags.get(page);
  const unsigned zone = place_of(page, flags, scan).zone;
  if (zone_device_ == zone) return {PageUse::device};
  if ((flags & flags_.reserved) != 0) return {PageUse::reserved};
  const auto head = head_of(page, address, flags);
  Found found = head ? judge_compound(address, *head, scan) : judge_single(page, scan);
  if (zone_movable_ == zone && is_unmovable(found.use)) found.use = PageUse::movable;
  if (!head && found.use == PageUse::movable) {
    found.pins = pins_.of_single(page);
    if ((flags & flags_.writeback) != 0) found.writeback_to = &writeback_.device_of(space_, layout_, page);
  }
  return found;
}

const PageInfo& PageScanner::Inside::place_of(Bytes page, std::uint64_t flags, PageScan& scan) {
  const std::uint64_t bits = flags & reader_.place_mask();
  if (last_place_ && bits == last_place_bits_) return *last_place_;
  last_place_ = reader_.decode(page);
  last_place_bits_ = bits;
  const auto note = [](auto& seen, auto value) {
    if (std::find(seen.begin(), seen.end(), value) == seen.end()) seen.push_back(value);
  };
  note(scan.nodes, last_place_->node);
  note(scan.zones, last_place_->zone);
  return *last_place_;
}

/// Whether pages are pinned or on their way to a disk, and huge pages.
void PageScanner::Inside::note_found(const Found& found, PfnRange pages, Pfn end, PageScan& scan) const {
  if (found.pins != PagePins::none) note_pages(scan.pinned, pages);
  if (found.pins == PagePins::foll_pin) note_pages(scan.foll_pin, pages);
  if (found.writeback_to != nullptr) {
    WritebackPages& writeback = scan.writeback;
    writeback.pages += pages.size;
    if (writeback.first.size() < most_examples) writeback.first.push_back(pages.start);
    writeback.by_device[*found.writeback_to] += pages.size;
  }
  if (found.huge_order == 0) return;
  if (found.pages > end - pages.start) scan.straddling_hugetlb = pages.start;
  const Pfn first(pages.start.raw() - found.behind_head);
  const bool known = !scan.huge_pages.empty() && scan.huge_pages.back().first == first;
  if (!known && scan.huge_pages.size() < most_huge_pages)
    scan.huge_pages.push_back({first, found.huge_order, found.in_use});
}

void PageScanner::Inside::scan_section(const MemoryModel& model, const Section& section, PfnRange part,
                                       Pfn end, PageScan& scan) {
  const std::uint64_t before = part.start - model.geometry.section_nr_to_pfn(section.nr);
  const VirtAddr start = section.mem_map + before * layout_.bytes;
  auto loaded = window_.load(space_, start, part.size * layout_.bytes);
  if (!loaded && !scan.why_not_read) scan.why_not_read = std::move(loaded).error();
  for (std::uint64_t i = 0; i < part.size;) {
    const VirtAddr address = start + i * layout_.bytes;
    const auto page = window_.find(address, layout_.bytes);
    if (!page) {
      ++scan.not_read;
      ++i;
      continue;
    }
    const Found found = judge(*page, address, scan);
    const Pfn pfn = part.start + i;
    if (found.lost) {
      ++scan.not_read;
      ++i;
      continue;
    }
    if (found.corrupt) ++scan.corrupt;
    const std::uint64_t pages = std::min(found.pages, part.size - i);
    if (found.use == PageUse::free) {
      scan.free += pages;
    } else if (found.use == PageUse::movable) {
      scan.movable += pages;
      note_found(found, {pfn, pages}, end, scan);
    } else {
      add_run(scan.runs, {{pfn, pages}, found.use, found.cache});
    }
    i += pages;
  }
}

PageScan PageScanner::Inside::scan(const MemoryModel& model, PfnRange range) {
  PageScan scan;
  last_place_.reset();
  scan.pages = range.size;
  if (!usable_) {
    scan.not_read = range.size;
    scan.why_not_read = usable_.error();
    return scan;
  }
  const MemoryGeometry& geometry = model.geometry;
  const std::uint64_t at_once = PageWindow::most_bytes / layout_.bytes;
  for (Pfn at = range.start; at < range.end();) {
    const SectionNr nr = geometry.pfn_to_section_nr(at);
    const Pfn section_end = geometry.section_nr_to_pfn(nr) + geometry.pages_per_section();
    const std::uint64_t size = std::min({range.end() - at, section_end - at, at_once});
    const Section* section = model.find_section(nr);
    if (section != nullptr && section->flags.online && section->flags.has_mem_map) {
      scan_section(model, *section, {at, size}, range.end(), scan);
    } else {
      scan.pages -= size;
    }
    at += size;
  }
  return scan;
}

PageScanner::PageScanner(const Kernel& kernel, const MemoryGeometry& geometry)
    : inside_(std::make_unique<Inside>(kernel, geometry)) {}
PageScanner::PageScanner(const PageScanner& other) : inside_(std::make_unique<Inside>(*other.inside_)) {}
PageScanner::~PageScanner() = default;

const Result<void>& PageScanner::usable() const { return inside_->usable(); }
std::string PageScanner::zone_name(unsigned zone) const { return inside_->reader().zone_name(zone); }
PageScan PageScanner::scan(const MemoryModel& model, PfnRange range) { return inside_->scan(model, range); }

}  // namespace memsect
