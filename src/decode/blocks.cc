// Memory blocks (drivers/base/memory.c).
//
//   5.8+    static xarray memory_blocks: index = block id = first section / sections_per_block
//   older   the device list of the memory subsystem (block_list.h), in the order of registration
//
// struct memory_block moved with nearly every release, and 6.19 renumbered its states into an enum
// (backported to 6.12.y): members and enumerators decide, see the comments below.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "base/text.h"
#include "decode/block_list.h"
#include "decode/derive_blocks.h"
#include "decode/steps.h"
#include "decode/xarray.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

struct Named {
  const char* enumerator;
  const char* name;
  std::uint64_t before_enum;  ///< value of the macro before there was an enum
};
// include/linux/memory.h
constexpr std::array<Named, 6> state_names{{{"MEM_ONLINE", "online", 1},
                                            {"MEM_GOING_OFFLINE", "going_offline", 2},
                                            {"MEM_OFFLINE", "offline", 4},
                                            {"MEM_GOING_ONLINE", "going_online", 8},
                                            {"MEM_CANCEL_ONLINE", "cancel_online", 16},
                                            {"MEM_CANCEL_OFFLINE", "cancel_offline", 32}}};
// include/linux/memory_hotplug.h, MMOP_*; sysfs shows the same words in auto_online_blocks
constexpr std::array<Named, 4> online_type_names{{{"MMOP_OFFLINE", "offline", 0},
                                                  {"MMOP_ONLINE", "online", 1},
                                                  {"MMOP_ONLINE_KERNEL", "online_kernel", 2},
                                                  {"MMOP_ONLINE_MOVABLE", "online_movable", 3}}};

using Names = std::map<std::uint64_t, std::string>;

Names find_state_names(const TypeSource& types) {
  const bool renumbered = types.has_enum("memory_block_state");  // 6.19+, and where it was backported
  Names names;
  for (const Named& state : state_names) {
    if (!renumbered) {
      names[state.before_enum] = state.name;
    } else if (const auto value = types.find_enumerator("memory_block_state", state.enumerator)) {
      names[static_cast<std::uint64_t>(*value)] = state.name;
    }
  }
  return names;
}

Names find_online_type_names(const TypeSource& types) {
  Names names;
  for (const Named& type : online_type_names) {
    auto value = types.find_enumerator("mmop", type.enumerator);  // named from 7.1 on
    if (!value) value = types.find_enumerator("", type.enumerator);
    names[value ? static_cast<std::uint64_t>(*value) : type.before_enum] = type.name;
  }
  return names;
}

std::string name_of(const Names& names, std::uint64_t value) {
  const auto found = names.find(value);
  return found != names.end() ? found->second : fmt::format("unknown ({})", value);
}

/// struct memory_group (Linux 028fc57a1c36, v5.15).
struct GroupFields {
  Field nid, present_kernel_pages, present_movable_pages, is_dynamic;
  Field max_pages, unit_pages;  ///< s.max_pages and d.unit_pages, one long each
  std::uint64_t bytes = 0;
};

struct BlockReader {
  AddressSpace space;
  Names states, online_types;
  Field start_section_nr, state;
  Result<Field> online_type, node, zone, nr_vmemmap_pages, altmap, group, altmap_free;
  Result<GroupFields> group_fields;
  std::uint64_t bytes = 0;
};

Result<GroupFields> find_group_fields(const TypeSource& types) {
  auto layout = types.find_struct("memory_group");
  if (!layout) return std::move(layout).error();
  GroupFields fields;
  const std::array<std::pair<const char*, Field*>, 6> wanted{
      {{"nid", &fields.nid},
       {"present_kernel_pages", &fields.present_kernel_pages},
       {"present_movable_pages", &fields.present_movable_pages},
       {"is_dynamic", &fields.is_dynamic},
       {"s", &fields.max_pages},
       {"d", &fields.unit_pages}}};
  for (const auto& [name, target] : wanted) {
    auto field = layout->field(name);
    if (!field) return std::move(field).error();
    *target = *field;
    fields.bytes = std::max(fields.bytes, field->end());
  }
  return fields;
}

