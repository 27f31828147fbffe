// mm/page_owner.c keeps a struct page_owner for each page, in the page's page_ext entry (decode/page_ext.cc):
//
//   entry of the page     page_ext.flags: PAGE_EXT_OWNER it was noted, PAGE_EXT_OWNER_ALLOCATED it is not free since
//     + page_owner_ops.offset     order, gfp_mask, handle of the stack, pid, comm, ts_nsec
//
// The handle leads into lib/stackdepot.c, which keeps each stack once:
//
//   handle   pool : offset : (valid :) extra    bit fields of union handle_parts
//   record   pools[pool] + (offset << 4)        struct stack_record: handle again, size, entries[]
//
//   stack_slabs, slabindex                  up to 6.2
//   stack_pools, pool_index                 Linux 961c949b012f ("lib/stackdepot: rename slab to pool") (v6.3)
//   pool_index_plus_1                       a6c1d9cb9a68 ("stackdepot: rename pool_index to pool_index_plus_1") (v6.9)
//   stack_pools a pointer to the table      with stack_max_pools, a boot parameter (6.18+)
//
// The record repeats its handle, which shows that the way to it was the right one.
#include "page/page_owner_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "kernel/kernel.h"
#include "memory/address_space.h"
#include "types/type_source.h"

namespace memsect {
namespace {

constexpr unsigned record_alignment = 4;    // STACK_ALLOC_ALIGN, DEPOT_STACK_ALIGN: in bits
constexpr std::uint64_t most_frames = 256;  // the largest CONFIG_STACKDEPOT_MAX_FRAMES; page_owner saves 16
constexpr unsigned largest_order = 31;

std::optional<Field> field_of(const StructLayout& layout, std::string_view member) {
  const auto field = layout.field(member);
  return field ? std::optional(*field) : std::nullopt;
}

/// The first of the members that there is.
Result<BitField> first_bit_field(const StructLayout& layout, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (layout.has(name)) return layout.bit_field(name);
  }
  return layout.bit_field(*names.begin());
}

std::string text_in(Bytes bytes) {
  const auto* const first = reinterpret_cast<const char*>(bytes.data());
  return {first, std::find(first, first + bytes.size(), '\0')};
}

}  // namespace

class PageOwnerReader::Inside {
 public:
  explicit Inside(const Kernel& kernel);

  bool usable() const { return usable_.has_value(); }
  Result<PageOwner> owner_of(const MemoryModel& model, Pfn pfn) const;
  void read_all(const MemoryModel& model) const;
  std::vector<PhysRange> stack_pools() const;

 private:
  /// lib/stackdepot.c, where stacks are kept once each.
  struct Depot {
    VirtAddr pools;  ///< pointers to pools of stack records
    BitField pool;
    bool pool_from_1 = false;  ///< the pool's number is one more
    BitField offset;
    std::uint64_t pool_size = 0;  ///< bytes
    std::uint32_t compared = 0;   ///< the bits of a handle that belong to the depot
    Field handle, count;
    std::uint64_t entries = 0;  ///< offset of the first return address in a record
  };

  Result<void> bind(const Kernel& kernel);
  Result<void> bind_flags(const TypeSource& types);
  Result<Depot> bind_depot(const Kernel& kernel) const;
  Result<VirtAddr> entry_of(const MemoryModel& model, Pfn pfn) const;
  Result<std::vector<VirtAddr>> stack_of(Bytes parts) const;

  AddressSpace space_;
  ByteOrder order_;
  std::size_t word_size_;
  Field ext_flags_;
  std::uint64_t noted_ = 0;   ///< page_ext.flags of a page that is allocated and has an owner
  std::uint64_t offset_ = 0;  ///< of struct page_owner in the page's entry
  std::uint64_t size_ = 0;
  Field order_field_, gfp_mask_, stack_handle_;
  std::optional<Field> pid_, ts_nsec_;
  std::optional<Member> comm_;
  std::optional<std::uint64_t> early_handle_;  ///< of all that was allocated before page_owner began
  Result<Depot> depot_ = Error{Errc::not_applicable, "this kernel keeps no stacks", {}};
  Result<void> usable_;  // last: bind() fills the others
};

PageOwnerReader::Inside::Inside(const Kernel& kernel)
    : space_(kernel.space()),
      order_(kernel.order()),
      word_size_(kernel.arch().word_size),
      usable_(bind(kernel)) {}

