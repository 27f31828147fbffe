// The order of a compound page, its pins, and whether it belongs to hugetlb, moved through its second struct page:
//
//   order    ..4.3 page[1].lru.prev          4.4-6.0 page[1].compound_order
//            6.1-6.5 folio._folio_order      6.6+ low byte of folio._flags_1
//   hugetlb  ..4.3 page[1].lru.next is the address of free_huge_page()         4.4-6.0 page[1].compound_dtor
//            6.1-6.5 folio._folio_dtor       6.6-6.8 PG_hugetlb in page[1].flags        6.9+ a page_type
//   mapped   ..6.1 page[1].compound_mapcount       6.2+ folio._entire_mapcount; 6.10+ folio._large_mapcount: the parts too
//   pins     5.7-5.17 page[2].hpage_pinned_refcount    5.18-6.0 page[1].compound_pincount    6.1+ folio._pincount
#include "page/compound_layout.h"

#include <algorithm>
#include <string_view>

namespace memsect {
namespace {

/// A field of page[index], seen from page[0].
std::optional<Field> in_tail(const StructLayout& page, unsigned index, std::string_view member) {
  const auto field = page.field(member);
  if (!field) return std::nullopt;
  return Field(index * page.size + field->offset(), field->size(), page.order);
}

std::optional<Field> field_of(const Result<StructLayout>& layout, std::string_view member) {
  if (!layout) return std::nullopt;
  const auto field = layout->field(member);
  return field ? std::optional(*field) : std::nullopt;
}

void find_order(const Result<StructLayout>& folio, const StructLayout& page, CompoundLayout& layout) {
  layout.order = field_of(folio, "_folio_order");
  if (!layout.order) layout.order = in_tail(page, 1, "compound_order");
  if (layout.order) return;
  // Linux ebc1baf5c9b4 ("mm: free up a word in the first tail page") (v6.6)
  if (const auto flags = field_of(folio, "_flags_1")) {
    const std::uint64_t lowest = page.order == ByteOrder::little ? 0 : flags->size() - 1;
    layout.order = Field(flags->offset() + lowest, 1, page.order);
    layout.order_in_flags = true;
  }
}

void find_hugetlb(const TypeSource& types, const Result<StructLayout>& folio, const StructLayout& page,
                  CompoundLayout& layout) {
  if (const auto dtor = types.find_enumerator("compound_dtor_id", "HUGETLB_PAGE_DTOR")) {
    layout.hugetlb_dtor = field_of(folio, "_folio_dtor");
    if (!layout.hugetlb_dtor) layout.hugetlb_dtor = in_tail(page, 1, "compound_dtor");
    layout.hugetlb_dtor_value = static_cast<std::uint64_t>(*dtor);
  }
  const auto bit = types.find_enumerator("pageflags", "PG_hugetlb");
  if (bit && *bit >= 0 && *bit < 64) {
    layout.hugetlb_flags = in_tail(page, 1, "flags");
    layout.hugetlb_flag = std::uint64_t{1} << *bit;
  }
}

/// Linux f1e61557f023 ("mm: pack compound_dtor and compound_order into one word in struct page") (v4.4): before, the words
/// of a list that no tail page is on.
void find_list_words(const StructLayout& page, std::optional<VirtAddr> free_huge_page,
                     CompoundLayout& layout) {
  const Member* const lru = page.find("lru");
  if (!page.has("first_page") || layout.order || lru == nullptr || lru->size < 2 || lru->size % 2 != 0)
    return;
  const std::uint64_t word = lru->size / 2;
  layout.order = Field(page.size + lru->offset + word, word, page.order);
  if (!free_huge_page) return;
  layout.hugetlb_dtor = Field(page.size + lru->offset, word, page.order);
  layout.hugetlb_dtor_value = free_huge_page->raw();
}

void find_pincount(const Result<StructLayout>& folio, const StructLayout& page, CompoundLayout& layout) {
  layout.pincount = field_of(folio, "_pincount");
  if (!layout.pincount) layout.pincount = in_tail(page, 1, "compound_pincount");
  if (!layout.pincount) layout.pincount = in_tail(page, 2, "hpage_pinned_refcount");
  if (layout.pincount && layout.pincount->end() > 3 * page.size) layout.pincount.reset();
}

void find_mapcounts(const TypeSource& types, const Result<StructLayout>& folio, const StructLayout& page,
                    CompoundLayout& layout) {
  layout.large_mapcount = field_of(folio, "_large_mapcount");
  layout.entire_mapcount = field_of(folio, "_entire_mapcount");
  if (!layout.entire_mapcount) layout.entire_mapcount = in_tail(page, 1, "compound_mapcount");
  // Linux cb67f4282bf9 ("mm,thp,rmap: simplify compound page mapcount handling") (v6.2) did away with the flag
  const auto bit = types.find_enumerator("pageflags", "PG_double_map");
  if (bit && *bit >= 0 && *bit < 64) {
    layout.double_map_flags = in_tail(page, 1, "flags");
    layout.double_map_flag = std::uint64_t{1} << *bit;
  }
}

}  // namespace

bool CompoundLayout::is_hugetlb(Bytes head) const {
  if (hugetlb_flags && (hugetlb_flags->get(head) & hugetlb_flag) != 0) return true;
  return hugetlb_dtor && hugetlb_dtor->get(head) == hugetlb_dtor_value;
}

CompoundLayout find_compound_layout(const TypeSource& types, std::optional<VirtAddr> free_huge_page) {
  CompoundLayout layout;
  const auto page = types.find_struct("page");
  if (!page) return layout;
  const auto folio = types.find_struct("folio");  // 5.16+
  find_order(folio, *page, layout);
  find_hugetlb(types, folio, *page, layout);
  find_list_words(*page, free_huge_page, layout);
  find_pincount(folio, *page, layout);
  find_mapcounts(types, folio, *page, layout);
  for (std::optional<Field>* field :
       {&layout.order, &layout.hugetlb_dtor, &layout.hugetlb_flags, &layout.large_mapcount,
        &layout.entire_mapcount, &layout.double_map_flags}) {
    if (*field && (*field)->end() > 2 * page->size) field->reset();
    if (*field) layout.bytes = std::max(layout.bytes, (*field)->end());
  }
  return layout;
}

}  // namespace memsect
