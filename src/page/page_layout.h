// Where a struct page keeps what it says of its page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "memory/address_space.h"
#include "page/compound_layout.h"
#include "page/page_types.h"
#include "types/type_source.h"

namespace memsect {

class Kernel;

/// No machine has a larger folio: 4 PiB of 4K pages.
inline constexpr unsigned largest_folio_order = 40;
/// Of the page allocator: 10, up to 13 with 64K pages.
inline constexpr unsigned largest_free_order = 20;

/// What page.mapping points to, by its lowest bits (include/linux/page-flags.h). none: it is no kernel object's
/// address, the word belongs to someone else. movable_ops: up to 6.16, then a page flag.
enum class PageMapping { none, file, anon, ksm, movable_ops };

struct PageLayout {
  std::uint64_t bytes = 0;  ///< sizeof(struct page)
  Field flags, refcount, mapping, private_word;
  std::optional<Field> mapcount;
  std::optional<Field> page_type;  ///< a member of its own or, up to 4.17, _mapcount
  std::vector<PageType> types;
  CompoundLayout compound;
  Result<Field> slab_cache = Error{Errc::no_type, "", {}};  ///< of the head of a slab: its struct kmem_cache
  Result<Field> cache_name = Error{Errc::no_type, "", {}};  ///< kmem_cache.name
  ByteOrder order = ByteOrder::little;
  /// The kernel's own addresses have their top bit set: everywhere but on s390.
  bool high_addresses = true;

  PageMapping mapping_of(Bytes page) const;
  /// Whether it is a user's: anonymous, KSM, or in a file's page cache.
  bool is_users(Bytes page) const {
    const PageMapping kind = mapping_of(page);
    return kind != PageMapping::none && kind != PageMapping::movable_ops;
  }
  /// The name of the slab cache that a slab with this head belongs to. `head`: `bytes` bytes.
  Result<std::string> slab_cache_name(const AddressSpace& space, Bytes head) const;
};

/// The bit of a page flag in page.flags ("PG_lru"), 0 where this kernel has no such flag.
std::uint64_t flag_bit(const TypeSource& types, std::string_view name);

/// The layout by the kernel's types. An error where a member that every kernel has is not known.
Result<PageLayout> find_page_layout(const Kernel& kernel);

}  // namespace memsect
