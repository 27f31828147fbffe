// One struct page in full; what is where in it: page_layout.cc. A tail page is what its compound head is.
//
// HugeTLB's vmemmap optimisation (5.15-7.0) maps one page of struct pages many times, so that tail pages look like
// heads: page_fixed_fake_head() tells them by the struct page behind, and so does head_of() here.
#include "page/page_decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/kernel.h"

namespace memsect {
namespace {

std::string_view mapping_name(PageMapping mapping) {
  switch (mapping) {
    case PageMapping::file:
      return "file";
    case PageMapping::anon:
      return "anon";
    case PageMapping::ksm:
      return "ksm";
    case PageMapping::movable_ops:
      return "movable_ops";
    case PageMapping::none:
      break;
  }
  return "none";
}

}  // namespace

PageDecoder::PageDecoder(const Kernel& kernel, const MemoryGeometry& geometry)
    : reader_(kernel, geometry), space_(kernel.space()), page_size_(geometry.page_size()) {
  usable_ = bind(kernel);
}

Result<void> PageDecoder::bind(const Kernel& kernel) {
  auto layout = find_page_layout(kernel);
  if (!layout) return std::move(layout).error();
  layout_ = std::move(*layout);
  flag_names_ = find_page_flags(kernel.types());
  zone_device_ = reader_.zone_device();
  return {};
}

bool PageDecoder::has_flag(const Raw& page, std::string_view name) const {
  for (const PageFlag& flag : flag_names_) {
    if (flag.name == name) return (layout_.flags.get(page.bytes) >> flag.bit & 1) != 0;
  }
  return false;
}

std::optional<VirtAddr> PageDecoder::head_of(const Raw& page) const {
  if (const auto head = reader_.head_of(page.bytes, page.address)) return head;
  if (page.address.raw() % page_size_ != 0 || !has_flag(page, "head")) return std::nullopt;
  const VirtAddr next = page.address + layout_.bytes;
  const auto bytes = reader_.read(next);
  const auto head = bytes ? reader_.head_of(*bytes, next) : std::nullopt;
  return head && *head != page.address ? head : std::nullopt;
}

bool PageDecoder::is_hugetlb(const Raw& head) const {
  if (!has_flag(head, "head")) return false;
  if (layout_.compound.bytes == 0) return false;
  std::vector<std::byte> bytes(layout_.compound.bytes);
  return space_.read(head.address, bytes) && layout_.compound.is_hugetlb(bytes);
}

std::string PageDecoder::type_of(const Raw& head, const PageInfo& info) const {
  if (layout_.page_type) {
    const auto word = static_cast<std::uint32_t>(layout_.page_type->get(head.bytes));
    if (const auto type = page_type_name(layout_.types, word)) return std::string(*type);
  }
  if (info.slab) return "slab";
  if (zone_device_ && info.zone == *zone_device_) return "zone_device";
  if (info.reserved) return "reserved";
  if (is_hugetlb(head)) return "hugetlb";
  return std::string(mapping_name(layout_.mapping_of(head.bytes)));
}

Result<unsigned> PageDecoder::compound_order(VirtAddr head) const {
  if (!layout_.compound.order)
    return Error{Errc::unsupported, "where this kernel keeps the order of compound pages is not known", {}};
  const Field& field = *layout_.compound.order;
  auto order = space_.read_number(head + field.offset(), field.size(), layout_.order);
  if (!order) return std::move(order).error().within("order of the compound page");
  if (*order > largest_folio_order)
    return Error{Errc::corrupt, fmt::format("the compound page claims order {}", *order), {}};
  return static_cast<unsigned>(*order);
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
  details.flags = layout_.flags.get(page.bytes);
  const bool holds_order = layout_.compound.order_in_flags && head && page.address - *head == layout_.bytes;
  for (const PageFlag& flag : flag_names_) {
    if (holds_order && flag.bit < 8) continue;
    if ((details.flags >> flag.bit & 1) != 0) details.flag_names.push_back(flag.name);
  }
}

void PageDecoder::decode_use(const Raw& page, const Raw& head, PageDetails& details) const {
  const PageInfo head_info = reader_.decode(head.bytes);
  details.type = type_of(head, head_info);
  if (layout_.mapcount && details.type != "slab") {
    const std::int64_t stored = layout_.mapcount->get_signed(page.bytes);
    if (stored >= -1) details.mapcount = stored + 1;
  }
  if (details.type == "buddy") {
    const std::uint64_t order = layout_.private_word.get(head.bytes);
    details.order = order <= largest_free_order
                        ? Result<unsigned>(static_cast<unsigned>(order))
                        : Error{Errc::corrupt, fmt::format("the free block claims order {}", order), {}};
  } else if (details.compound != Compound::none) {
    details.order = compound_order(head.address);
  }
  if (details.type == "slab") details.slab_cache = layout_.slab_cache_name(space_, head.bytes);
}

/// Blocks are aligned to their size: the first page of the one that `pfn` is in has fewer low bits.
void PageDecoder::find_free_block(const MemoryModel& model, Pfn pfn, PageDetails& details) const {
  if (!layout_.page_type) return;
  Pfn before = pfn;
  for (unsigned order = 1; order <= largest_free_order; ++order) {
    const Pfn first(pfn.raw() >> order << order);
    if (first == before) continue;
    before = first;
    const auto page = read(model, first);
    if (!page) {
      if (page.error().code != Errc::not_in_dump) details.type_lost = page.error();
      return;
    }
    const auto type =
        page_type_name(layout_.types, static_cast<std::uint32_t>(layout_.page_type->get(page->bytes)));
    if (!type) continue;
    const std::uint64_t claimed = layout_.private_word.get(page->bytes);
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
  details.refcount = layout_.refcount.get_signed(own->bytes);
  details.mapping = layout_.mapping.get(own->bytes);
  details.private_word = layout_.private_word.get(own->bytes);
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
  if (distance % layout_.bytes == 0 && distance / layout_.bytes <= pfn.raw())
    details.head = pfn - distance / layout_.bytes;
  auto head_bytes = reader_.read(*head);
  if (!head_bytes) return std::move(head_bytes).error().within("head of the compound page");
  decode_use(*own, Raw{*head, std::move(*head_bytes)}, details);
  return details;
}

}  // namespace memsect
