// pgdats and zones.
//
//   NUMA     node_data[MAX_NUMNODES], pointers; VMCOREINFO has its address on x86 and powerpc only
//   !NUMA    contig_page_data, one pgdat inside the kernel image
//
// Up to 5.18 a NULL entry means "not online"; from 5.19 on every possible node has a pgdat (09f49dca570a).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

struct NodeReader {
  AddressSpace space;
  ByteOrder order;
  std::uint64_t pgdat_size = 0;
  Field start_pfn, spanned_pages, present_pages;
  std::uint64_t zones_offset = 0, zone_size = 0, zone_count = 0;
  std::optional<std::uint64_t> span_sequence;  // offset in struct zone; not without MEMORY_HOTPLUG
  Field zone_start_pfn, zone_spanned, zone_present, zone_managed, zone_name;
  Result<Field> node_id, zone_pgdat, zone_isolated;  // what only the checks ask for
  std::uint64_t zone_bytes = 0;                      ///< of each zone that must be read
};

Result<void> bind_fields(const StructLayout& layout,
                         std::initializer_list<std::pair<const char*, Field*>> fields) {
  for (const auto& [name, target] : fields) {
    auto field = layout.field(name);
    if (!field) return std::move(field).error();
    *target = *field;
  }
  return {};
}

Result<NodeReader> make_node_reader(const Kernel& kernel) {
  NodeReader reader{
      kernel.space(), kernel.order(), 0, {}, {}, {}, 0, 0, 0, {}, {}, {}, {}, {}, {}, {}, {}, {}, 0};
  auto pgdat = kernel.types().find_struct("pglist_data");
  if (!pgdat) return std::move(pgdat).error();
  auto zone = kernel.types().find_struct("zone");
  if (!zone) return std::move(zone).error();
  reader.pgdat_size = pgdat->size;
  if (auto done = bind_fields(*pgdat, {{"node_start_pfn", &reader.start_pfn},
                                       {"node_spanned_pages", &reader.spanned_pages},
                                       {"node_present_pages", &reader.present_pages}});
      !done) {
    return std::move(done).error();
  }
  auto zones = pgdat->member("node_zones");
  if (!zones) return std::move(zones).error();
  reader.zones_offset = zones->offset;
  reader.zone_size = zone->size;
  reader.zone_count = zones->elements;
  // managed_pages became an atomic_long_t in 5.0 (9705bea5f833): a struct of one long, at the same place.
  if (auto done = bind_fields(*zone, {{"zone_start_pfn", &reader.zone_start_pfn},
                                      {"spanned_pages", &reader.zone_spanned},
                                      {"present_pages", &reader.zone_present},
                                      {"managed_pages", &reader.zone_managed},
                                      {"name", &reader.zone_name}});
      !done) {
    return std::move(done).error();
  }
  reader.node_id = pgdat->field("node_id");
  reader.zone_pgdat = zone->field("zone_pgdat");
  reader.zone_isolated = zone->field("nr_isolate_pageblock");  // with MEMORY_ISOLATION
  // seqlock_t begins with its counter, whatever else the configuration puts into it. A dump stands still.
  const Member* const lock = zone->find("span_seqlock");
  if (kernel.dump().info.live && lock != nullptr) reader.span_sequence = lock->offset;
  for (const Field* field : {&reader.zone_start_pfn, &reader.zone_spanned, &reader.zone_present,
                             &reader.zone_managed, &reader.zone_name}) {
    reader.zone_bytes = std::max(reader.zone_bytes, field->end());
  }
  if (reader.zone_count > 16 || reader.zone_bytes > reader.zone_size ||
      reader.zones_offset + reader.zone_count * reader.zone_size > reader.pgdat_size) {
    return Error{Errc::corrupt, "struct pglist_data and struct zone do not fit together", {}};
  }
  return reader;
}

