// Which units of a vmlinux to look into. It has 3,000 and more of them, 100 to 200 MB of .debug_info, and
// each names all the types its source file saw: one unit of the memory management knows nearly all that is
// ever asked for.
//
//   1. An anchor, a function of the wanted source file --(symbol table)--> address --(.debug_aranges)--> unit.
//      A group of anchors stands for a source file, several functions for the case that one is renamed or moved.
//   2. A file none of whose anchors is a symbol, where anchors of other files are, is not built into this kernel, or was
//      cut out of this image: its unit is not searched for by name.
//   3. Where that leads nowhere (no symbols, no .debug_aranges: clang does not write it), the names of all units
//      are read, once: about 0.1 ms a unit.
//   4. A type that those units do not have is looked for in all units (dwarf_names.h), once: about a second. Old kernels
//      lack types, and being asked for them is everyday business that must not cost that. So first others are asked
//      (BTF knows all types); a group that is the home of a type settles that there is none; and a name that is not in
//      .debug_str is in no unit.
#include "types/dwarf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "types/dwarf_names.h"
#include "types/dwarf_unit.h"
#include "types/settling.h"
#include "types/type_chain.h"

namespace memsect {
namespace {

struct AnchorGroup {
  std::string_view file;
  std::array<std::string_view, 4> functions;
  /// The types that are looked for there; empty: any. Opening a file's unit takes milliseconds.
  std::array<std::string_view, 6> types = {};
  /// Other types, and functions, that are this file's own, or used all over in it: the kernel has none that its unit lacks.
  std::array<std::string_view, 8> home_of = {};

  bool serves(std::string_view type) const { return types.front().empty() || is_listed(types, type); }
  bool is_home_of(std::string_view type) const { return is_listed(types, type) || is_listed(home_of, type); }

