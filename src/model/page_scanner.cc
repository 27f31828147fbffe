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
// batches bear no PG_lru yet; the kernel drains the batches before it looks (lru_cache_disable), so they count as
// movable. Where page types, flags and compound pages stand in a struct page, by release: page_types.cc,
// compound_layout.cc, page.cc.
//
// HugeTLB's vmemmap optimisation maps one page of struct pages many times (5.15-7.0): what looks like a head at the
// start of such a page is a tail if the struct page behind it names another head (page_fixed_fake_head()).
#include "model/page_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>

#include "base/large_buffer.h"
#include "kernel/kernel.h"
#include "memory/address_space.h"
#include "model/compound_layout.h"
#include "model/page.h"
#include "model/page_types.h"

namespace memsect {
namespace {

constexpr unsigned largest_order = 40;       // no machine has a larger folio: 4 PiB
constexpr unsigned largest_free_order = 20;  // of the page allocator: 10, up to 13 with 64K pages
constexpr std::size_t longest_cache_name = 128;
constexpr std::size_t most_examples = 8;
constexpr std::size_t most_caches = 4096;  // a kernel has some 200
constexpr std::int64_t pin_bias = 1024;    // GUP_PIN_COUNTING_BIAS
/// Struct pages are read in pieces of this size: the memmap of a section on most machines.
constexpr std::uint64_t window_bytes = std::uint64_t{2} << 20;

/// page.mapping, lowest bits (include/linux/page-flags.h): 1 anon, 2 movable operations (..6.16), 3 KSM.
constexpr std::uint64_t mapping_kind = 3, mapping_movable = 2;

std::uint64_t flag_bit(const TypeSource& types, const char* name) {
  const auto bit = types.find_enumerator("pageflags", name);
  return bit && *bit >= 0 && *bit < 64 ? std::uint64_t{1} << *bit : 0;
}

void add_run(std::vector<UseRun>& runs, const UseRun& run) {
  if (!runs.empty() && runs.back().use == run.use && runs.back().cache == run.cache &&
      runs.back().pages.end() == run.pages.start) {
    runs.back().pages.size += run.pages.size;
  } else {
    runs.push_back(run);
  }
}

void note_page(PinnedPages& pinned, Pfn pfn) {
  ++pinned.pages;
  if (pinned.first.size() < most_examples) pinned.first.push_back(pfn);
}

}  // namespace

/// The scanner's inside: what it binds once, and the struct pages at hand.
class PageScanner::Inside {
 public:
  Inside(const Kernel& kernel, const MemoryGeometry& geometry);

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

std::string_view page_use_name(PageUse use) {
  static constexpr std::array<std::string_view, 10> names{"free",           "movable", "poisoned", "offline",
                                                          "offline_in_use", "device",  "reserved", "slab",
                                                          "page_table",     "other"};
  return names[static_cast<std::size_t>(use)];
}

/// What judging a struct page said, and how many pages from it on are answered with it.
struct PageScanner::Inside::Found {
  PageUse use = PageUse::other;
  std::uint64_t pages = 1;
  std::uint32_t cache = 0;
  bool corrupt = false;
  bool hugetlb = false;
};

/// The struct pages at hand: read as a whole, page by page where that fails.
struct PageScanner::Inside::Window {
  LargeBuffer buffer{window_bytes};
  VirtAddr start;
  std::uint64_t size = 0;
  std::vector<bool> lost;  ///< by page of the memmap; empty when none is
  std::vector<std::byte> aside;
  std::optional<Error> why;

