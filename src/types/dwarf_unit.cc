// One walk over the 15,000 to 25,000 top-level entries of a unit keeps the names of
//
//   struct, union, enum    with a body: what has DW_AT_declaration is defined elsewhere
//   functions              the abstract instance of an inlined function and an ordinary definition alike; of several
//                          entries of one name a definition wins over a declaration, and the first over the others
//   enums without a name   by place; their enumerators are read when the first of them is asked for
#include "types/dwarf_unit.h"

#include <fmt/format.h>

#include "types/dwarf_struct.h"

namespace memsect {
namespace {

Error no_type(std::string_view kind, std::string_view name) {
  return {Errc::no_type, fmt::format("the debug information has no {} {}", kind, name), {}};
}

}  // namespace

Result<std::unique_ptr<DwarfUnit>> DwarfUnit::open(ElfSections& sections, const UnitHeader& header) {
  auto dies = UnitDies::open(sections, header, UnitDies::Extent::whole);
  if (!dies) return std::move(dies).error();
  std::unique_ptr<DwarfUnit> unit(new DwarfUnit(std::move(*dies), sections.order(), sections.address_size()));
  if (auto indexed = unit->index_names(); !indexed) return std::move(indexed).error();
  return unit;
}

Result<void> DwarfUnit::index_names() {
  return dies_->for_each_child(dies_->root(), [this](const Die& die) {
    index_entry(die);
    return true;
  });
}

void DwarfUnit::index_entry(const Die& die) {
  const DwarfTag tag = dies_->tag(die);
  const bool is_enum = tag == DwarfTag::enumeration_type;
  const bool is_type = is_enum || tag == DwarfTag::structure_type || tag == DwarfTag::union_type;
  if (!is_type && tag != DwarfTag::subprogram) return;
  const std::string_view name = dies_->name(die);
  if (name.empty() && !is_enum) return;
  const bool is_definition = !dies_->has(die, DwarfAttribute::declaration);
  if (tag == DwarfTag::subprogram) {
    const auto [known, inserted] = functions_.try_emplace(name, Function{dies_->offset(die), is_definition});
    if (!inserted && is_definition && !known->second.is_definition)
      known->second = {dies_->offset(die), true};
  } else if (name.empty()) {
    anonymous_enums_.push_back(dies_->offset(die));
  } else if (is_definition) {
    tags_.try_emplace(name, dies_->offset(die));
  }
}

Result<Die> DwarfUnit::tagged(std::string_view name) const {
  const auto found = tags_.find(name);
  if (found == tags_.end()) return Die();
  return dies_->at(found->second);
}

Result<StructLayout> DwarfUnit::find_struct(std::string_view name) const {
  auto die = tagged(name);
  if (!die) return std::move(die).error();
  if (!*die || dies_->tag(*die) == DwarfTag::enumeration_type) return no_type("struct", name);
  auto layout = read_struct_layout(*dies_, *die, address_size_, order_);
  if (!layout) return std::move(layout).error().within(fmt::format("struct {}", name));
  layout->name = name;
  layout->origin = "dwarf";
  return layout;
}

Result<void> DwarfUnit::find_enum(std::string_view name) const {
  auto die = tagged(name);
  if (!die) return std::move(die).error();
  if (!*die || dies_->tag(*die) != DwarfTag::enumeration_type) return no_type("enum", name);
  return {};
}

Result<void> DwarfUnit::for_each_enumerator(
    const Die& enumeration, const std::function<bool(std::string_view, std::int64_t)>& visit) const {
  return dies_->for_each_child(enumeration, [&](const Die& child) {
    if (dies_->tag(child) != DwarfTag::enumerator) return true;
    const auto value = dies_->number(child, DwarfAttribute::const_value);
    return !value || visit(dies_->name(child), *value);
  });
}

Result<std::int64_t> DwarfUnit::find_enumerator(std::string_view enum_name,
                                                std::string_view enumerator) const {
  if (enum_name.empty()) {
    if (auto indexed = index_anonymous_enums(); !indexed) return std::move(indexed).error();
    const auto found = anonymous_enumerators_->find(enumerator);
    if (found == anonymous_enumerators_->end()) return no_type("enumerator", enumerator);
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
  if (!found) return no_type("enumerator", fmt::format("{}.{}", enum_name, enumerator));
  return *found;
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
  for (const std::uint64_t offset : anonymous_enums_) {
    auto die = dies_->at(offset);
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
  if (found == functions_.end()) return no_type("function", function);
  auto die = dies_->at(found->second.offset);
  if (!die) return std::move(die).error();
  unsigned count = 0;
  auto walked = dies_->for_each_child(*die, [&](const Die& child) {
    if (dies_->tag(child) == DwarfTag::formal_parameter) ++count;
    return true;
  });
  if (!walked) return std::move(walked).error();
  // A declaration without parameters may as well be one that did not bother to list them.
  if (count == 0 && !found->second.is_definition) return no_type("definition of function", function);
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