Zone read_zone(const NodeReader& reader, const PageReader& pages, VirtAddr at, unsigned index) {
  Zone zone;
  zone.index = index;
  zone.name = pages.zone_name(index);
  std::vector<std::byte> bytes(reader.zone_bytes);
  zone.numbers = reader.space.read(at, bytes);
  if (!zone.numbers) return zone;
  zone.start_pfn = Pfn(reader.zone_start_pfn.get(bytes));
  zone.spanned_pages = reader.zone_spanned.get(bytes);
  zone.present_pages = reader.zone_present.get(bytes);
  zone.managed_pages = reader.zone_managed.get(bytes);
  const auto name = reader.space.read_text(VirtAddr(reader.zone_name.get(bytes)), 32);
  if (name && !name->empty()) zone.name = *name;
  const auto number = [&](const Field& field) -> Result<std::uint64_t> {
    std::vector<std::byte> field_bytes(field.size());
    auto done = reader.space.read(at + field.offset(), field_bytes);
    return done ? Result<std::uint64_t>(load_unsigned(field_bytes, reader.order)) : std::move(done).error();
  };
  if (reader.zone_isolated) zone.isolated = number(*reader.zone_isolated);
  const auto pgdat = reader.zone_pgdat ? number(*reader.zone_pgdat) : reader.zone_pgdat.error();
  zone.pgdat = pgdat ? Result<VirtAddr>(VirtAddr(*pgdat)) : pgdat.error();
  std::array<std::byte, 4> counter{};
  if (reader.span_sequence && reader.space.read(at + *reader.span_sequence, counter))
    zone.span_sequence = load_unsigned(counter, reader.order);
  return zone;
}

/// The node with whatever of its pgdat can be read. Where it lies is known even when nothing of it is: the section that
/// holds it stays where it is all the same.
Node read_node(const NodeReader& reader, const MemoryModel& model, const PageReader& pages, NodeId id,
               VirtAddr pgdat) {
  Node node;
  node.id = id;
  node.pgdat = pgdat;
  const auto number = [&](const Field& field) -> Result<std::uint64_t> {
    std::vector<std::byte> bytes(field.size());
    if (auto done = reader.space.read(pgdat + field.offset(), bytes); !done) return std::move(done).error();
    return load_unsigned(bytes, reader.order);
  };
  const auto start = number(reader.start_pfn);
  const auto spanned = number(reader.spanned_pages);
  const auto present = number(reader.present_pages);
  for (const auto* read : {&start, &spanned, &present}) {
    if (!*read) node.numbers = read->error();
  }
  node.start_pfn = Pfn(start.value_or(0));
  node.spanned_pages = spanned.value_or(0);
  node.present_pages = present.value_or(0);
  const auto stated = reader.node_id ? number(*reader.node_id) : reader.node_id.error();
  node.stated_id = stated ? Result<NodeId>(NodeId{static_cast<int>(*stated)}) : stated.error();
  auto phys = reader.space.translate_range(pgdat, reader.pgdat_size);
  if (phys) {
    Placement placement{pgdat, reader.pgdat_size, std::move(*phys), Allocation::unknown};
    placement.allocation = pages.allocation_at(model, placement.first_phys(), Allocation::unknown);
    auto page = pages.page(model, model.geometry.phys_to_pfn(placement.first_phys()));
    node.on_node = page ? Result<NodeId>(page->node) : Result<NodeId>(page.error());
    node.placement = std::move(placement);
  } else {
    node.placement = phys.error();
    node.on_node = phys.error();
  }
  for (unsigned i = 0; i < reader.zone_count; ++i) {
    node.zones.push_back(read_zone(reader, pages, pgdat + reader.zones_offset + i * reader.zone_size, i));
  }
  return node;
}

/// A pgdat's number and address.
struct PgdatPointer {
  NodeId id{};
  VirtAddr address;
};

