// The upper bits of page->flags, from the top (include/linux/page-flags-layout.h):
//
//   | SECTION | NODE | ZONE | LAST_CPUPID | KASAN tag | LRU_GEN | ... flags |
//
// Their widths are macros, invisible in the types, and follow from what is visible:
//   SECTION  0 with VMEMMAP, else MAX_PHYSMEM_BITS - SECTION_SIZE_BITS
//   NODE     NODES_SHIFT = log2(MAX_NUMNODES); 0 where section_to_node_table exists (NODE_NOT_IN_PAGE_FLAGS)
//   ZONE     bits to number MAX_NR_ZONES
// MAX_NR_ZONES is the length of pglist_data.node_zones; MAX_NUMNODES that of zonelist._zonerefs, which has
// MAX_NUMNODES * MAX_NR_ZONES + 1 elements in every release (include/linux/mmzone.h).
#include "page/page_reader.h"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "kernel/kernel.h"

namespace memsect {
namespace {

struct ZoneName {
  const char* enumerator;
  const char* name;
};
// mm/page_alloc.c: zone_names[]
constexpr std::array<ZoneName, 6> known_zones{{{"ZONE_DMA", "DMA"},
                                               {"ZONE_DMA32", "DMA32"},
                                               {"ZONE_NORMAL", "Normal"},
                                               {"ZONE_HIGHMEM", "HighMem"},
                                               {"ZONE_MOVABLE", "Movable"},
                                               {"ZONE_DEVICE", "Device"}}};

std::uint64_t low_bits(unsigned width) {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

unsigned bits_to_number(std::uint64_t count) {
  return count <= 1 ? 0 : static_cast<unsigned>(std::bit_width(count - 1));
}

}  // namespace

PageReader::PageReader(const Kernel& kernel, const MemoryGeometry& geometry) : space_(kernel.space()) {
  usable_ = bind(kernel, geometry);  // here, after the other members have their initial values
}

Result<void> PageReader::bind(const Kernel& kernel, const MemoryGeometry& geometry) {
  const TypeSource& types = kernel.types();
  auto page = types.find_struct("page");
  if (!page) return std::move(page).error();
  struct_page_size_ = page->size;
  auto flags =
      page->field("flags");  // a struct of one word from 6.18 on (memdesc_flags_t), at the same place
  if (!flags) return std::move(flags).error();
  flags_ = *flags;
  auto reserved = types.find_enumerator("pageflags", "PG_reserved");
  if (!reserved) return std::move(reserved).error();
  reserved_bit_ = std::uint64_t{1} << (*reserved & 63);
  bind_slab(kernel, *page);
  bind_zone_names(types);
  return bind_node_and_zone(kernel, geometry);
}

void PageReader::bind_slab(const Kernel& kernel, const StructLayout& page) {
  const TypeSource& types = kernel.types();
  // Linux 7.1 renamed page.compound_head to compound_info; it then holds a mask where HVO is built in.
  for (const char* name : {"compound_info", "compound_head"}) {
    if (auto field = page.field(name)) {
      compound_head_ = *field;
      compound_mask_ = std::string_view(name) == "compound_info";
      break;
    }
  }
  // Linux 1d798ca3f164 ("mm: make compound_head() robust") (v4.4) put the head's address where PG_tail had been enough.
  const auto tail = types.find_enumerator("pageflags", "PG_tail");
  if (auto first = page.field("first_page"); first && tail && *tail >= 0 && *tail < 64) {
    first_page_ = *first;
    tail_bit_ = std::uint64_t{1} << *tail;
  }
  if (auto bit = types.find_enumerator("pageflags", "PG_slab")) {  // up to 6.9 (or an alias kept later)
    slab_bit_ = std::uint64_t{1} << (*bit & 63);
    return;
  }
  auto type_field = page.field("page_type");
  if (!type_field) return;
  page_type_ = *type_field;
  if (auto pgty = types.find_enumerator("pagetype", "PGTY_slab")) {  // 6.12+: the top byte names the type
    slab_page_type_ = static_cast<std::uint32_t>(*pgty) << 24;
    slab_page_type_mask_ = 0xff000000;
  } else if (auto value =
                 kernel.vmcoreinfo().number("PAGE_SLAB_MAPCOUNT_VALUE")) {  // 6.10, 6.11: the whole word
    slab_page_type_ = static_cast<std::uint32_t>(*value);
    slab_page_type_mask_ = 0xffffffff;
  }
}

void PageReader::bind_zone_names(const TypeSource& types) {
  for (const ZoneName& zone : known_zones) {
    const auto index = types.find_enumerator("zone_type", zone.enumerator);
    if (!index || *index < 0 || *index > 15) continue;
    const auto at = static_cast<std::size_t>(*index);
    if (zone_names_.size() <= at) zone_names_.resize(at + 1);
    zone_names_[at] = zone.name;
    if (std::string_view(zone.name) == "Device") zone_device_ = static_cast<unsigned>(at);
  }
}

Result<void> PageReader::bind_node_and_zone(const Kernel& kernel, const MemoryGeometry& geometry) {
  auto pgdat = kernel.types().find_struct("pglist_data");
  if (!pgdat) return std::move(pgdat).error();
  auto zones = pgdat->member("node_zones");
  if (!zones) return std::move(zones).error();
  auto zonelist = kernel.types().find_struct("zonelist");
  if (!zonelist) return std::move(zonelist).error();
  auto zonerefs = zonelist->member("_zonerefs");
  if (!zonerefs) return std::move(zonerefs).error();
  const std::uint64_t max_nr_zones = zones->elements;
  if (max_nr_zones == 0 || max_nr_zones > 8 || (zonerefs->elements - 1) % max_nr_zones != 0) {
    return Error{
        Errc::corrupt,
        fmt::format("{} zones and {} zone references do not fit together", max_nr_zones, zonerefs->elements),
        {}};
  }
  max_nodes_ = (zonerefs->elements - 1) / max_nr_zones;
  const auto word_bits = static_cast<unsigned>(8 * flags_.size());
  const bool classic =
      geometry.kind != MemoryModelKind::sparsemem_vmemmap && geometry.kind != MemoryModelKind::flatmem;
  const unsigned sections_width = classic ? geometry.max_physmem_bits - geometry.section_size_bits : 0;
  nodes_width_ = kernel.address_of("section_to_node_table") ? 0 : bits_to_number(max_nodes_);
  zones_width_ = bits_to_number(max_nr_zones);
  if (sections_width + nodes_width_ + zones_width_ > word_bits) {
    return Error{Errc::corrupt, "section, node and zone do not fit into page flags", {}};
  }
  nodes_shift_ = word_bits - sections_width - nodes_width_;
  zones_shift_ = nodes_shift_ - zones_width_;
  if (nodes_width_ > 0) place_mask_ |= low_bits(nodes_width_) << nodes_shift_;
  if (zones_width_ > 0) place_mask_ |= low_bits(zones_width_) << zones_shift_;
  return {};
}

std::string PageReader::zone_name(unsigned zone) const {
  if (zone < zone_names_.size() && !zone_names_[zone].empty()) return zone_names_[zone];
  return fmt::format("zone{}", zone);
}

Result<std::vector<std::byte>> PageReader::read(VirtAddr struct_page) const {
  std::vector<std::byte> bytes(struct_page_size_);
  if (auto done = space_.read(struct_page, bytes); !done)
    return std::move(done).error().within("struct page");
  return bytes;
}

std::optional<VirtAddr> PageReader::head_of(Bytes page, VirtAddr struct_page) const {
  if (first_page_) return is_tail(page) ? std::optional(VirtAddr(first_page_->get(page))) : std::nullopt;
  if (!compound_head_) return std::nullopt;
  const std::uint64_t word = compound_head_->get(page);
  if ((word & 1) == 0) return std::nullopt;  // not a tail page
  const std::uint64_t value = word - 1;
  // A mask is all ones but for the size of the folio's memmap; a pointer into the memmap is not of that form,
  // or its distance from the top of the address space is far larger than any folio's memmap.
  const std::uint64_t span = (0 - value) & low_bits(static_cast<unsigned>(8 * compound_head_->size()));
  const bool is_mask = compound_mask_ && std::has_single_bit(span) && span < (std::uint64_t{1} << 40);
  return VirtAddr(is_mask ? struct_page.raw() & value : value);
}

bool PageReader::is_slab(Bytes page) const {
  if (slab_bit_) return (flags_.get(page) & *slab_bit_) != 0;
  if (!page_type_ || !slab_page_type_) return false;
  return (static_cast<std::uint32_t>(page_type_->get(page)) & slab_page_type_mask_) == *slab_page_type_;
}

Result<VirtAddr> PageReader::address_of(const MemoryModel& model, Pfn pfn) const {
  if (!usable_) return usable_.error();
  const MemoryGeometry& geometry = model.geometry;
  const SectionNr nr = geometry.pfn_to_section_nr(pfn);
  const Section* section = model.find_section(nr);
  if (section == nullptr || !section->flags.has_mem_map) {
    return Error{Errc::not_in_dump, fmt::format("no present section covers pfn {:#x}", pfn.raw()), {}};
  }
  return section->mem_map + (pfn - geometry.section_nr_to_pfn(nr)) * struct_page_size_;
}

PageInfo PageReader::decode(Bytes page) const {
  const std::uint64_t flags = flags_.get(page);
  PageInfo info;
  info.node =
      NodeId{static_cast<int>(nodes_width_ == 0 ? 0 : flags >> nodes_shift_ & low_bits(nodes_width_))};
  info.zone = static_cast<unsigned>(zones_width_ == 0 ? 0 : flags >> zones_shift_ & low_bits(zones_width_));
  info.reserved = (flags & reserved_bit_) != 0;
  info.slab = is_slab(page);
  return info;
}

Result<PageInfo> PageReader::page(const MemoryModel& model, Pfn pfn) const {
  auto at = address_of(model, pfn);
  if (!at) return std::move(at).error();
  auto bytes = read(*at);
  if (!bytes) return std::move(bytes).error();
  PageInfo info = decode(*bytes);
  if (const auto head = head_of(*bytes, *at); head && !info.slab) {
    const auto head_bytes = read(*head);
    if (head_bytes) info.slab = is_slab(*head_bytes);
    if (!head_bytes) info.head_lost = head_bytes.error().code;
  }
  return info;
}

Allocation PageReader::allocation_at(const MemoryModel& model, PhysAddr at, Allocation otherwise) const {
  const Pfn pfn = model.geometry.phys_to_pfn(at);
  // Memory of no section has no struct page that could tell.
  if (model.find_section(model.geometry.pfn_to_section_nr(pfn)) == nullptr) return Allocation::unknown;
  const auto info = page(model, pfn);
  if (!info) return Allocation::lost(info.error().code);
  if (info->reserved) return Allocation::boot;
  if (info->head_lost) return Allocation::lost(*info->head_lost);
  return info->slab ? Allocation::slab : otherwise;
}

}  // namespace memsect