Result<BlockReader> make_block_reader(const Kernel& kernel) {
  auto layout = kernel.types().find_struct("memory_block");
  if (!layout) return std::move(layout).error();
  auto start = layout->field("start_section_nr");
  if (!start) return std::move(start).error();
  auto state = layout->field("state");
  if (!state) return std::move(state).error();
  Result<Field> altmap_free = Error{Errc::not_applicable, "no struct vmem_altmap", {}};
  if (auto altmap = kernel.types().find_struct("vmem_altmap")) altmap_free = altmap->field("free");
  Result<GroupFields> group_fields = Error{Errc::not_applicable, "no struct memory_group", {}};
  if (layout->has("group")) group_fields = find_group_fields(kernel.types());
  return BlockReader{kernel.space(),
                     find_state_names(kernel.types()),
                     find_online_type_names(kernel.types()),
                     *start,
                     *state,
                     layout->field("online_type"),
                     layout->field("nid"),
                     layout->field("zone"),              // 5.18+
                     layout->field("nr_vmemmap_pages"),  // 5.14 to 6.5
                     layout->field("altmap"),            // 6.6+
                     layout->field("group"),             // 5.15+
                     altmap_free,
                     std::move(group_fields),
                     layout->size};
}

/// memory_block.nid. Without NUMA it stays NUMA_NO_NODE (-1), and all memory is node 0's.
Result<NodeId> node_of(const Kernel& kernel, std::int64_t nid) {
  if (nid >= 0) return NodeId{static_cast<int>(nid)};
  const bool numa = kernel.vmcoreinfo().symbol("node_data") || kernel.address_of("node_data");
  if (!numa) return NodeId{0};
  return Error{Errc::not_applicable, "the kernel names none (NUMA_NO_NODE)", {}};
}

/// memory_block.zone as a name: the zones of all pgdats are known by address.
Result<std::string> zone_name_at(const MemoryModel& model, const Kernel& kernel, VirtAddr zone) {
  if (zone.raw() == 0) return std::string();
  const auto layout = kernel.types().find_struct("pglist_data");
  const Member* zones = layout ? layout->find("node_zones") : nullptr;
  for (const Node& node : model.nodes) {
    if (zones == nullptr) break;
    const std::uint64_t within = zone - (node.pgdat + zones->offset);
    if (within < zones->size && within % zones->element_size == 0 &&
        within / zones->element_size < node.zones.size()) {
      return node.zones[within / zones->element_size].name;
    }
  }
  return Error{
      Errc::corrupt, fmt::format("memory_block.zone {:#x} is no zone of a known node", zone.raw()), {}};
}

Result<std::uint64_t> read_altmap_pages(const BlockReader& reader, Bytes block) {
  if (reader.nr_vmemmap_pages) return reader.nr_vmemmap_pages->get(block);
  if (!reader.altmap)
    return reader.altmap.error().code == Errc::no_member
               ? Error{Errc::not_applicable, "this kernel has no memmap_on_memory", {}}
               : reader.altmap.error();
  const VirtAddr altmap(reader.altmap->get(block));
  if (altmap.raw() == 0) return std::uint64_t{0};
  if (!reader.altmap_free) return reader.altmap_free.error();
  std::vector<std::byte> bytes(reader.altmap_free->end());
  if (auto done = reader.space.read(altmap, bytes); !done)
    return std::move(done).error().within("vmem_altmap");
  return reader.altmap_free->get(bytes);
}

Result<MemoryGroup> read_group(const BlockReader& reader, VirtAddr at) {
  if (!reader.group_fields) return reader.group_fields.error();
  const GroupFields& fields = *reader.group_fields;
  std::vector<std::byte> bytes(fields.bytes);
  if (auto done = reader.space.read(at, bytes); !done) return std::move(done).error().within("memory_group");
  MemoryGroup group;
  group.address = at;
  group.is_dynamic = fields.is_dynamic.get(bytes) != 0;
  group.pages = (group.is_dynamic ? fields.unit_pages : fields.max_pages).get(bytes);
  group.present_kernel_pages = fields.present_kernel_pages.get(bytes);
  group.present_movable_pages = fields.present_movable_pages.get(bytes);
  const auto node = static_cast<int>(fields.nid.get_signed(bytes));
  if (node >= 0) group.node = NodeId{node};  // NUMA_NO_NODE is -1
  return group;
}