  bool has(VirtAddr at, std::uint64_t bytes, std::uint64_t page_size) const {
    const std::uint64_t from = at - start;
    if (from >= size || bytes > size - from) return false;
    if (lost.empty()) return true;
    return !lost[from / page_size] && !lost[(from + bytes - 1) / page_size];
  }
};

PageScanner::Inside::Inside(const Kernel& kernel, const MemoryGeometry& geometry)
    : reader_(kernel, geometry),
      space_(kernel.space()),
      order_(kernel.order()),
      page_size_(geometry.page_size()),
      window_(std::make_unique<Window>()) {
  usable_ = bind(kernel);
}

Result<void> PageScanner::Inside::bind(const Kernel& kernel) {
  const TypeSource& types = kernel.types();
  auto page = types.find_struct("page");
  if (!page) return std::move(page).error();
  struct_page_size_ = page->size;
  struct Wanted {
    const char* member;
    Field* field;
  };
  const char* const count = page->has("_refcount") ? "_refcount" : "_count";  // renamed in 4.6
  for (const Wanted& wanted : {Wanted{"flags", &flags_}, Wanted{count, &refcount_},
                               Wanted{"mapping", &mapping_}, Wanted{"private", &private_}}) {
    auto field = page->field(wanted.member);
    if (!field) return std::move(field).error();
    *wanted.field = *field;
  }
  if (struct_page_size_ == 0 || struct_page_size_ > page_size_)
    return Error{Errc::corrupt, fmt::format("struct page has {} bytes", struct_page_size_), {}};
  head_bit_ = flag_bit(types, "PG_head");
  reserved_bit_ = flag_bit(types, "PG_reserved");
  lru_bit_ = flag_bit(types, "PG_lru");
  if (reserved_bit_ == 0 || lru_bit_ == 0)
    return Error{Errc::no_type, "PG_reserved and PG_lru are not known: enum pageflags is missing", {}};
  bind_types(kernel, *page);
  compound_ = find_compound_layout(types);
  const auto movable = types.find_enumerator("zone_type", "ZONE_MOVABLE");
  if (movable) zone_movable_ = static_cast<unsigned>(*movable);
  zone_device_ = reader_.zone_device();
  const auto& direct_map = kernel.arch_memory().page_offset;
  high_addresses_ = !direct_map || direct_map->raw() >> 63 != 0;  // all machines but s390
  return {};
}

void PageScanner::Inside::bind_types(const Kernel& kernel, const StructLayout& page) {
  const TypeSource& types = kernel.types();
  slab_bit_ = flag_bit(types, "PG_slab");
  poison_bit_ = flag_bit(types, "PG_hwpoison");
  movable_ops_bit_ = flag_bit(types, "PG_movable_ops");  // 6.17+
  swapcache_bit_ = flag_bit(types, "PG_swapcache");
  private_bit_ = flag_bit(types, "PG_private");
  if (const auto field = page.field("_mapcount")) mapcount_ = *field;
  page_type_ = mapcount_;
  if (const auto field = page.field("page_type")) page_type_ = *field;
  struct Wanted {
    std::string_view name;
    std::optional<PageType>* type;
  };
  const std::array<Wanted, 6> wanted{{{"buddy", &buddy_},
                                      {"slab", &slab_},
                                      {"table", &table_},
                                      {"offline", &offline_},
                                      {"hugetlb", &hugetlb_},
                                      {"zsmalloc", &zsmalloc_}}};
  for (const PageType& type : find_page_types(types, kernel.vmcoreinfo(), page)) {
    for (const Wanted& one : wanted) {
      if (type.name == one.name) *one.type = type;
    }
  }
  const auto slab = types.find_struct("slab");  // 5.17+; before, struct page had its members
  const auto cache = slab ? slab->field("slab_cache") : page.field("slab_cache");
  if (cache && cache->end() <= page.size) slab_cache_ = *cache;
  if (const auto kmem_cache = types.find_struct("kmem_cache")) {
    if (const auto name = kmem_cache->field("name")) cache_name_ = *name;
  }
}

bool PageScanner::Inside::is_type(Bytes page, const std::optional<PageType>& type) const {
  if (!type || !page_type_) return false;
  return (static_cast<std::uint32_t>(page_type_->get(page)) & type->mask) == type->value;
}

bool PageScanner::Inside::has_movable_ops(Bytes page, std::uint64_t flags) const {
  // Linux 84caf98838a3 ("mm: stop storing migration_ops in page->mapping") (v6.17): a flag, beside a type that can
  // have them. Before, the lowest bits of the mapping: PAGE_MAPPING_MOVABLE.
  if (movable_ops_bit_ != 0)
    return (flags & movable_ops_bit_) != 0 && (is_type(page, offline_) || is_type(page, zsmalloc_));
  return (mapping_.get(page) & mapping_kind) == mapping_movable;
}

/// Anonymous, KSM, or in a file's page cache: page.mapping points to a kernel object.
bool PageScanner::Inside::is_user_mapping(Bytes page) const {
  const std::uint64_t mapping = mapping_.get(page);
  if (mapping <= mapping_kind || (high_addresses_ && mapping >> 63 == 0)) return false;
  return (mapping & mapping_kind) != mapping_movable;
}

std::optional<Bytes> PageScanner::Inside::bytes_at(VirtAddr address, std::uint64_t size) {
  Window& window = *window_;
  if (window.has(address, size, page_size_))
    return Bytes(window.buffer.span()).subspan(address - window.start, size);
  window.aside.resize(size);
  if (!space_.read(address, window.aside)) return std::nullopt;
  return Bytes(window.aside);
}

std::optional<VirtAddr> PageScanner::Inside::head_of(Bytes page, VirtAddr address,
                                                     std::uint64_t flags) const {
  if (reader_.is_tail(page)) return reader_.head_of(page, address);
  if ((flags & head_bit_) == 0) return std::nullopt;
  if (address.raw() % page_size_ != 0) return address;
  const VirtAddr next = address + struct_page_size_;  // a fake head, perhaps
  const Window& window = *window_;
  if (!window.has(next, struct_page_size_, page_size_)) return address;
  const auto named =
      reader_.head_of(Bytes(window.buffer.span()).subspan(next - window.start, struct_page_size_), next);
  return named ? *named : address;
}

std::uint32_t PageScanner::Inside::cache_of(Bytes head, PageScan& scan) {
  std::string name = "unknown";
  if (slab_cache_ && cache_name_) {
    const std::uint64_t cache = slab_cache_->get(head);
    const auto known = cache_names_.find(cache);
    if (known != cache_names_.end()) {
      name = known->second;
    } else {
      std::array<std::byte, 8> pointer{};
      const auto bytes = std::span(pointer).first(std::min<std::size_t>(cache_name_->size(), pointer.size()));
      if (space_.read(VirtAddr(cache) + cache_name_->offset(), bytes)) {
        auto text = space_.read_text(VirtAddr(load_unsigned(bytes, order_)), longest_cache_name);
        if (text && !text->empty()) name = std::move(*text);
      }
      if (cache_names_.size() < most_caches) cache_names_.emplace(cache, name);
    }
  }
  const auto at = std::find(scan.caches.begin(), scan.caches.end(), name);
  const auto index = static_cast<std::uint32_t>(at - scan.caches.begin());
  if (at == scan.caches.end()) scan.caches.push_back(std::move(name));
  return index;
}

PageScanner::Inside::Found PageScanner::Inside::judge_compound(VirtAddr address, VirtAddr head,
                                                               PageScan& scan) {
  const Found broken{PageUse::other, 1, 0, true, false};
  const std::uint64_t distance = address - head;  // wraps for a head behind its tail
  if (distance % struct_page_size_ != 0 || distance / struct_page_size_ >> largest_order != 0) return broken;
  const auto bytes = bytes_at(head, std::max(struct_page_size_, compound_.bytes));
  if (!bytes || (flags_.get(*bytes) & head_bit_) == 0) return broken;
  const std::uint64_t flags = flags_.get(*bytes);
  const std::uint64_t behind = distance / struct_page_size_;
  Found found;
  if (compound_.order) {
    const std::uint64_t order = compound_.order->get(*bytes);
    if (order == 0 || order > largest_order || behind >= std::uint64_t{1} << order) return broken;
    found.pages = (std::uint64_t{1} << order) - behind;
  }
  if (is_type(*bytes, hugetlb_) || compound_.is_hugetlb(*bytes)) {
    found.use = PageUse::movable;
    found.hugetlb = true;
  } else if ((flags & slab_bit_) != 0 || is_type(*bytes, slab_)) {
    found.use = PageUse::slab;
    found.cache = cache_of(*bytes, scan);
  } else if (is_type(*bytes, table_)) {
    found.use = PageUse::page_table;
  } else if ((flags & lru_bit_) != 0 || has_movable_ops(*bytes, flags) || is_user_mapping(*bytes)) {
    found.use = PageUse::movable;
  }
  return found;
}

PageScanner::Inside::Found PageScanner::Inside::judge_single(Bytes page, PageScan& scan) {
  const std::uint64_t flags = flags_.get(page);
  const std::int64_t references = refcount_.get_signed(page);
  if ((flags & slab_bit_) != 0 || is_type(page, slab_)) {
    // Since 7.0 slabs have no reference, and single pages of them pass has_unmovable_pages(); offlining then waits for
    // them in vain.
    return {PageUse::slab, 1, cache_of(page, scan), false, false};
  }
  if (references == 0) {
    if (!is_type(page, buddy_)) {
      return {is_type(page, offline_) ? PageUse::offline : PageUse::free, 1, 0, false, false};
    }
    const std::uint64_t order = private_.get(page);
    if (order > largest_free_order) return {PageUse::free, 1, 0, true, false};
    return {PageUse::free, std::uint64_t{1} << order, 0, false, false};
  }
  if ((flags & poison_bit_) != 0) return {PageUse::poisoned};
  const bool movable_ops = has_movable_ops(page, flags);
  if (is_type(page, offline_)) return {movable_ops ? PageUse::movable : PageUse::offline_in_use};
  if ((flags & lru_bit_) != 0 || movable_ops) return {PageUse::movable};
  if (is_type(page, table_)) return {PageUse::page_table};
  return {is_user_mapping(page) ? PageUse::movable : PageUse::other};
}

PageScanner::Inside::Found PageScanner::Inside::judge(Bytes page, VirtAddr address, PageScan& scan) {
  const std::uint64_t flags = flags_.get(page);
  const unsigned zone = place_of(page, flags, scan).zone;
  if (zone_device_ == zone) return {PageUse::device};
  if ((flags & reserved_bit_) != 0) return {PageUse::reserved};
  const auto head = head_of(page, address, flags);
  Found found = head ? judge_compound(address, *head, scan) : judge_single(page, scan);
  if (zone_movable_ == zone && is_unmovable(found.use)) found.use = PageUse::movable;
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

void PageScanner::Inside::note_pins(Bytes page, Pfn pfn, PageScan& scan) const {
  const std::uint64_t flags = flags_.get(page);
  if ((flags & lru_bit_) == 0 || !mapcount_ || !is_user_mapping(page)) return;
  const std::int64_t stored = mapcount_->get_signed(page);
  if (stored < -1) return;  // a page type
  const bool is_file = (mapping_.get(page) & mapping_kind) == 0;
  const std::int64_t holders =
      is_file ? 1 + ((flags & private_bit_) != 0 ? 1 : 0) : ((flags & swapcache_bit_) != 0 ? 1 : 0);
  const std::int64_t unexplained = refcount_.get_signed(page) - (stored + 1) - holders;
  if (unexplained <= 0) return;
  note_page(scan.pinned, pfn);
  if (unexplained >= pin_bias) note_page(scan.long_term, pfn);
}

bool PageScanner::Inside::load(const MemoryModel& model, const Section& section, PfnRange part) {
  Window& window = *window_;
  const std::uint64_t first = part.start - model.geometry.section_nr_to_pfn(section.nr);
  window.start = section.mem_map + first * struct_page_size_;
  window.size = part.size * struct_page_size_;
  window.lost.clear();
  const auto out = window.buffer.span().first(window.size);
  auto whole = space_.read(window.start, out);
  if (whole) return true;
  window.why = std::move(whole).error();
  window.lost.assign((window.size + page_size_ - 1) / page_size_, false);
  for (std::uint64_t at = 0; at < window.size; at += page_size_) {
    const auto page = out.subspan(at, std::min(page_size_, window.size - at));
    if (!space_.read(window.start + at, page)) window.lost[at / page_size_] = true;
  }
  return false;
}

void PageScanner::Inside::scan_section(const MemoryModel& model, const Section& section, PfnRange part,
                                       Pfn end, PageScan& scan) {
  if (!load(model, section, part) && !scan.why_not_read) scan.why_not_read = window_->why;
  const Window& window = *window_;
  for (std::uint64_t i = 0; i < part.size;) {
    const VirtAddr address = window.start + i * struct_page_size_;
    if (!window.has(address, struct_page_size_, page_size_)) {
      ++scan.not_read;
      ++i;
      continue;
    }
    const Bytes page = Bytes(window.buffer.span()).subspan(i * struct_page_size_, struct_page_size_);
    const Found found = judge(page, address, scan);
    const Pfn pfn = part.start + i;
    if (found.corrupt) ++scan.corrupt;
    if (found.hugetlb && found.pages > end - pfn) scan.straddling_hugetlb = pfn;
    const std::uint64_t pages = std::min(found.pages, part.size - i);
    if (found.use == PageUse::free) {
      scan.free += pages;
    } else if (found.use == PageUse::movable) {
      scan.movable += pages;
      if (found.pages == 1) note_pins(page, pfn, scan);
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
  const std::uint64_t at_once = window_bytes / struct_page_size_;
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
PageScanner::~PageScanner() = default;
PageScanner::PageScanner(PageScanner&&) noexcept = default;

const Result<void>& PageScanner::usable() const { return inside_->usable(); }
std::string PageScanner::zone_name(unsigned zone) const { return inside_->reader().zone_name(zone); }
PageScan PageScanner::scan(const MemoryModel& model, PfnRange range) { return inside_->scan(model, range); }

}  // namespace memsect
