// One walk over the 15,000 to 25,000 top-level entries of a unit keeps the names of
//
//   struct, union, enum    with a body: what has DW_AT_declaration is defined elsewhere
//   functions              the abstract instance of an inlined function and an ordinary definition alike; of several
//                          entries of one name a definition wins over a declaration, and the first over the others
//   enums without a name   by place; their enumerators are read when the first of them is asked for
//   imported units         DW_TAG_imported_unit: their entries count as if they stood here. dwz moves what several units
//                          have in common to partial units, hundreds of them for one source file, which import each other;
//                          gcc's link-time optimisation leaves the types in the units of the first compilation
#include "types/dwarf_unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "types/dwarf_struct.h"

namespace memsect {
namespace {

constexpr std::size_t most_imports = 100'000;
constexpr std::int64_t language_rust = 0x1c;  // DW_LANG_Rust

}  // namespace

/// That the unit has no such thing; or why that cannot be said.
Error DwarfUnit::absent(std::string_view kind, std::string_view name) const {
  if (import_failure_) return *import_failure_;
  return {Errc::no_type, fmt::format("the debug information has no {} {}", kind, name), {}};
}

Result<std::unique_ptr<DwarfUnit>> DwarfUnit::open(DwarfFile& file, std::uint64_t offset) {
  auto dies = file.unit_at(offset);
  if (!dies) return std::move(dies).error();
  if ((*dies)->root().number(DwarfAttribute::language) == language_rust)
    return Error{Errc::no_type, fmt::format("the unit at {:#x} is of Rust", offset), {}};
  const ElfSections& sections = file.sections();
  std::unique_ptr<DwarfUnit> unit(new DwarfUnit(sections.order(), sections.address_size()));
  if (auto indexed = unit->index_names(**dies); !indexed) return std::move(indexed).error();
  return unit;
}

Result<void> DwarfUnit::index_names(const UnitDies& unit) {
  const auto visit = [this](const Die& die) {
    index_entry(die);
    return true;
  };
  if (auto walked = unit.root().for_each_child(visit); !walked) return walked;
  std::set<std::pair<const UnitDies*, std::uint64_t>> seen{{&unit, unit.root().offset()}};
  while (!imports_.empty()) {
    const Die import = std::move(imports_.back());
    imports_.pop_back();
    if (!seen.insert({&import.unit(), import.offset()}).second) continue;
    if (seen.size() > most_imports)
      return Error{Errc::corrupt, "the debug information imports more units than any kernel has", {}};
    auto walked = import.for_each_child(visit);
    if (!walked && !import_failure_) import_failure_ = std::move(walked).error();
  }
  imports_.shrink_to_fit();
  is_self_contained_ = !import_failure_ && (seen.size() > 1 || !unit.abbrev_traits().has_unit_references);
  return {};
}

void DwarfUnit::index_entry(const Die& die) {
  const DwarfTag tag = die.tag();
  if (tag == DwarfTag::imported_unit) {
    auto imported = die.follow(DwarfAttribute::import);
    if (imported && *imported) imports_.push_back(std::move(*imported));
    if (!imported && !import_failure_) import_failure_ = std::move(imported).error();
    return;
  }
  const bool is_enum = tag == DwarfTag::enumeration_type;
  const bool is_type = is_enum || tag == DwarfTag::structure_type || tag == DwarfTag::union_type;
  if (!is_type && tag != DwarfTag::subprogram) return;
  const std::string_view name = die.name();
  if (name.empty() && !is_enum) return;
  const bool is_definition = !die.has(DwarfAttribute::declaration);
  const Place place{&die.unit(), die.offset()};
  if (tag == DwarfTag::subprogram) {
    const auto [known, inserted] = functions_.try_emplace(name, Function{place, is_definition});
    if (!inserted && is_definition && !known->second.is_definition) known->second = {place, true};
  } else if (name.empty()) {
    anonymous_enums_.push_back(place);
  } else if (is_definition) {
    tags_.try_emplace(name, place);
  }
}

Result<Die> DwarfUnit::tagged(std::string_view name) const {
  const auto found = tags_.find(name);
  if (found == tags_.end()) return Die();
  return found->second.unit->at(found->second.offset);
}

Result<StructLayout> DwarfUnit::find_struct(std::string_view name) const {
  auto die = tagged(name);
  if (!die) return std::move(die).error();
  if (!*die || die->tag() == DwarfTag::enumeration_type) return absent("struct", name);
  auto layout = read_struct_layout(*die, address_size_, order_);
  if (!layout) return std::move(layout).error().within(fmt::format("struct {}", name));
  layout->name = name;
  layout->origin = "dwarf";
  return layout;
}

Result<void> DwarfUnit::find_enum(std::string_view name) const {
  auto die = tagged(name);
  if (!die) return std::move(die).error();
  if (!*die || die->tag() != DwarfTag::enumeration_type) return absent("enum", name);
  return {};
}

Result<void> DwarfUnit::for_each_enumerator(
    const Die& enumeration, const std::function<bool(std::string_view, std::int64_t)>& visit) const {
  return enumeration.for_each_child([&](const Die& child) {
    if (child.tag() != DwarfTag::enumerator) return true;
    const auto value = child.number(DwarfAttribute::const_value);
    return !value || visit(child.name(), *value);
  });
}

Result<std::int64_t> DwarfUnit::find_enumerator(std::string_view enum_name,
                                                std::string_view enumerator) const {
  if (enum_name.empty()) {
    if (auto indexed = index_anonymous_enums(); !indexed) return std::move(indexed).error();
    const auto found = anonymous_enumerators_->find(enumerator);
    if (found == anonymous_enumerators_->end()) return absent("enumerator", enumerator);
    return found->second;
  }
  if (auto there = find_enum(enum_name); !there) return std::move(there).error();
  auto die = tagged(enum_name);
  if (!die) return std::move(die).error();
  std::optional<std::int64_t> found;
  auto walked = for_each_enumerator(*die, [&](std::string_view name, std::int64_t value) {
    if (name == enumerator) found = value;
    return !found;
  });
  if (!walked) return std::move(walked).error();
  if (found) return *found;
  return Error{Errc::no_type, fmt::format("enum {} has no enumerator {}", enum_name, enumerator), {}};
}

Result<std::vector<Enumerator>> DwarfUnit::enumerators_of(std::string_view enum_name) const {
  if (auto there = find_enum(enum_name); !there) return std::move(there).error();
  auto die = tagged(enum_name);
  if (!die) return std::move(die).error();
  std::vector<Enumerator> all;
  auto walked = for_each_enumerator(*die, [&](std::string_view name, std::int64_t value) {
    all.push_back({std::string(name), value});
    return true;
  });
  if (!walked) return std::move(walked).error();
  return all;
}

Result<void> DwarfUnit::index_anonymous_enums() const {
  if (anonymous_enumerators_) return {};
  std::unordered_map<std::string_view, std::int64_t> enumerators;
  for (const auto& [unit, offset] : anonymous_enums_) {
    auto die = unit->at(offset);
    if (!die) return std::move(die).error();
    auto walked = for_each_enumerator(*die, [&](std::string_view name, std::int64_t value) {
      enumerators.try_emplace(name, value);
      return true;
    });
    if (!walked) return walked;
  }
  anonymous_enumerators_ = std::move(enumerators);
  return {};
}

Result<unsigned> DwarfUnit::parameter_count(std::string_view function) const {
  const auto found = functions_.find(function);
  if (found == functions_.end()) return absent("function", function);
  auto die = found->second.place.unit->at(found->second.place.offset);
  if (!die) return std::move(die).error();
  unsigned count = 0;
  auto walked = die->for_each_child([&](const Die& child) {
    if (child.tag() == DwarfTag::formal_parameter) ++count;
    return true;
  });
  if (!walked) return std::move(walked).error();
  // A declaration without parameters may as well be one that did not bother to list them.
  if (count == 0 && !found->second.is_definition) return absent("definition of function", function);
  return count;
}

Result<void> DwarfUnit::for_each_definition(
    const std::function<void(DefinitionKind, std::string_view)>& visit) const {
  for (const auto& [name, offset] : tags_) visit(DefinitionKind::tag, name);
  for (const auto& [name, function] : functions_) {
    if (function.is_definition) visit(DefinitionKind::function, name);
  }
  if (auto indexed = index_anonymous_enums(); !indexed) return indexed;
  for (const auto& [name, value] : *anonymous_enumerators_) visit(DefinitionKind::anonymous_enumerator, name);
  return {};
}

}  // namespace memsect
