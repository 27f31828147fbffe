// A struct page taken apart: flags, use, references, compound page, slab cache. Plain values; page_decoder.h makes
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// Whether a page is one of several that the kernel handles as one.
enum class Compound { none, head, tail };

/// One struct page. Node and zone mean nothing where the section is not online.
struct PageDetails {
  VirtAddr address;  ///< of the struct page
  NodeId node{};
  unsigned zone = 0;                    ///< enum zone_type
  std::uint64_t flags = 0;              ///< the whole word, node and zone included
  std::vector<std::string> flag_names;  ///< "locked", "lru", ... ascending by bit
  /// "buddy", "slab", "hugetlb", "table", "offline", ... by page_type or its flags; "reserved", "zone_device",
  /// "anon", "ksm", "movable_ops", "file"; else "none": the kernel keeps no mark, as of much memory that it took for
  /// itself. That of the head for a tail page.
  std::string type;
  /// Why the type is not known: the struct page that would tell, of the free block the page may be in, cannot be read.
  std::optional<Error> type_lost;
  std::int64_t refcount = 0;
  Result<std::int64_t> mapcount = Error{Errc::not_applicable, "the place holds a type", {}};
  std::uint64_t mapping = 0, private_word = 0;  ///< raw
  Compound compound = Compound::none;
  std::optional<Pfn> head;  ///< of a tail page, and of a page inside a free block
  /// Of a free buddy page or of the compound page; its size is 2^order pages.
  Result<unsigned> order = Error{Errc::not_applicable, "neither free nor compound", {}};
  Result<std::string> slab_cache = Error{Errc::not_applicable, "no slab page", {}};
};

}  // namespace memsect
