// What is where in a struct page (include/linux/mm_types.h; offsets come from the types):
//
//   flags      names in enum pageflags; node and zone above them (page.cc)
//   mapping    low bits: 1 anon, 3 ksm, 2 movable without LRU (..6.16), 0 a struct address_space
//   private    the order of a free block, in its first page; the others of it look like any unused page
//   _mapcount  one less than the number of mappings, or page_type (page_types.cc)
//   _refcount
//
// Of a compound page the first struct page counts, its head: a tail page names it (page.cc). Its order, and whether it
// belongs to hugetlb, stand in the second struct page (compound_layout.cc).
//
// HugeTLB's vmemmap optimisation (5.15-7.0) maps one page of struct pages many times, so that tail pages look like
// heads: page_fixed_fake_head() tells them by the struct page behind, and so does head_of() here.
#include "model/page_decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr unsigned largest_order = 40;       // no machine has a larger folio: 4 PiB
constexpr unsigned largest_free_order = 20;  // of the page allocator: 10, up to 13 with 64K pages
constexpr std::size_t longest_cache_name = 128;

std::optional<Field> field_of(const Result<StructLayout>& layout, std::string_view member) {
  if (!layout) return std::nullopt;
  const auto field = layout->field(member);
  return field ? std::optional(*field) : std::nullopt;
}

}  // namespace

PageDecoder::PageDecoder(const Kernel& kernel, const MemoryGeometry& geometry)
    : reader_(kernel, geometry),
      space_(kernel.space()),
      order_of_bytes_(kernel.order()),
      page_size_(geometry.page_size()) {
  usable_ = bind(kernel);
}

Result<void> PageDecoder::bind(const Kernel& kernel) {
  auto page = kernel.types().find_struct("page");
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
  mapcount_ = field_of(page, "_mapcount");
  page_type_ = page->has("page_type") ? field_of(page, "page_type") : mapcount_;
  flag_names_ = find_page_flags(kernel.types());
  types_ = find_page_types(kernel.types(), kernel.vmcoreinfo(), *page);
  zone_device_ = reader_.zone_device();
  compound_ = find_compound_layout(kernel.types());
  const auto& direct_map = kernel.arch_memory().page_offset;
  high_addresses_ = !direct_map || direct_map->raw() >> 63 != 0;
  bind_slab(kernel, *page);
  return {};
}

void PageDecoder::bind_slab(const Kernel& kernel, const StructLayout& page) {
  const auto slab = kernel.types().find_struct("slab");  // 5.17+; before, struct page had its members
  slab_cache_ = slab ? slab->field("slab_cache") : page.field("slab_cache");
  const auto cache = kernel.types().find_struct("kmem_cache");
  cache_name_ = cache ? cache->field("name") : Result<Field>(cache.error());
}

Result<std::uint64_t> PageDecoder::read_field(VirtAddr object, const Field& field) const {
  std::vector<std::byte> bytes(field.size());
  if (auto done = space_.read(object + field.offset(), bytes); !done) return std::move(done).error();
  return load_unsigned(bytes, order_of_bytes_);
}

bool PageDecoder::has_flag(const Raw& page, std::string_view name) const {
  for (const PageFlag& flag : flag_names_) {
    if (flag.name == name) return (flags_.get(page.bytes) >> flag.bit & 1) != 0;
  }
  return false;
}

std::optional<VirtAddr> PageDecoder::head_of(const Raw& page) const {
  if (const auto head = reader_.head_of(page.bytes, page.address)) return head;
  if (page.address.raw() % page_size_ != 0 || !has_flag(page, "head")) return std::nullopt;
  const VirtAddr next = page.address + struct_page_size_;
  const auto bytes = reader_.read(next);
  const auto head = bytes ? reader_.head_of(*bytes, next) : std::nullopt;
  return head && *head != page.address ? head : std::nullopt;
}

bool PageDecoder::is_hugetlb(const Raw& head) const {
  if (!has_flag(head, "head")) return false;
  if (compound_.bytes == 0) return false;
  std::vector<std::byte> bytes(compound_.bytes);
  return space_.read(head.address, bytes) && compound_.is_hugetlb(bytes);
}

std::string PageDecoder::type_by_mapping(const Raw& head) const {
  const std::uint64_t mapping = mapping_.get(head.bytes);
  // No kernel address: the word belongs to someone else.
  if (mapping == 0 || (high_addresses_ && mapping >> 63 == 0)) return "none";
  switch (mapping & 3) {
    case 1:
      return "anon";
    case 2:
      return "movable_ops";
    case 3:
      return "ksm";
    default:
      return "file";
  }
}

std::string PageDecoder::type_of(const Raw& head, const PageInfo& info) const {
  if (page_type_) {
    const auto word = static_cast<std::uint32_t>(page_type_->get(head.bytes));
    if (const auto type = page_type_name(types_, word)) return std::string(*type);
  }
  if (info.slab) return "slab";
  if (zone_device_ && info.zone == *zone_device_) return "zone_device";
  if (info.reserved) return "reserved";
  if (is_hugetlb(head)) return "hugetlb";
  return type_by_mapping(head);
}