/// `index` of the entry: the block's number, where what led to it knows it.
Result<MemoryBlock> read_block(const BlockReader& reader, const Kernel& kernel, const MemoryModel& model,
                               const BlockEntry& entry) {
  std::vector<std::byte> bytes(reader.bytes);
  if (auto done = reader.space.read(entry.pointer, bytes); !done) return std::move(done).error();
  MemoryBlock block;
  block.address = entry.pointer;
  auto phys = reader.space.translate_range(entry.pointer, reader.bytes);
  if (!phys) return std::move(phys).error();
  block.placement = Placement{entry.pointer, reader.bytes, std::move(*phys), Allocation::unknown};
  block.start_section = SectionNr(reader.start_section_nr.get(bytes));
  block.id = entry.id.value_or(block.start_section.raw() /
                               std::max<std::uint64_t>(model.geometry.sections_per_block, 1));
  block.state = name_of(reader.states, reader.state.get(bytes));
  if (reader.online_type) block.online_type = name_of(reader.online_types, reader.online_type->get(bytes));
  if (reader.node) block.node = node_of(kernel, reader.node->get_signed(bytes));
  if (reader.zone) block.zone = zone_name_at(model, kernel, VirtAddr(reader.zone->get(bytes)));
  block.altmap_pages = read_altmap_pages(reader, bytes);
  if (reader.group) block.group = VirtAddr(reader.group->get(bytes));
  if (block.group.raw() != 0) block.group_details = read_group(reader, block.group);
  return block;
}

/// sections_per_block (an int in the image); 0 when it cannot be had or makes no sense.
std::uint64_t read_sections_per_block(const Kernel& kernel, const MemoryGeometry& geometry) {
  const auto at = kernel.address_of("sections_per_block");
  std::vector<std::byte> bytes(4);
  if (!at || !kernel.space().read(*at, bytes)) return 0;
  const std::uint64_t sections = load_unsigned(bytes, kernel.order());
  return sections <= geometry.nr_mem_sections() ? sections : 0;
}

/// Where the blocks are, and why some may be missing.
struct Entries {
  std::vector<BlockEntry> list;
  std::vector<std::string> failures;
  Errc why = Errc::corrupt;  ///< of the first failure
};

/// Linux 4fb6eabf1037 ("drivers/base/memory.c: cache memory blocks in xarray to accelerate lookup") (v5.8).
Result<Entries> entries_of_xarray(const Kernel& kernel, MemoryModel& model, VirtAddr xarray) {
  auto content = walk_xarray(kernel.space(), kernel.types(), xarray);
  if (!content) return std::move(content).error();
  if (content->assumed_layout) {
    model.notes.warn(
        "no debug information describes struct xa_node: memory blocks are read with the layout that "
        "it has had in every release");
  }
  Entries entries{{}, std::move(content->failures), content->why};
  for (const XarrayEntry& entry : content->entries) entries.list.push_back({entry.index, entry.pointer});
  return entries;
}

Result<Entries> entries_of_list(const Kernel& kernel) {
  auto list = walk_block_list(kernel);
  if (!list) return std::move(list).error();
  return Entries{std::move(list->entries), std::move(list->failures), list->why};
}

/// Both ways, where the first alone is not enough: what one of them lacks, the other may have.
Result<Entries> find_entries(const Kernel& kernel, MemoryModel& model) {
  const auto xarray = kernel.address_of("memory_blocks");
  auto first =
      xarray ? entries_of_xarray(kernel, model, *xarray)
             : Result<Entries>(Error{Errc::no_symbol, "the symbol memory_blocks (5.8+) is not known", {}});
  if (first && first->failures.empty()) return first;
  if (!xarray && model.geometry.sections_per_block == 0)
    return Error{
        Errc::no_symbol, "neither memory_blocks (5.8+) nor sections_per_block is a known symbol", {}};
  auto second = entries_of_list(kernel);
  if (!second) {
    if (first || xarray) return first;
    return Error{second.error().code,
                 "the symbol memory_blocks (5.8+) is not known, and the older device list neither: " +
                     second.error().message,
                 second.error().hint};
  }
  if (!xarray) return second;
  if (first) second->list.insert(second->list.end(), first->list.begin(), first->list.end());
  if (second->failures.empty()) {
    model.notes.note(
        "the xarray memory_blocks cannot be read whole: the memory blocks are those of the device list");
  } else if (first) {
    second->failures.insert(second->failures.begin(), first->failures.begin(), first->failures.end());
  }
  return second;
}

