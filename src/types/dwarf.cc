// Which units of a vmlinux to look into. It has 3,000 and more of them, 100 to 200 MB of .debug_info, and
// each names all the types its source file saw: one unit of the memory management knows nearly all that is
// ever asked for.
//
//   1. An anchor, a function of the wanted source file --(symbol table)--> address --(.debug_aranges)--> unit.
//      A group of anchors stands for a source file, several functions for the case that one is renamed or moved.
//   2. A file none of whose anchors is a symbol, where anchors of other files are, is not built into this kernel.
//   3. Where that leads nowhere (no symbols, no .debug_aranges: clang does not write it), the names of all units
//      are read, once: about 0.1 ms a unit.
//   4. Where no unit has a wanted name either, all units are read one after the other, once, and of each name is
//      kept which unit has it: seconds, for files that are no vmlinux as we know it.
//
// A name that the units found do not have is not in this kernel, and nothing more is read for it: old kernels
// lack types, and being asked for them is everyday business.
#include "types/dwarf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "types/dwarf_unit.h"

namespace memsect {
namespace {

struct AnchorGroup {
  std::string_view file;
  std::array<std::string_view, 4> functions;
  /// The types that are looked for there; empty: any. Opening a file's unit takes milliseconds.
  std::array<std::string_view, 5> types = {};

  bool serves(std::string_view type) const {
    return types.front().empty() || std::find(types.begin(), types.end(), type) != types.end();
  }
};

// In the order they are looked into. To have more types found, add a file and functions that have lived there
// for long. mm/sparse.c is a trap: it has no enum migratetype from 6.12 on.
constexpr std::array anchor_groups = {
    AnchorGroup{"mm/page_alloc.c",
                {"build_all_zonelists", "get_pfnblock_flags_mask", "setup_per_zone_wmarks", "__free_pages"}},
    AnchorGroup{"drivers/base/memory.c",
                {"memory_dev_init", "register_memory_notifier", "memory_notify", "walk_memory_blocks"}},
    AnchorGroup{"lib/xarray.c", {"xas_load", "xa_load", "xas_store", "xa_find"}},  // struct xa_node
    AnchorGroup{"drivers/base/bus.c",  // struct subsys_private, of drivers/base/base.h
                {"bus_register", "bus_add_device", "bus_find_device", "bus_for_each_dev"},
                {"subsys_private", "klist", "klist_node"}},
    AnchorGroup{"kernel/resource.c",
                {"walk_system_ram_range", "insert_resource", "request_resource", "allocate_resource"},
                {"resource"}},
    AnchorGroup{
        "mm/slub.c",
        {"__kmem_cache_shutdown", "__kmem_cache_empty", "validate_slab_cache", "__kmem_cache_release"},
        {"kmem_cache", "slab"}},
    AnchorGroup{"mm/memblock.c",
                {"memblock_add", "memblock_free_all", "memblock_phys_alloc_range", "memblock_reserve"},
                {"memblock", "memblock_type", "memblock_region", "memblock_flags"}},
    AnchorGroup{"arch/powerpc/mm/drmem.c",
                {"drmem_update_dt", "drmem_lmb_memory_max", "walk_drmem_lmbs", "of_get_drconf_memory_size"},
                {"drmem_lmb", "drmem_lmb_info"}},
    AnchorGroup{"arch/powerpc/kernel/fadump.c",
                {"is_fadump_memory_area", "should_fadump_crash", "is_fadump_active", "crash_fadump"},
                {"fw_dump"}},
    AnchorGroup{"mm/page_owner.c",
                {"__set_page_owner", "__reset_page_owner", "__split_page_owner", "__dump_page_owner"},
                {"page_owner", "page_ext_operations", "page_ext_flags", "stack_record", "handle_parts"}},
    AnchorGroup{"lib/stackdepot.c",  // both are its own before 6.9
                {"stack_depot_fetch", "stack_depot_save", "stack_depot_print", "stack_depot_init"},
                {"stack_record", "handle_parts"}},
};

/// "drivers/base/memory.c", "./drivers/base/memory.c", "/build/linux/drivers/base/memory.c"
bool is_file(std::string_view unit_name, std::string_view file) {
  if (!unit_name.ends_with(file)) return false;
  const std::string_view folder = unit_name.substr(0, unit_name.size() - file.size());
  return folder.empty() || folder.ends_with('/');
}

std::string definition_key(DefinitionKind kind, std::string_view name) {
  return fmt::format("{}{}", static_cast<int>(kind), name);
}

class DwarfTypes final : public TypeSource {
 public:
  DwarfTypes(std::unique_ptr<ElfSections> sections, AddressLookup symbols)
      : sections_(std::move(sections)), symbols_(std::move(symbols)) {}

