#include "compare/compared_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"

namespace memsect {
namespace {

/// Adds the member as a fact, where the row has it.
void add(Facts& facts, Fact::Kind kind, std::string_view what, const Value& row, std::string_view path) {
  if (const Value* value = member_at(row, path)) facts.push_back({kind, std::string(what), *value});
}

std::optional<Subject> start(const Value& row, std::string_view key, std::string_view subject) {
  const Value* value = member(row, key);
  const auto number = value == nullptr ? std::nullopt : number_in(*value);
  if (!number) return std::nullopt;
  return Subject{subject, *number, {}};
}

/// Pageblocks by type, without the types that none has.
Value types_there(const Value& counts) {
  const auto* object = std::get_if<Object>(&counts.variant());
  if (object == nullptr) return counts;
  Object some;
  for (const auto& [name, count] : *object) {
    if (number_in(count) != std::uint64_t{0}) some.emplace_back(name, count);
  }
  return some;
}

std::optional<Subject> read_section(const Value& row) {
  auto section = start(row, "section", "section");
  if (!section) return section;
  Facts& facts = section->facts;
  add(facts, Fact::Kind::state, "state", row, "state");
  add(facts, Fact::Kind::state, "node", row, "node");
  add(facts, Fact::Kind::state, "zones", row, "zones");
  add(facts, Fact::Kind::state, "subsections", row, "subsections.map");
  add(facts, Fact::Kind::place, "usage", row, "usage.phys");
  add(facts, Fact::Kind::place, "memmap", row, "memmap.backing");
  if (const Value* counts = member_at(row, "pageblocks.migratetypes"))
    facts.push_back({Fact::Kind::state, "migratetypes", types_there(*counts)});
  return section;
}

std::optional<Subject> read_block(const Value& row) {
  auto block = start(row, "block", "block");
  if (!block) return block;
  Facts& facts = block->facts;
  for (const std::string_view key : {"state", "online_type", "node", "zone", "zones", "sections"})
    add(facts, Fact::Kind::state, key, row, key);
  add(facts, Fact::Kind::amount, "altmap_pages", row, "altmap_pages");
  return block;
}

std::optional<Subject> read_node(const Value& row) {
  auto node = start(row, "node", "node");
  if (!node) return node;
  Facts& facts = node->facts;
  add(facts, Fact::Kind::place, "pgdat", row, "phys");
  add(facts, Fact::Kind::state, "online", row, "online");
  add(facts, Fact::Kind::state, "has_memory", row, "has_memory");
  add(facts, Fact::Kind::amount, "spanned_pages", row, "spanned_pages");
  add(facts, Fact::Kind::amount, "present_pages", row, "present_pages");
  const Value* zones = member(row, "zones");
  const auto* list = zones == nullptr ? nullptr : std::get_if<List>(&zones->variant());
  if (list == nullptr) return node;
  for (const Value& zone : *list) {
    const Value* name = member(zone, "name");
    const auto* text = name == nullptr ? nullptr : std::get_if<std::string>(&name->variant());
    if (text != nullptr)
      add(facts, Fact::Kind::amount, fmt::format("present_pages of zone {}", *text), zone, "present_pages");
  }
  return node;
}

/// Codes of reasons, each once; the text of the first of them.
void add_reasons(Facts& facts, const Value& row) {
  const Value* reasons = member(row, "reasons");
  const auto* list = reasons == nullptr ? nullptr : std::get_if<List>(&reasons->variant());
  if (list == nullptr) return;
  std::map<std::string, Value> by_code;
  for (const Value& reason : *list) {
    const Value* code = member(reason, "code");
    const Value* text = member(reason, "text");
    const auto* name = code == nullptr ? nullptr : std::get_if<std::string>(&code->variant());
    if (name != nullptr) by_code.emplace(*name, text == nullptr ? Value() : *text);
  }
  for (auto& [code, text] : by_code) facts.push_back({Fact::Kind::mark, "reason " + code, std::move(text)});
}

std::optional<Subject> read_verdict(const Value& row) {
  auto unit = start(row, "block", "block");
  if (!unit) unit = start(row, "section", "section");
  if (!unit) return unit;
  add(unit->facts, Fact::Kind::state, "verdict", row, "verdict");
  add(unit->facts, Fact::Kind::state, "remove", row, "remove.verdict");
  add_reasons(unit->facts, row);
  return unit;
}

constexpr std::array<ComparedCommand, 4> all{{{"sections", read_section, true},
                                              {"blocks", read_block, true},
                                              {"nodes", read_node, true},
                                              {"removable", read_verdict, false}}};

const List* list_in(const Value& data, std::string_view key) {
  const Value* value = member(data, key);
  return value == nullptr ? nullptr : std::get_if<List>(&value->variant());
}

/// Bytes of each kind that a holder holds. False for what is of another form.
bool add_holdings(const Value& holder, Facts& facts) {
  const List* holds = list_in(holder, "holds");
  if (holds == nullptr) return false;
  std::map<std::string, std::uint64_t> bytes_of;
  for (const Value& object : *holds) {
    const Value* kind = member(object, "kind");
    const Value* bytes = member(object, "bytes");
    const auto* name = kind == nullptr ? nullptr : std::get_if<std::string>(&kind->variant());
    const auto number = bytes == nullptr ? std::nullopt : number_in(*bytes);
    if (name == nullptr || !number) return false;
    bytes_of[*name] += *number;
  }
  for (const auto& [kind, bytes] : bytes_of)
    facts.push_back({Fact::Kind::amount, "holds " + kind, Size{bytes}});
  return true;
}

}  // namespace

const Value* member(const Value& value, std::string_view key) {
  const auto* object = std::get_if<Object>(&value.variant());
  if (object == nullptr) return nullptr;
  const auto at = std::find_if(object->begin(), object->end(),
                               [key](const auto& candidate) { return candidate.first == key; });
  return at == object->end() ? nullptr : &at->second;
}

const Value* member_at(const Value& value, std::string_view path) {
  const Value* at = &value;
  while (at != nullptr && !path.empty() && !std::holds_alternative<Absent>(at->variant())) {
    const std::string_view key = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), key.size() + 1));
    at = member(*at, key);
  }
  return at;
}

