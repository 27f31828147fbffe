// struct page (include/linux/mm_types.h; offsets come from the types):
//
//   flags      names in enum pageflags; node and zone above them (page.cc)
//   mapping    low bits: 1 anon, 3 ksm, 2 movable without LRU (..6.16), 0 a struct address_space
//   private    the order of a free block, in its first page; the others of it look like any unused page
//   _mapcount  one less than the number of mappings, or page_type (page_types.cc)
//   _refcount  _count before 4.6
//
// Of a compound page the first struct page counts, its head: a tail page names it (page.cc). Its order, and whether it
// belongs to hugetlb, stand in the second struct page (compound_layout.cc).
#include "page/page_layout.h"

#include <array>

#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::size_t longest_cache_name = 128;

std::optional<Field> field_of(const StructLayout& layout, std::string_view member) {
  const auto field = layout.field(member);
  return field ? std::optional(*field) : std::nullopt;
}

Result<void> find_members(const StructLayout& page, PageLayout& layout) {
  struct Wanted {
    const char* member;
    Field* field;
  };
  const char* const count = page.has("_refcount") ? "_refcount" : "_count";
  for (const Wanted& wanted : {Wanted{"flags", &layout.flags}, Wanted{count, &layout.refcount},
                               Wanted{"mapping", &layout.mapping}, Wanted{"private", &layout.private_word}}) {
    auto field = page.field(wanted.member);
    if (!field) return std::move(field).error();
    *wanted.field = *field;
  }
  layout.mapcount = field_of(page, "_mapcount");
  layout.page_type = page.has("page_type") ? field_of(page, "page_type") : layout.mapcount;
  return {};
}

void find_slab(const TypeSource& types, const StructLayout& page, PageLayout& layout) {
  // 5.17+; before, struct page had its members, and the struct slab of mm/slab.c (up to 3.12) was something else.
  const auto slab = types.find_struct("slab");
  layout.slab_cache = slab && slab->has("slab_cache") ? slab->field("slab_cache") : page.field("slab_cache");
  if (layout.slab_cache && layout.slab_cache->end() > page.size)
    layout.slab_cache = Error{Errc::corrupt, "struct slab is larger than struct page", {}};
  const auto cache = types.find_struct("kmem_cache");
  layout.cache_name = cache ? cache->field("name") : Result<Field>(cache.error());
}

}  // namespace

std::uint64_t flag_bit(const TypeSource& types, std::string_view name) {
  const auto bit = types.find_enumerator("pageflags", name);
  return bit && *bit >= 0 && *bit < 64 ? std::uint64_t{1} << *bit : 0;
}

Result<PageLayout> find_page_layout(const Kernel& kernel) {
  const TypeSource& types = kernel.types();
  auto page = types.find_struct("page");
  if (!page) return std::move(page).error();
  PageLayout layout;
  layout.bytes = page->size;
  layout.order = kernel.order();
  if (auto done = find_members(*page, layout); !done) return std::move(done).error();
  layout.types = find_page_types(types, kernel.vmcoreinfo(), *page);
  layout.compound = find_compound_layout(types, kernel.address_of("free_huge_page"));
  find_slab(types, *page, layout);
  const auto& direct_map = kernel.arch_memory().page_offset;
  layout.high_addresses = !direct_map || direct_map->raw() >> 63 != 0;
  return layout;
}

PageMapping PageLayout::mapping_of(Bytes page) const {
  const std::uint64_t word = mapping.get(page);
  const std::uint64_t kind = word & 3;
  if (word == kind || (high_addresses && word >> 63 == 0)) return PageMapping::none;
  constexpr std::array kinds{PageMapping::file, PageMapping::anon, PageMapping::movable_ops,
                             PageMapping::ksm};
  return kinds[kind];
}

Result<std::string> PageLayout::slab_cache_name(const AddressSpace& space, Bytes head) const {
  if (!slab_cache) return slab_cache.error();
  if (!cache_name) return cache_name.error();
  const VirtAddr cache(slab_cache->get(head));
  auto name = space.read_number(cache + cache_name->offset(), cache_name->size(), order);
  if (!name) return std::move(name).error().within("slab cache");
  auto text = space.read_text(VirtAddr(*name), longest_cache_name);
  if (!text) return std::move(text).error().within("name of the slab cache");
  return text;
}

}  // namespace memsect