  std::string_view origin() const override { return "dwarf"; }
  Result<StructLayout> find_struct(std::string_view name) const override {
    return ask<StructLayout>(DefinitionKind::tag, name,
                             [&](const DwarfUnit& unit) { return unit.find_struct(name); });
  }
  Result<std::int64_t> find_enumerator(std::string_view enum_name,
                                       std::string_view enumerator) const override {
    const bool anonymous = enum_name.empty();
    return ask<std::int64_t>(anonymous ? DefinitionKind::anonymous_enumerator : DefinitionKind::tag,
                             anonymous ? enumerator : enum_name, [&](const DwarfUnit& unit) {
                               return unit.find_enumerator(enum_name, enumerator);
                             });
  }
  Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const override {
    return ask<std::vector<Enumerator>>(DefinitionKind::tag, enum_name, [&](const DwarfUnit& unit) {
      return unit.enumerators_of(enum_name);
    });
  }
  bool has_enum(std::string_view name) const override {
    return ask<void>(DefinitionKind::tag, name, [&](const DwarfUnit& unit) { return unit.find_enum(name); })
        .has_value();
  }
  Result<unsigned> parameter_count(std::string_view function) const override {
    return ask<unsigned>(DefinitionKind::function, function,
                         [&](const DwarfUnit& unit) { return unit.parameter_count(function); });
  }

 private:
  /// Where the unit of a group is in .debug_info; without an offset the kernel has no such file.
  struct Place {
    bool known = false;
    std::optional<std::uint64_t> offset;
  };

  template <class Answer>
  Result<Answer> ask(DefinitionKind kind, std::string_view name,
                     const std::function<Result<Answer>(const DwarfUnit&)>& question) const;
  Result<const DwarfUnit*> unit_at(std::uint64_t offset) const;
  std::string unit_name(const UnitHeader& header) const;

  void locate(std::size_t group) const;
  bool locate_by_anchors(std::size_t group) const;
  bool any_anchor_is_a_symbol() const;
  void locate_by_names() const;
  Result<void> index_everything() const;