void note_failures(MemoryModel& model, const Entries& entries) {
  for (const std::string& failure : entries.failures) {
    model.incomplete = true;
    if (!model.blocks_short) model.blocks_short = Error{entries.why, failure, {}};
    model.notes.warn("memory blocks may be missing: " + failure);
  }
}

void note_unread(MemoryModel& model, const std::vector<std::uint64_t>& unread, std::size_t count,
                 const Error& first) {
  if (count == 0) return;
  model.incomplete = true;
  if (!model.blocks_short) model.blocks_short = first;
  model.notes.warn(fmt::format("memory blocks {} cannot be read ({})",
                               unread.empty() ? fmt::format("at {} places", count) : ranges(unread),
                               first.message));
}

Result<std::vector<MemoryBlock>> read_blocks(const Kernel& kernel, MemoryModel& model) {
  auto reader = make_block_reader(kernel);
  if (!reader) return std::move(reader).error();
  auto entries = find_entries(kernel, model);
  if (!entries) return std::move(entries).error();
  note_failures(model, *entries);
  // The same block may come by both ways; the first one knows its number.
  std::stable_sort(entries->list.begin(), entries->list.end(), [](const BlockEntry& a, const BlockEntry& b) {
    return std::tuple(a.pointer, !a.id) < std::tuple(b.pointer, !b.id);
  });
  entries->list.erase(
      std::unique(entries->list.begin(), entries->list.end(),
                  [](const auto& a, const auto& b) { return a.pointer == b.pointer && !b.id; }),
      entries->list.end());
  std::vector<MemoryBlock> blocks;
  std::vector<std::uint64_t> unread;
  std::size_t unread_count = 0;
  Error first_failure;
  for (const BlockEntry& entry : entries->list) {
    auto block = read_block(*reader, kernel, model, entry);
    if (block) {
      blocks.push_back(std::move(*block));
      continue;
    }
    if (unread_count++ == 0) first_failure = block.error();
    if (entry.id) unread.push_back(*entry.id);
  }
  std::sort(unread.begin(), unread.end());
  note_unread(model, unread, unread_count, first_failure);
  std::stable_sort(blocks.begin(), blocks.end(),
                   [](const MemoryBlock& a, const MemoryBlock& b) { return a.id < b.id; });
  return blocks;
}

/// A block's id is its first section / sections_per_block (base_memory_block_id); a block that says otherwise is damaged,
/// or sections_per_block is.
void check_block_ids(MemoryModel& model) {
  const std::uint64_t per_block = model.geometry.sections_per_block;
  std::vector<std::uint64_t> odd;
  for (const MemoryBlock& block : *model.blocks) {
    if (per_block != 0 && block.start_section.raw() / per_block != block.id) odd.push_back(block.id);
  }
  if (odd.empty()) return;
  model.incomplete = true;
  model.notes.warn(
      fmt::format("the first sections of memory blocks {} do not fit {} sections a block: damaged",
                  ranges(odd), per_block));
}

}  // namespace

void load_blocks(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  if (model.hot_plug == HotPlug::none) {
    model.blocks = std::vector<MemoryBlock>();
    model.notes.note("this kernel is built without memory hot-plug: it has no memory blocks");
    return;
  }
  MemoryGeometry& geometry = model.geometry;
  geometry.sections_per_block = read_sections_per_block(kernel, geometry);
  if (geometry.sections_per_block != 0) model.origin["sections_per_block"] = "symbol: sections_per_block";
  model.blocks = read_blocks(kernel, model);
  if (!model.blocks && !could_be_derived(model)) return;
  if (!model.blocks || model.blocks_short) derive_blocks(model, pages);
  for (MemoryBlock& block : *model.blocks) {
    if (block.placement)
      block.placement->allocation =
          pages.allocation_at(model, block.placement->first_phys(), Allocation::unknown);
  }
  for (const MemoryBlock& block : *model.blocks) {
    if (geometry.sections_per_block != 0) break;
    const std::uint64_t derived = block.id == 0 ? 0 : block.start_section.raw() / block.id;
    if (derived == 0 || derived > geometry.nr_mem_sections()) continue;
    geometry.sections_per_block = derived;
    model.origin["sections_per_block"] = "derived: memory_block.start_section_nr / id";
  }
  check_block_ids(model);
}

}  // namespace memsect
