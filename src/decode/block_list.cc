// Up to 5.7 nothing but the driver core keeps the memory blocks together. Each of them is a device of the bus "memory":
//
//   memory_subsys                     struct bus_type
//     .p ------------------> struct subsys_private
//                              .klist_devices.k_list <-----------------------------+
//                                 |                                               |
//                                 v                                               |
//                         struct device_private                                   |
//                              .knode_bus.n_node -------> the next one's ... -----+
//                              .device -----> struct device, inside of struct memory_block (.dev)
//
// From 6.4 on (d2bf38c088e0, "driver core: remove private pointer from struct bus_type") bus_type has no p: the kernel
// looks for the subsys_private whose bus is memory_subsys, in the list of bus_kset:
//
//   bus_kset (pointer) -> struct kset .list -> kobject.entry, in subsys_private.subsys.kobj -> .bus
//
// Since 5.8 the list is the second way to the blocks, where the xarray cannot be read whole.
//
// struct device_private left struct device in 2.6.29 (fb069a5d132f); memory_subsys became a bus in 3.3 (10fbcf4c6cb1).
// The two private structs are defined in drivers/base/base.h alone. The lowest bit of klist_node.n_klist marks a node
// that is about to be taken out (KNODE_DEAD); its device is still in the list, and listed here.
#include "decode/block_list.h"

#include <fmt/format.h>

#include <unordered_set>

#include "kernel/kernel.h"

namespace memsect {
namespace {

/// 16 TiB in blocks of 128 MiB, eight times.
constexpr std::size_t most_blocks = 1 << 20;

/// Where the members lie on the way, from the start of the struct they are in.
struct ListLayout {
  Result<Field> bus_private = Error{Errc::no_member, "", {}};  ///< bus_type.p
  Field next;                                                  ///< list_head.next
  std::uint64_t head = 0;                                      ///< of the list_head in subsys_private
  std::uint64_t node = 0;                                      ///< of the list_head in device_private
  Field device;                                                ///< device_private.device
  std::uint64_t block_device = 0;                              ///< memory_block.dev
};

Result<std::uint64_t> offset_of(const TypeSource& types, const char* type, const char* name) {
  auto layout = types.find_struct(type);
  if (!layout) return std::move(layout).error();
  auto member = layout->member(name);
  if (!member) return std::move(member).error();
  return member->offset;
}

Result<Field> field_of(const TypeSource& types, const char* type, const char* name) {
  auto layout = types.find_struct(type);
  if (!layout) return std::move(layout).error();
  return layout->field(name);
}

Result<ListLayout> find_layout(const TypeSource& types) {
  const auto bus_private = field_of(types, "bus_type", "p");
  const auto next = field_of(types, "list_head", "next");
  const auto device = field_of(types, "device_private", "device");
  for (const Result<Field>* field : {&next, &device}) {
    if (!*field) return field->error();
  }
  const auto devices = offset_of(types, "subsys_private", "klist_devices");
  const auto list = offset_of(types, "klist", "k_list");
  const auto knode = offset_of(types, "device_private", "knode_bus");
  const auto node = offset_of(types, "klist_node", "n_node");
  const auto block_device = offset_of(types, "memory_block", "dev");
  for (const Result<std::uint64_t>* offset : {&devices, &list, &knode, &node, &block_device}) {
    if (!*offset) return offset->error();
  }
  return ListLayout{bus_private, *next, *devices + *list, *knode + *node, *device, *block_device};
}

Result<VirtAddr> read_pointer(const AddressSpace& space, VirtAddr object, const Field& field) {
  std::vector<std::byte> bytes(field.end());
  if (auto done = space.read(object, bytes); !done) return std::move(done).error();
  return VirtAddr(field.get(bytes));
}

/// The subsys_private of the bus at `subsystem`, from 6.4 on.
Result<VirtAddr> find_in_bus_kset(const Kernel& kernel, const ListLayout& layout, VirtAddr subsystem) {
  const TypeSource& types = kernel.types();
  const auto pointer = kernel.address_of("bus_kset");
  if (!pointer) return Error{Errc::no_symbol, "the symbol bus_kset is not known", {}};
  const auto bus = field_of(types, "subsys_private", "bus");
  if (!bus) return bus.error();
  const auto list = offset_of(types, "kset", "list"), kobject = offset_of(types, "kset", "kobj"),
             entry = offset_of(types, "kobject", "entry"),
             subsys = offset_of(types, "subsys_private", "subsys");
  for (const Result<std::uint64_t>* offset : {&list, &kobject, &entry, &subsys}) {
    if (!*offset) return offset->error();
  }
  const AddressSpace space = kernel.space();
  const auto kset = space.read_number(*pointer, kernel.arch().word_size, kernel.order());
  if (!kset) return Error(kset.error()).within("bus_kset");
  const VirtAddr head = VirtAddr(*kset) + *list;
  constexpr std::size_t most_buses = 4096;
  VirtAddr at = head;
  for (std::size_t i = 0; i < most_buses; ++i) {
    const auto next = read_pointer(space, at, layout.next);
    if (!next) return Error(next.error()).within("the list of buses");
    if (*next == head) return Error{Errc::corrupt, "the list of buses does not name memory_subsys", {}};
    const VirtAddr found(next->raw() - *entry - *kobject - *subsys);
    const auto its_bus = read_pointer(space, found, *bus);
    if (its_bus && *its_bus == subsystem) return found;
    at = *next;
  }
  return Error{Errc::corrupt, "the list of buses does not end", {}};
}

}  // namespace

Result<BlockList> walk_block_list(const Kernel& kernel) {
  const auto subsystem = kernel.address_of("memory_subsys");
  if (!subsystem) return Error{Errc::no_symbol, "the symbol memory_subsys is not known", {}};
  const auto layout = find_layout(kernel.types());
  if (!layout) return layout.error();
  const AddressSpace space = kernel.space();
  const auto subsys_private = layout->bus_private ? read_pointer(space, *subsystem, *layout->bus_private)
                                                  : find_in_bus_kset(kernel, *layout, *subsystem);
  if (!subsys_private) return Error(subsys_private.error()).within("memory_subsys");
  if (subsys_private->raw() == 0) return Error{Errc::corrupt, "memory_subsys is registered as no bus", {}};
  const VirtAddr head = *subsys_private + layout->head;
  BlockList list;
  std::unordered_set<VirtAddr> seen;
  for (VirtAddr at = head;;) {
    const auto next = read_pointer(space, at, layout->next);
    if (!next) {
      if (list.failures.empty()) list.why = next.error().code;
      list.failures.push_back(
          fmt::format("the device list ends at {:#x}: {}", at.raw(), next.error().message));
      return list;
    }
    if (*next == head) return list;
    if (!seen.insert(*next).second || seen.size() > most_blocks) {
      list.failures.push_back(
          fmt::format("the device list does not come back to its head behind {:#x}", at.raw()));
      return list;
    }
    at = *next;
    const VirtAddr of_device(at.raw() - layout->node);
    if (const auto device = read_pointer(space, of_device, layout->device)) {
      list.entries.push_back({std::nullopt, VirtAddr(device->raw() - layout->block_device)});
    } else {
      if (list.failures.empty()) list.why = device.error().code;
      list.failures.push_back(fmt::format("device at {:#x}: {}", of_device.raw(), device.error().message));
    }
  }
}

}  // namespace memsect