std::optional<std::uint64_t> number_in(const Value& value) {
  if (const auto* number = std::get_if<std::uint64_t>(&value.variant())) return *number;
  if (const auto* size = std::get_if<Size>(&value.variant())) return size->bytes;
  const auto* number = std::get_if<std::int64_t>(&value.variant());
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

const ComparedCommand* find_compared_command(std::string_view command) {
  const auto at = std::find_if(all.begin(), all.end(),
                               [command](const ComparedCommand& one) { return one.command == command; });
  return at == all.end() ? nullptr : &*at;
}

std::optional<std::vector<Subject>> read_dependencies(const Value& data) {
  const List* holders = list_in(data, "holders");
  const List* never = list_in(data, "never");
  if (holders == nullptr || never == nullptr) return std::nullopt;
  std::map<std::uint64_t, Subject> sections;
  for (const Value& holder : *holders) {
    auto section = start(holder, "section", "section");
    if (!section || !add_holdings(holder, section->facts)) return std::nullopt;
    const std::uint64_t number = section->number;
    if (!sections.emplace(number, std::move(*section)).second) return std::nullopt;
  }
  for (const Value& one : *never) {
    auto section = start(one, "section", "section");
    const Value* because = member(one, "because");
    if (!section || because == nullptr) return std::nullopt;
    Subject& known = sections.emplace(section->number, *section).first->second;
    known.facts.push_back({Fact::Kind::mark, "never removable", *because});
  }
  std::vector<Subject> all_sections;
  all_sections.reserve(sections.size());
  for (auto& [number, section] : sections) all_sections.push_back(std::move(section));
  return all_sections;
}

}  // namespace memsect
