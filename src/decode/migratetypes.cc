// The kernel's own names of the migrate types: migratetype_names[MIGRATE_TYPES], else its enumerators.
#include <array>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::uint64_t most_types = 8;  // three bits

struct KnownType {
  const char* enumerator;
  const char* name;
};
// mm/page_alloc.c. The values moved: MOVABLE and RECLAIMABLE swapped in 4.4, where RESERVE went (974a786e63c9); CMA and
// ISOLATE depend on the configuration.
constexpr std::array<KnownType, 7> known_types{{{"MIGRATE_UNMOVABLE", "Unmovable"},
                                                {"MIGRATE_MOVABLE", "Movable"},
                                                {"MIGRATE_RECLAIMABLE", "Reclaimable"},
                                                {"MIGRATE_RESERVE", "Reserve"},
                                                {"MIGRATE_HIGHATOMIC", "HighAtomic"},
                                                {"MIGRATE_CMA", "CMA"},
                                                {"MIGRATE_ISOLATE", "Isolate"}}};

std::uint64_t count_types(const Kernel& kernel) {
  const auto types = kernel.types().find_enumerator("migratetype", "MIGRATE_TYPES");
  const std::uint64_t count = types && *types > 0
                                  ? static_cast<std::uint64_t>(*types)
                                  : kernel.vmcoreinfo().length("free_area.free_list").value_or(0);
  return std::min(count, most_types);
}

std::vector<std::string> read_names(const Kernel& kernel, std::uint64_t count) {
  std::vector<std::string> names;
  const auto table = kernel.address_of("migratetype_names");
  if (!table) return names;
  const AddressSpace space = kernel.space();
  const std::uint64_t size = kernel.arch().word_size;
  std::vector<std::byte> pointers(count * size);
  if (!space.read(*table, pointers)) return names;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto name =
        space.read_text(VirtAddr(load_unsigned(Bytes(pointers).subspan(i * size, size), kernel.order())), 32);
    if (!name || name->empty()) return {};
    names.push_back(std::move(*name));
  }
  return names;
}

}  // namespace

void load_migratetypes(const Kernel& kernel, MemoryModel& model) {
  const std::uint64_t count = count_types(kernel);
  model.migratetypes = read_names(kernel, count);
  if (!model.migratetypes.empty() || count == 0) return;
  for (std::uint64_t i = 0; i < count; ++i) model.migratetypes.push_back("type" + std::to_string(i));
  for (const KnownType& type : known_types) {
    const auto value = kernel.types().find_enumerator("migratetype", type.enumerator);
    if (value && *value >= 0 && static_cast<std::uint64_t>(*value) < count) {
      model.migratetypes[static_cast<std::size_t>(*value)] = type.name;
    }
  }
}

}  // namespace memsect