Result<std::vector<PgdatPointer>> find_pgdats(const Kernel& kernel, const PageReader& pages) {
  auto array = kernel.vmcoreinfo().symbol("node_data");
  if (!array) array = kernel.address_of("node_data");
  if (!array) {
    auto single = kernel.vmcoreinfo().symbol("contig_page_data");
    if (!single) single = kernel.address_of("contig_page_data");
    if (!single) return Error{Errc::no_symbol, "neither node_data nor contig_page_data is known", {}};
    return std::vector<PgdatPointer>{{NodeId{0}, *single}};
  }
  // MAX_NUMNODES by the types, which a damaged VMCOREINFO cannot shorten.
  const std::uint64_t length =
      std::max(kernel.vmcoreinfo().length("node_data").value_or(0), pages.max_nodes());
  constexpr std::uint64_t most_nodes = 1 << 16;
  if (length == 0 || length > most_nodes)
    return Error{Errc::corrupt, fmt::format("node_data has {} entries", length), {}};
  const std::uint64_t size = kernel.arch().word_size;
  std::vector<std::byte> bytes(length * size);
  if (auto done = kernel.space().read(*array, bytes); !done)
    return std::move(done).error().within("node_data");
  std::vector<PgdatPointer> pgdats;
  for (std::uint64_t i = 0; i < length; ++i) {
    const std::uint64_t pointer = load_unsigned(Bytes(bytes).subspan(i * size, size), kernel.order());
    if (pointer != 0) pgdats.push_back({NodeId{static_cast<int>(i)}, VirtAddr(pointer)});
  }
  return pgdats;
}

/// Whether `node` is in node_states[state].
Result<bool> in_node_state(const Kernel& kernel, const char* state, NodeId node) {
  const auto index = kernel.types().find_enumerator("node_states", state);
  if (!index) return index.error();
  const auto table = kernel.address_of("node_states");
  if (!table) return Error{Errc::no_symbol, "node_states is not known", {}};
  const auto mask_size = kernel.vmcoreinfo().size("nodemask_t");
  const std::uint64_t word_size = kernel.arch().word_size, word_bits = 8 * word_size;
  if (!mask_size || *mask_size % word_size != 0)
    return Error{Errc::unsupported, "VMCOREINFO has no SIZE(nodemask_t)", {}};
  const auto bit = static_cast<std::uint64_t>(raw(node));
  if (bit / 8 >= *mask_size) return Error{Errc::corrupt, "the node number is beyond nodemask_t", {}};
  const VirtAddr at = *table + static_cast<std::uint64_t>(*index) * *mask_size + bit / word_bits * word_size;
  const auto word = kernel.space().read_number(at, word_size, kernel.order());
  if (!word) return Error(word.error()).within("node_states");
  return (*word >> bit % word_bits & 1) != 0;
}

}  // namespace

void load_nodes(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  auto reader = make_node_reader(kernel);
  auto pgdats = find_pgdats(kernel, pages);
  if (!reader || !pgdats) {
    model.miss_keepers(!reader ? reader.error() : pgdats.error());
    model.notes.warn("the nodes cannot be read: " +
                     (!reader ? reader.error().message : pgdats.error().message));
    return;
  }
  std::set<std::uint64_t> seen;
  for (const PgdatPointer& pgdat : *pgdats) {
    if (!seen.insert(pgdat.address.raw()).second) {
      model.miss_keepers({Errc::corrupt, "node_data is damaged", {}});
      model.notes.warn(
          fmt::format("node_data names the pgdat at {:#x} more than once: damaged", pgdat.address.raw()));
      continue;
    }
    Node node = read_node(*reader, model, pages, pgdat.id, pgdat.address);
    if (!node.numbers) {
      model.incomplete = true;
      model.notes.warn(fmt::format("node {}: its pgdat at {:#x} cannot be read: {}", raw(pgdat.id),
                                   pgdat.address.raw(), node.numbers.error().message));
    }
    node.online = in_node_state(kernel, "N_ONLINE", pgdat.id);
    node.has_memory = in_node_state(kernel, "N_MEMORY", pgdat.id);
    model.nodes.push_back(std::move(node));
  }
}

}  // namespace memsect