Result<void> PageOwnerReader::Inside::bind(const Kernel& kernel) {
  // Asked first: types that a kernel lacks are looked for in all of its debug information.
  const auto ops = kernel.address_of("page_owner_ops");
  if (!ops)
    return Error{Errc::not_applicable, "this kernel does not note who allocates pages (page_owner)", {}};
  const TypeSource& types = kernel.types();
  const auto owner = types.find_struct("page_owner");
  if (!owner) return owner.error();
  const auto operations = types.find_struct("page_ext_operations");
  const auto offset = operations ? operations->field("offset") : Result<Field>(operations.error());
  if (!offset) return offset.error();
  const auto at = space_.read_number(*ops + offset->offset(), offset->size(), order_);
  if (!at) return Error(at.error()).within("page_owner_ops");
  offset_ = *at;
  size_ = owner->size;
  struct Wanted {
    const char* member;
    Field* field;
  };
  for (const Wanted& wanted :
       {Wanted{"order", &order_field_}, Wanted{"gfp_mask", &gfp_mask_}, Wanted{"handle", &stack_handle_}}) {
    const auto field = owner->field(wanted.member);
    if (!field) return field.error();
    *wanted.field = *field;
  }
  pid_ = field_of(*owner, "pid");
  ts_nsec_ = field_of(*owner, "ts_nsec");
  const Member* const comm = owner->find("comm");
  if (comm != nullptr && comm->offset <= size_ && comm->size <= size_ - comm->offset) comm_ = *comm;
  if (const auto early = kernel.address_of("early_handle")) {
    const auto handle = space_.read_number(*early, stack_handle_.size(), order_);
    if (handle && *handle != 0) early_handle_ = *handle;
  }
  if (auto done = bind_flags(types); !done) return done;
  // Nobody gave it a place: another user of page_ext is there, or none.
  if (offset_ < ext_flags_.end())
    return Error{Errc::not_applicable, "page_owner is not switched on (page_owner=on)", {}};
  depot_ = bind_depot(kernel);
  return {};
}

Result<void> PageOwnerReader::Inside::bind_flags(const TypeSource& types) {
  const auto page_ext = types.find_struct("page_ext");
  const auto flags = page_ext ? page_ext->field("flags") : Result<Field>(page_ext.error());
  if (!flags) return flags.error();
  ext_flags_ = *flags;
  const auto noted = types.find_enumerator("page_ext_flags", "PAGE_EXT_OWNER");
  if (!noted) return noted.error();
  // Linux fdf3bf809162 ("mm, page_owner: rename flag indicating that page is allocated") (v5.4): before, PAGE_EXT_OWNER
  // itself went when the page was freed.
  const auto allocated = types.find_enumerator("page_ext_flags", "PAGE_EXT_OWNER_ALLOCATED");
  for (const auto& bit : {noted, allocated}) {
    if (bit && *bit >= 0 && *bit < 64) noted_ |= std::uint64_t{1} << *bit;
  }
  return {};
}

Result<PageOwnerReader::Inside::Depot> PageOwnerReader::Inside::bind_depot(const Kernel& kernel) const {
  const TypeSource& types = kernel.types();
  const auto parts = types.find_struct("handle_parts");
  if (!parts) return parts.error();
  if (parts->size != stack_handle_.size())
    return Error{Errc::corrupt,
                 fmt::format("handles of {} bytes in parts of {}", stack_handle_.size(), parts->size),
                 {}};
  const auto record = types.find_struct("stack_record");
  if (!record) return record.error();
  Depot depot;
  depot.pool_from_1 = parts->has("pool_index_plus_1");
  const auto pool = first_bit_field(*parts, {"pool_index_plus_1", "pool_index", "slabindex"});
  const auto offset = parts->bit_field("offset");
  const auto handle = record->field("handle");
  const auto count = record->field("size");
  const auto entries = record->member("entries");
  for (const auto& part : {pool, offset}) {
    if (!part) return part.error();
  }
  for (const auto& field : {handle, count}) {
    if (!field) return field.error();
  }
  if (!entries) return entries.error();
  depot.pool = *pool;
  depot.offset = *offset;
  depot.pool_size = std::uint64_t{1} << (std::popcount(offset->in_unit()) + record_alignment);
  depot.handle = *handle;
  depot.count = *count;
  depot.entries = entries->offset;
  depot.compared = static_cast<std::uint32_t>(pool->in_unit() | offset->in_unit());
  const auto pools = kernel.address_of("stack_pools");
  const auto slabs = kernel.address_of("stack_slabs");
  if (!pools && !slabs) return Error{Errc::no_symbol, "the symbol stack_pools is not known", {}};
  depot.pools = pools ? *pools : *slabs;
  if (pools && kernel.address_of("stack_max_pools")) {
    const auto table = space_.read_number(*pools, word_size_, order_);
    if (!table) return Error(table.error()).within("stack_pools");
    depot.pools = VirtAddr(*table);
  }
  return depot;
}