Result<unsigned> PageDecoder::compound_order(VirtAddr head) const {
  if (!compound_.order)
    return Error{Errc::unsupported, "where this kernel keeps the order of compound pages is not known", {}};
  auto order = read_field(head, *compound_.order);
  if (!order) return std::move(order).error().within("order of the compound page");
  if (*order > largest_order)
    return Error{Errc::corrupt, fmt::format("the compound page claims order {}", *order), {}};
  return static_cast<unsigned>(*order);
}

Result<std::string> PageDecoder::slab_cache_of(VirtAddr head) const {
  if (!slab_cache_) return slab_cache_.error();
  if (!cache_name_) return cache_name_.error();
  VirtAddr at = head;
  for (const Field& pointer : {*slab_cache_, *cache_name_}) {
    auto value = read_field(at, pointer);
    if (!value) return std::move(value).error().within("slab cache");
    at = VirtAddr(*value);
  }
  auto name = space_.read_text(at, longest_cache_name);
  if (!name) return std::move(name).error().within("name of the slab cache");
  return name;
}

Result<PageDecoder::Raw> PageDecoder::read(const MemoryModel& model, Pfn pfn) const {
  auto at = reader_.address_of(model, pfn);
  if (!at) return std::move(at).error();
  auto bytes = reader_.read(*at);
  if (!bytes) return std::move(bytes).error();
  return Raw{*at, std::move(*bytes)};
}

void PageDecoder::decode_flags(const Raw& page, const std::optional<VirtAddr>& head,
                               PageDetails& details) const {
  details.flags = flags_.get(page.bytes);
  const bool holds_order = compound_.order_in_flags && head && page.address - *head == struct_page_size_;
  for (const PageFlag& flag : flag_names_) {
    if (holds_order && flag.bit < 8) continue;
    if ((details.flags >> flag.bit & 1) != 0) details.flag_names.push_back(flag.name);
  }
}

void PageDecoder::decode_use(const Raw& page, const Raw& head, PageDetails& details) const {
  const PageInfo head_info = reader_.decode(head.bytes);
  details.type = type_of(head, head_info);
  if (mapcount_ && details.type != "slab") {
    const std::int64_t stored = mapcount_->get_signed(page.bytes);
    if (stored >= -1) details.mapcount = stored + 1;
  }
  if (details.type == "buddy") {
    const std::uint64_t order = private_.get(head.bytes);
    details.order = order <= largest_free_order
                        ? Result<unsigned>(static_cast<unsigned>(order))
                        : Error{Errc::corrupt, fmt::format("the free block claims order {}", order), {}};
  } else if (details.compound != Compound::none) {
    details.order = compound_order(head.address);
  }
  if (details.type == "slab") details.slab_cache = slab_cache_of(head.address);
}

/// Blocks are aligned to their size: the first page of the one that `pfn` is in has fewer low bits.
void PageDecoder::find_free_block(const MemoryModel& model, Pfn pfn, PageDetails& details) const {
  if (!page_type_) return;
  Pfn before = pfn;
  for (unsigned order = 1; order <= largest_free_order; ++order) {
    const Pfn first(pfn.raw() >> order << order);
    if (first == before) continue;
    before = first;
    const auto page = read(model, first);
    if (!page) return;
    const auto type = page_type_name(types_, static_cast<std::uint32_t>(page_type_->get(page->bytes)));
    if (!type) continue;
    const std::uint64_t claimed = private_.get(page->bytes);
    if (type != "buddy" || claimed < order || claimed > largest_free_order) return;
    details.type = "buddy";
    details.order = static_cast<unsigned>(claimed);
    details.head = first;
    return;
  }
}

Result<PageDetails> PageDecoder::page(const MemoryModel& model, Pfn pfn) const {
  if (!usable_) return usable_.error();
  auto own = read(model, pfn);
  if (!own) return std::move(own).error();
  PageDetails details;
  details.address = own->address;
  const PageInfo info = reader_.decode(own->bytes);
  details.node = info.node;
  details.zone = info.zone;
  details.refcount = refcount_.get_signed(own->bytes);
  details.mapping = mapping_.get(own->bytes);
  details.private_word = private_.get(own->bytes);
  const auto head = head_of(*own);
  decode_flags(*own, head, details);
  if (!head) {
    if (has_flag(*own, "head")) details.compound = Compound::head;
    decode_use(*own, *own, details);
    if (details.type == "none" && details.refcount == 0) find_free_block(model, pfn, details);
    return details;
  }
  details.compound = Compound::tail;
  const std::uint64_t distance = own->address - *head;
  if (distance % struct_page_size_ == 0 && distance / struct_page_size_ <= pfn.raw())
    details.head = pfn - distance / struct_page_size_;
  auto head_bytes = reader_.read(*head);
  if (!head_bytes) return std::move(head_bytes).error().within("head of the compound page");
  decode_use(*own, Raw{*head, std::move(*head_bytes)}, details);
  return details;
}

}  // namespace memsect