  template <class List>
  static bool is_listed(const List& list, std::string_view type) {
    return !type.empty() && std::find(list.begin(), list.end(), type) != list.end();
  }
};

// In the order they are looked into. To have more types found, add a file and functions that have lived there
// for long. mm/sparse.c is a trap: it has no enum migratetype from 6.12 on.
constexpr std::array anchor_groups = {
    AnchorGroup{"mm/page_alloc.c",
                {"build_all_zonelists", "get_pfnblock_flags_mask", "setup_per_zone_wmarks", "__free_pages"},
                {},
                {"page", "folio", "zone", "pglist_data", "mem_section", "mem_section_usage",
                 "compound_dtor_id", "get_pfnblock_flags_mask"}},
    AnchorGroup{"drivers/base/memory.c",
                {"memory_dev_init", "register_memory_notifier", "memory_notify", "walk_memory_blocks"},
                {},
                {"memory_block", "memory_block_state", "memory_group", "mmop"}},
    AnchorGroup{"lib/xarray.c", {"xas_load", "xa_load", "xas_store", "xa_find"}},  // struct xa_node
    AnchorGroup{"drivers/base/bus.c",  // struct subsys_private, of drivers/base/base.h
                {"bus_register", "bus_add_device", "bus_find_device", "bus_for_each_dev"},
                {"subsys_private", "device_private", "klist", "klist_node"}},
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

/// What both steps share. Units are read late and by one thread, see open_dwarf.
class DwarfUnits {
 public:
  DwarfUnits(std::unique_ptr<ElfSections> sections, AddressLookup symbols)
      : file_(std::move(sections)), names_(file_), symbols_(std::move(symbols)) {}

  /// Opens what cannot be opened later.
  void open_other_files();
  template <class Answer>
  Result<Answer> ask_nearby(std::string_view name,
                            const std::function<Result<Answer>(const DwarfUnit&)>& question);
  template <class Answer>
  Result<Answer> ask_everywhere(DefinitionKind kind, std::string_view name,
                                const std::function<Result<Answer>(const DwarfUnit&)>& question);
  bool settles(std::string_view name);

 private:
  /// Where the unit of a group is in .debug_info; without an offset none was found.
  struct Place {
    bool known = false;
    bool is_exact = false;  ///< it is of that very file
    std::optional<std::uint64_t> offset;
  };

  Result<const DwarfUnit*> unit_at(std::uint64_t offset);
  Result<const DwarfUnit*> shared_unit_with(DefinitionKind kind, std::string_view name);
  std::string unit_name(const UnitHeader& header);
  Result<UnitHeader> header_at(std::uint64_t offset) {
    return read_unit_header(file_.sections(), ".debug_info", offset);
  }
  void locate(std::size_t group);
  bool locate_by_anchors(std::size_t group);
  bool any_anchor_is_a_symbol() const;
  void locate_by_names();

  DwarfFile file_;
  DwarfNames names_;
  AddressLookup symbols_;
  std::array<Place, anchor_groups.size()> places_;
  std::map<std::uint64_t, Result<std::unique_ptr<DwarfUnit>>> units_;
  std::optional<DwarfNames> shared_names_;
  std::map<std::uint64_t, Result<std::unique_ptr<DwarfUnit>>> shared_units_;
};

/// One of the two steps.
class DwarfTypes final : public SettlingTypes {
 public:
  enum class Step { nearby, everywhere };
  DwarfTypes(std::shared_ptr<DwarfUnits> units, Step step) : units_(std::move(units)), step_(step) {}

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

  bool settles(std::string_view name) const override {
    return step_ == Step::everywhere || units_->settles(name);
  }
  bool settles_function(std::string_view name) const override { return settles(name); }

 private:
  template <class Answer>
  Result<Answer> ask(DefinitionKind kind, std::string_view name,
                     const std::function<Result<Answer>(const DwarfUnit&)>& question) const {
    return step_ == Step::nearby ? units_->ask_nearby<Answer>(name, question)
                                 : units_->ask_everywhere<Answer>(kind, name, question);
  }

  std::shared_ptr<DwarfUnits> units_;
  Step step_;
};

Error not_known(std::string_view name) {
  return {Errc::no_type, fmt::format("the debug information does not know {}", name), {}};
}

template <class Answer>
Result<Answer> DwarfUnits::ask_nearby(std::string_view name,
                                      const std::function<Result<Answer>(const DwarfUnit&)>& question) {
  std::optional<Error> failure;
  for (std::size_t group = 0; group < anchor_groups.size(); ++group) {
    if (!anchor_groups[group].serves(name)) continue;
    locate(group);
    if (!places_[group].offset) continue;
    auto unit = unit_at(*places_[group].offset);
    auto answer = unit ? question(**unit) : Result<Answer>(std::move(unit).error());
    if (answer) return answer;
    if (answer.error().code != Errc::no_type && !failure) failure = std::move(answer).error();
  }
  if (failure) return *std::move(failure);
  return not_known(name);
}

template <class Answer>
Result<Answer> DwarfUnits::ask_everywhere(DefinitionKind kind, std::string_view name,
                                          const std::function<Result<Answer>(const DwarfUnit&)>& question) {
  if (name.empty()) return not_known(name);
  auto possible = file_.may_have_name(name);
  if (!possible) return std::move(possible).error();
  if (!*possible) return not_known(name);
  auto offset = names_.find(kind, name);
  if (!offset) return std::move(offset).error();
  auto unit = *offset ? unit_at(**offset) : shared_unit_with(kind, name);
  if (!unit) return std::move(unit).error();
  if (*unit == nullptr) return not_known(name);
  return question(**unit);
}

/// A unit of the file to which dwz moved what several files share; null when that has none of the name, or there is no such
/// file.
Result<const DwarfUnit*> DwarfUnits::shared_unit_with(DefinitionKind kind, std::string_view name) {
  if (!file_.names_alternate()) return nullptr;
  auto file = file_.alternate();
  if (!file) return std::move(file).error();
  if (!shared_names_) shared_names_.emplace(**file);
  auto offset = shared_names_->find(kind, name);
  if (!offset) return std::move(offset).error();
  if (!*offset) return nullptr;
  auto known = shared_units_.find(**offset);
  if (known == shared_units_.end())
    known = shared_units_.emplace(**offset, DwarfUnit::open(**file, **offset)).first;
  if (!known->second) return known->second.error();
  return known->second->get();
}

/// Whether all that could know a type of that name was read and is whole.
bool DwarfUnits::settles(std::string_view name) {
  bool settled = false;
  for (std::size_t group = 0; group < anchor_groups.size(); ++group) {
    if (!anchor_groups[group].is_home_of(name)) continue;
    locate(group);
    // A file that is not there says nothing: the image may be cut down to a few units, or optimised when it was linked.
    if (!places_[group].is_exact || !places_[group].offset) return false;
    const auto unit = unit_at(*places_[group].offset);
    if (!unit || !(*unit)->is_self_contained()) return false;
    settled = true;
  }
  return settled;
}

/// Units are opened once, those that cannot be read as well.
Result<const DwarfUnit*> DwarfUnits::unit_at(std::uint64_t offset) {
  auto known = units_.find(offset);
  if (known == units_.end()) known = units_.emplace(offset, DwarfUnit::open(file_, offset)).first;
  if (!known->second) return known->second.error();
  return known->second->get();
}

void DwarfUnits::open_other_files() {
  file_.open_other_files();
  locate(0);
  if (!places_[0].offset || !file_.is_skeleton_at(*places_[0].offset)) return;
  for (std::size_t group = 0; group < anchor_groups.size(); ++group) {
    locate(group);
    if (places_[group].offset) file_.open_dwo_of(*places_[group].offset);
  }
}

/// DW_AT_name of the unit, empty when it cannot be read.
std::string DwarfUnits::unit_name(const UnitHeader& header) {
  auto dies = UnitDies::open(file_, header, UnitDies::Extent::root_only);
  return dies ? std::string((*dies)->root().name()) : std::string();
}

void DwarfUnits::locate(std::size_t group) {
  if (places_[group].known) return;
  places_[group].known = true;
  if (locate_by_anchors(group)) return;
  const bool has_anchor =
      std::any_of(anchor_groups[group].functions.begin(), anchor_groups[group].functions.end(),
                  [this](std::string_view f) { return symbols_ && symbols_(f); });
  if (has_anchor || !any_anchor_is_a_symbol()) locate_by_names();
}

bool DwarfUnits::any_anchor_is_a_symbol() const {
  for (const AnchorGroup& group : anchor_groups) {
    for (const std::string_view function : group.functions) {
      if (symbols_ && symbols_(function)) return true;
    }
  }
  return false;
}

bool DwarfUnits::locate_by_anchors(std::size_t group) {
  auto aranges = file_.sections().whole(".debug_aranges");
  if (!symbols_ || !aranges) return false;
  std::optional<std::uint64_t> other;
  for (const std::string_view function : anchor_groups[group].functions) {
    const auto address = symbols_(function);
    const auto offset =
        address ? find_in_aranges(*aranges, file_.sections().order(), *address) : std::nullopt;
    if (!offset || offset == other) continue;
    const auto header = header_at(*offset);
    if (!header) continue;
    if (is_file(unit_name(*header), anchor_groups[group].file)) {
      places_[group].offset = offset;
      places_[group].is_exact = true;
      return true;
    }
    if (!other) other = offset;
  }
  // The function has moved to a file of another name; what it works on is still described there.
  places_[group].offset = other;
  return other.has_value();
}

/// Fills in the places of all groups not found yet.
void DwarfUnits::locate_by_names() {
  auto walked = walk_units(file_.sections(), ".debug_info", [this](const UnitHeader& header) {
    const std::string name = unit_name(header);
    bool all_found = true;
    for (std::size_t i = 0; i < anchor_groups.size(); ++i) {
      if (!places_[i].offset && is_file(name, anchor_groups[i].file)) {
        places_[i].offset = header.offset;
        places_[i].is_exact = true;
      }
      all_found = all_found && places_[i].offset;
    }
    return !all_found;
  });
  // Damage further on does not take back what was found before it; that nothing was found shows in the
  // answers.
  static_cast<void>(walked);
  for (Place& place : places_) place.known = true;
}

}  // namespace

Result<DwarfSources> open_dwarf_sources(std::shared_ptr<const File> file, AddressLookup symbols) {
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
  auto units = std::make_shared<DwarfUnits>(std::move(*sections), std::move(symbols));
  units->open_other_files();
  return DwarfSources{std::make_unique<DwarfTypes>(units, DwarfTypes::Step::nearby),
                      std::make_unique<DwarfTypes>(units, DwarfTypes::Step::everywhere)};
}

Result<std::unique_ptr<TypeSource>> open_dwarf(std::shared_ptr<const File> file, AddressLookup symbols) {
  auto sources = open_dwarf_sources(std::move(file), std::move(symbols));
  if (!sources) return std::move(sources).error();
  std::vector<OpenTypes> others;
  others.push_back(opens(std::move(sources->everywhere)));
  return make_type_chain(std::move(sources->nearby), std::move(others));
}

}  // namespace memsect