/// Where the page_ext entry of a page is.
Result<VirtAddr> PageOwnerReader::Inside::entry_of(const MemoryModel& model, Pfn pfn) const {
  const SectionNr nr = model.geometry.pfn_to_section_nr(pfn);
  const Section* const section = model.find_section(nr);
  if (section == nullptr || !section->flags.online)
    return Error{Errc::not_applicable, "the page is not online", {}};
  if (!section->page_ext) return section->page_ext.error();
  const Placement& table = *section->page_ext;
  const std::uint64_t entry_size = table.bytes / model.geometry.pages_per_section();
  if (offset_ > entry_size || size_ > entry_size - offset_ || ext_flags_.end() > entry_size)
    return Error{Errc::corrupt,
                 fmt::format("page_owner is said to lie at {} in entries of {} bytes", offset_, entry_size),
                 {}};
  return table.address + (pfn - model.geometry.section_nr_to_pfn(nr)) * entry_size;
}

Result<PageOwner> PageOwnerReader::Inside::owner_of(const MemoryModel& model, Pfn pfn) const {
  if (!usable_) return usable_.error();
  const auto entry = entry_of(model, pfn);
  if (!entry) return entry.error();
  const auto flags = space_.read_number(*entry + ext_flags_.offset(), ext_flags_.size(), order_);
  if (!flags) return Error(flags.error()).within("page_ext");
  if ((*flags & noted_) != noted_)
    return Error{Errc::not_applicable,
                 "page_owner has no note of it: it is free, or it was given out before "
                 "page_owner began",
                 {}};
  std::vector<std::byte> bytes(size_);
  if (auto done = space_.read(*entry + offset_, bytes); !done)
    return std::move(done).error().within("page_owner");
  if (early_handle_ && stack_handle_.get(bytes) == *early_handle_)
    return Error{Errc::not_applicable, "it was allocated before page_owner began", {}};
  PageOwner owner;
  owner.order = static_cast<unsigned>(order_field_.get(bytes));
  if (owner.order > largest_order)
    return Error{Errc::corrupt, fmt::format("page_owner has an allocation of order {}", owner.order), {}};
  owner.gfp_mask = gfp_mask_.get(bytes);
  if (pid_) owner.pid = pid_->get_signed(bytes);
  if (ts_nsec_) owner.ts_nsec = ts_nsec_->get(bytes);
  if (comm_) owner.comm = text_in(Bytes(bytes).subspan(comm_->offset, comm_->size));
  owner.stack = stack_of(Bytes(bytes).subspan(stack_handle_.offset(), stack_handle_.size()));
  return owner;
}

/// `parts`: the bytes of the handle.
Result<std::vector<VirtAddr>> PageOwnerReader::Inside::stack_of(Bytes parts) const {
  if (!depot_) return depot_.error();
  const Depot& depot = *depot_;
  const std::uint64_t handle = load_unsigned(parts, order_);
  if (handle == 0) return Error{Errc::not_applicable, "no stack was saved", {}};
  if (depot.pool_from_1 && depot.pool.get(parts) == 0)
    return Error{Errc::corrupt, fmt::format("{:#x} is no handle of a stack", handle), {}};
  const std::uint64_t number = depot.pool.get(parts) - (depot.pool_from_1 ? 1 : 0);
  const auto pool = space_.read_number(depot.pools + number * word_size_, word_size_, order_);
  if (!pool) return Error(pool.error()).within("stack_pools");
  const VirtAddr record = VirtAddr(*pool) + (depot.offset.get(parts) << record_alignment);
  std::vector<std::byte> head(std::max(depot.handle.end(), depot.count.end()));
  if (auto done = space_.read(record, head); !done) return std::move(done).error().within("stack_record");
  const std::uint64_t frames = depot.count.get(head);
  if (((depot.handle.get(head) ^ handle) & depot.compared) != 0 || frames > most_frames)
    return Error{Errc::corrupt, fmt::format("there is no stack record at {:#x}", record.raw()), {}};
  std::vector<std::byte> entries(frames * word_size_);
  if (auto done = space_.read(record + depot.entries, entries); !done)
    return std::move(done).error().within("stack_record");
  std::vector<VirtAddr> stack;
  for (std::size_t at = 0; at < entries.size(); at += word_size_)
    stack.emplace_back(load_unsigned(Bytes(entries).subspan(at, word_size_), order_));
  return stack;
}