  std::unique_ptr<ElfSections> sections_;
  AddressLookup symbols_;
  // What was found out so far. Units are read late and by one thread, see open_dwarf.
  mutable std::array<Place, anchor_groups.size()> places_;
  mutable std::map<std::uint64_t, std::unique_ptr<DwarfUnit>> units_;
  mutable std::optional<std::unordered_map<std::string, std::uint64_t>> everything_;
  mutable std::unique_ptr<DwarfUnit> other_unit_;  ///< the last one found through everything_
  mutable std::uint64_t other_offset_ = 0;
};

template <class Answer>
Result<Answer> DwarfTypes::ask(DefinitionKind kind, std::string_view name,
                               const std::function<Result<Answer>(const DwarfUnit&)>& question) const {
  std::optional<Error> failure;
  bool found_units = false;
  for (std::size_t group = 0; group < anchor_groups.size(); ++group) {
    if (!anchor_groups[group].serves(name)) continue;
    locate(group);
    if (!places_[group].offset) continue;
    found_units = true;
    auto unit = unit_at(*places_[group].offset);
    if (!unit) {
      failure = std::move(unit).error();
      continue;
    }
    auto answer = question(**unit);
    if (answer) return answer;
    if (answer.error().code != Errc::no_type) failure = std::move(answer).error();
  }
  if (failure) return *std::move(failure);
  const Error absent{Errc::no_type, fmt::format("the debug information does not know {}", name), {}};
  if (found_units) return absent;

  if (auto indexed = index_everything(); !indexed) return std::move(indexed).error();
  const auto found = everything_->find(definition_key(kind, name));
  if (found == everything_->end()) return absent;
  if (!other_unit_ || other_offset_ != found->second) {
    auto header = read_unit_header(*sections_, found->second);
    if (!header) return std::move(header).error();
    auto unit = DwarfUnit::open(*sections_, *header);
    if (!unit) return std::move(unit).error();
    other_unit_ = std::move(*unit);
    other_offset_ = found->second;
  }
  return question(*other_unit_);
}

Result<const DwarfUnit*> DwarfTypes::unit_at(std::uint64_t offset) const {
  if (const auto known = units_.find(offset); known != units_.end()) return known->second.get();
  auto header = read_unit_header(*sections_, offset);
  if (!header) return std::move(header).error();
  auto unit = DwarfUnit::open(*sections_, *header);
  if (!unit) return std::move(unit).error();
  return units_.emplace(offset, std::move(*unit)).first->second.get();
}

/// DW_AT_name of the unit, empty when it cannot be read.
std::string DwarfTypes::unit_name(const UnitHeader& header) const {
  auto dies = UnitDies::open(*sections_, header, UnitDies::Extent::root_only);
  return dies ? std::string((*dies)->name((*dies)->root())) : std::string();
}

void DwarfTypes::locate(std::size_t group) const {
  if (places_[group].known) return;
  places_[group].known = true;
  if (locate_by_anchors(group)) return;
  const bool has_anchor =
      std::any_of(anchor_groups[group].functions.begin(), anchor_groups[group].functions.end(),
                  [this](std::string_view f) { return symbols_ && symbols_(f); });
  if (!has_anchor && any_anchor_is_a_symbol()) return;
  locate_by_names();
}

bool DwarfTypes::any_anchor_is_a_symbol() const {
  for (const AnchorGroup& group : anchor_groups) {
    for (const std::string_view function : group.functions) {
      if (symbols_ && symbols_(function)) return true;
    }
  }
  return false;
}

bool DwarfTypes::locate_by_anchors(std::size_t group) const {
  auto aranges = sections_->whole(".debug_aranges");
  if (!symbols_ || !aranges) return false;
  std::optional<std::uint64_t> other;
  for (const std::string_view function : anchor_groups[group].functions) {
    const auto address = symbols_(function);
    const auto offset = address ? find_in_aranges(*aranges, sections_->order(), *address) : std::nullopt;
    if (!offset || offset == other) continue;
    const auto header = read_unit_header(*sections_, *offset);
    if (!header) continue;
    if (is_file(unit_name(*header), anchor_groups[group].file)) {
      places_[group].offset = offset;
      return true;
    }
    if (!other) other = offset;
  }
  // The function has moved to a file of another name; what it works on is still described there.
  places_[group].offset = other;
  return other.has_value();
}

/// Fills in the places of all groups not found yet.
void DwarfTypes::locate_by_names() const {
  auto walked = walk_units(*sections_, [this](const UnitHeader& header) {
    const std::string name = unit_name(header);
    bool all_found = true;
    for (std::size_t i = 0; i < anchor_groups.size(); ++i) {
      if (!places_[i].offset && is_file(name, anchor_groups[i].file)) places_[i].offset = header.offset;
      all_found = all_found && places_[i].offset;
    }
    return !all_found;
  });
  // Damage further on does not take back what was found before it; that nothing was found shows in the
  // answers.
  static_cast<void>(walked);
  for (Place& place : places_) place.known = true;
}

Result<void> DwarfTypes::index_everything() const {
  if (everything_) return {};
  std::unordered_map<std::string, std::uint64_t> names;
  auto walked = walk_units(*sections_, [&](const UnitHeader& header) {
    // A unit that cannot be read is like one that is not there: the others count.
    auto unit = DwarfUnit::open(*sections_, header);
    if (!unit) return true;
    static_cast<void>((*unit)->for_each_definition([&](DefinitionKind kind, std::string_view name) {
      names.try_emplace(definition_key(kind, name), header.offset);
    }));
    return true;
  });
  if (!walked && names.empty()) return walked;
  everything_ = std::move(names);
  return {};
}

}  // namespace

Result<std::unique_ptr<TypeSource>> open_dwarf(std::shared_ptr<const File> file, AddressLookup symbols) {
  auto sections = ElfSections::open(std::move(file));
  if (!sections) return std::move(sections).error();
  if ((*sections)->is_relocatable()) {
    return Error{Errc::unsupported,
                 "is an object file that was not linked, its debug information has no addresses",
                 "name the vmlinux instead"};
  }
  if ((*sections)->size_of(".debug_info") == 0) {
    return Error{Errc::no_type, "has no debug information (.debug_info)",
                 "the vmlinux of the debug package has it"};
  }
  // A file that was cut off is told apart here from one that lacks a type.
  for (const ElfSection& section : (*sections)->all()) {
    if (section.size == 0 || !section.name.starts_with(".debug_")) continue;
    if (auto readable = (*sections)->read(section.name, 0, 0); !readable) return std::move(readable).error();
  }
  return std::unique_ptr<TypeSource>(std::make_unique<DwarfTypes>(std::move(*sections), std::move(symbols)));
}

}  // namespace memsect