void PageOwnerReader::Inside::read_all(const MemoryModel& model) const {
  if (!usable_) return;
  std::unordered_set<std::uint64_t> handles;  // few: a stack is kept once
  const auto look_at = [&](Bytes entry) {
    if ((ext_flags_.get(entry) & noted_) != noted_) return;
    const Bytes handle = entry.subspan(offset_ + stack_handle_.offset(), stack_handle_.size());
    if (handles.insert(load_unsigned(handle, order_)).second) static_cast<void>(stack_of(handle));
  };
  const std::uint64_t count = model.geometry.pages_per_section();
  const std::uint64_t at_once = std::min<std::uint64_t>(count, 4096);  // both powers of two
  std::vector<std::byte> bytes;
  for (const Section& section : model.sections) {
    const auto table = entry_of(model, model.geometry.section_nr_to_pfn(section.nr));
    if (!table) continue;
    const std::uint64_t size = section.page_ext->bytes / count;
    bytes.resize(at_once * size);
    for (std::uint64_t i = 0; i < count; i += at_once) {
      const bool whole = space_.read(*table + i * size, bytes).has_value();
      for (std::uint64_t j = 0; j < at_once; ++j) {
        const auto entry = std::span(bytes).subspan(j * size, size);
        if (whole || space_.read(*table + (i + j) * size, entry)) look_at(entry);  // all but what is missing
      }
    }
  }
}

std::vector<PhysRange> PageOwnerReader::Inside::stack_pools() const {
  constexpr std::uint64_t most_pools = 8192;  // DEPOT_POOLS_CAP
  std::vector<PhysRange> pools;
  if (!usable_ || !depot_) return pools;
  for (std::uint64_t i = 0; i < most_pools; ++i) {
    const auto pool = space_.read_number(depot_->pools + i * word_size_, word_size_, order_);
    if (!pool || *pool == 0) break;
    if (const auto phys = space_.translate(VirtAddr(*pool))) pools.push_back({*phys, depot_->pool_size});
  }
  std::sort(pools.begin(), pools.end(),
            [](const PhysRange& a, const PhysRange& b) { return a.start < b.start; });
  return pools;
}

PageOwnerReader::PageOwnerReader(const Kernel& kernel) : inside_(std::make_unique<const Inside>(kernel)) {}

PageOwnerReader::~PageOwnerReader() = default;

bool PageOwnerReader::usable() const { return inside_->usable(); }

Result<PageOwner> PageOwnerReader::owner_of(const MemoryModel& model, Pfn pfn) const {
  return inside_->owner_of(model, pfn);
}

void PageOwnerReader::read_all(const MemoryModel& model) const { inside_->read_all(model); }

std::vector<PhysRange> PageOwnerReader::stack_pools() const { return inside_->stack_pools(); }

void name_frames(const Kernel& kernel, std::span<PageOwner* const> owners) {
  std::vector<VirtAddr> addresses;
  for (const PageOwner* owner : owners) {
    if (owner->stack) addresses.insert(addresses.end(), owner->stack->begin(), owner->stack->end());
  }
  const auto frames = kernel.symbolize(addresses);
  auto next = frames.begin();
  for (PageOwner* owner : owners) {
    if (!owner->stack) continue;
    const auto end = next + static_cast<std::ptrdiff_t>(owner->stack->size());
    owner->frames.assign(next, end);
    next = end;
  }
}

}  // namespace memsect
