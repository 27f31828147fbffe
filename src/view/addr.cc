#include "view/addr.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <utility>

#include "base/text.h"
#include "view/cells.h"

namespace memsect {
namespace {

constexpr std::array<Column, 2> columns{{
    {"KEY", "what it is; keys of the struct page begin with page."},
    {"VALUE", "what is there"},
}};

using Row = std::pair<std::string, Value>;

Value object_value(const ObjectAt& object) {
  List sections, nodes;
  for (const SectionNr nr : object.of_sections) sections.emplace_back(nr.raw());
  for (const NodeId id : object.of_nodes) nodes.emplace_back(raw(id));
  return Object{{"kind", object.kind},
                {"address", Hex{object.address.raw()}},
                {"bytes", object.bytes},
                {"of_sections", std::move(sections)},
                {"of_nodes", std::move(nodes)}};
}

/// "usage of section 3 at 0xffff88800230a038, 56 bytes".
std::string object_text(const ObjectAt& object) {
  std::vector<std::uint64_t> sections;
  for (const SectionNr nr : object.of_sections) sections.push_back(nr.raw());
  std::string whom;
  if (!sections.empty())
    whom = fmt::format(" of section{} {}", sections.size() == 1 ? "" : "s", ranges(sections));
  for (const NodeId id : object.of_nodes) whom += fmt::format(" of node {}", raw(id));
  return fmt::format("{}{} at {}, {} bytes", object.kind, whom, hex(object.address.raw()), object.bytes);
}

std::string_view compound_name(Compound compound) {
  switch (compound) {
    case Compound::head:
      return "head";
    case Compound::tail:
      return "tail";
    case Compound::none:
      break;
  }
  return "none";
}

Value text_list(const std::vector<std::string>& texts) {
  List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

Value head_value(const PageDetails& page) {
  if (page.head) return page.head->raw();
  if (page.compound == Compound::tail)
    return Error{Errc::corrupt, "the head that the tail page names is no struct page before it", {}};
  return Error{Errc::not_applicable, "no tail page", {}};
}

/// The struct page, key by key; the names are those of JSON.
Object page_members(const PageDetails& page, bool stale) {
  return Object{
      {"address", Hex{page.address.raw()}},
      {"stale", stale},
      {"flags", Hex{page.flags}},
      {"flag_names", text_list(page.flag_names)},
      {"type", page.type_lost ? Value(*page.type_lost) : Value(page.type)},
      {"refcount", page.refcount},
      {"mapcount", value_or_absence(page.mapcount, [](std::int64_t count) { return Value(count); })},
      {"compound", compound_name(page.compound)},
      {"head", head_value(page)},
      {"order", value_or_absence(page.order, [](unsigned order) { return Value(order); })},
      {"slab_cache", value_or_absence(page.slab_cache, [](const std::string& name) { return Value(name); })},
      {"mapping", Hex{page.mapping}},
      {"private", Hex{page.private_word}}};
}

Value migratetype_value(const MemoryModel& model, const Result<Pageblock>& block) {
  return value_or_absence(block, [&](const Pageblock& state) {
    const bool named = state.migratetype < model.migratetypes.size();
    return named ? Value(model.migratetypes[state.migratetype]) : Value(int{state.migratetype});
  });
}

Value block_value(const MemoryModel& model, const AddressFacts& facts) {
  if (facts.section == nullptr) return facts.no_section;
  if (const MemoryBlock* block = model.block_of(facts.section->nr)) return block->id;
  if (!model.blocks) return model.blocks.error();
  return Error{Errc::not_applicable, "no memory block covers it", {}};
}

/// Everything but object and page, in the order of the contract.
Object place_members(const MemoryModel& model, const AddressFacts& facts) {
  const Section* const section = facts.section;
  const auto number = [](std::uint64_t n) { return Value(n); };
  return Object{
      {"phys", value_or_absence(facts.phys, [](PhysAddr at) { return Value(Hex{at.raw()}); })},
      {"virt", value_or_absence(facts.virt, [](VirtAddr at) { return Value(Hex{at.raw()}); })},
      {"pfn", value_or_absence(facts.pfn, [](Pfn pfn) { return Value(pfn.raw()); })},
      {"section", section != nullptr ? Value(section->nr.raw()) : Value(facts.no_section)},
      {"state", section != nullptr ? Value(state_letters(section->flags)) : Value(facts.no_section)},
      {"subsection", value_or_absence(facts.subsection, number)},
      {"pageblock", value_or_absence(facts.pageblock, number)},
      {"migratetype", migratetype_value(model, facts.pageblock_state)},
      {"node", value_or_absence(facts.node, [](NodeId id) { return Value(raw(id)); })},
      {"zone", value_or_absence(facts.zone, [](const std::string& zone) { return Value(zone); })},
      {"block", block_value(model, facts)}};
}

std::vector<Row> make_rows(const MemoryModel& model, const AddrAnswer& answer) {
  std::vector<Row> rows{{"target", answer.target}};
  for (auto& [key, value] : place_members(model, answer.facts)) rows.emplace_back(key, std::move(value));
  for (const ObjectAt& object : answer.objects) rows.emplace_back("object", object_text(object));
  if (answer.objects.empty()) rows.emplace_back("object", "");
  if (!answer.facts.page) {
    rows.emplace_back("page", answer.facts.page.error());
    return rows;
  }
  for (auto& [key, value] : page_members(*answer.facts.page, answer.facts.stale))
    rows.emplace_back(fmt::format("page.{}", key), std::move(value));
  const Result<PageOwner>& owner = answer.facts.owner;
  rows.emplace_back("page.owner", value_or_absence(owner, [](const PageOwner& one) {
                      return Value(page_owner_text(one));
                    }));
  if (!owner) return rows;
  if (!owner->stack) rows.emplace_back("page.owner.stack", owner->stack.error());
  for (const std::string& frame : owner->frames) rows.emplace_back("page.owner.stack", frame);
  return rows;
}

/// The range of memblock.reserved with the place in it; null: it is in none.
Value boot_reserved_value(const MemoryModel& model, const AddrAnswer& answer) {
  return value_or_absence(model.boot_reserved, [&](const std::vector<BootReservation>& ranges) {
    for (const BootReservation& one : ranges) {
      if (!answer.facts.phys || !one.range.contains(*answer.facts.phys)) continue;
      List flags;
      for (const std::string& flag : one.flags) flags.emplace_back(flag);
      return Value(Object{{"start", Hex{one.range.start.raw()}},
                          {"bytes", one.range.size},
                          {"node", one.node ? Value(raw(*one.node)) : Value()},
                          {"flags", std::move(flags)}});
    }
    return Value();
  });
}

}  // namespace

std::span<const Column> addr_columns() { return columns; }

Report make_addr_report(const MemoryModel& model, const AddrAnswer& answer) {
  Report report;
  report.command = "addr";
  Object data{{"target", Object{{"text", answer.target}, {"kind", answer.target_kind}}}};
  for (auto& member : place_members(model, answer.facts)) data.push_back(std::move(member));
  List objects;
  for (const ObjectAt& object : answer.objects) objects.push_back(object_value(object));
  data.emplace_back("object", objects.empty() ? Value() : objects.front());
  data.emplace_back("objects", std::move(objects));
  data.emplace_back("boot_reserved", boot_reserved_value(model, answer));
  data.emplace_back("page", value_or_absence(answer.facts.page, [&](const PageDetails& page) {
                      Object members = page_members(page, answer.facts.stale);
                      members.emplace_back("owner", value_or_absence(answer.facts.owner, page_owner_value));
                      return Value(std::move(members));
                    }));
  report.data = std::move(data);
  auto rows = std::make_shared<const std::vector<Row>>(make_rows(model, answer));
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = rows->size();
  table.row = [rows](std::uint64_t row) {
    return std::vector<Value>{(*rows)[row].first, (*rows)[row].second};
  };
  report.tables.push_back(std::move(table));
  // The table has signs only: say the reason that most of them share.
  const AddressFacts& facts = answer.facts;
  if (facts.section == nullptr) {
    report.paragraphs.push_back(fmt::format("Nothing is there: {}.", facts.no_section.message));
  } else if (!facts.page) {
    report.paragraphs.push_back(fmt::format("No struct page: {}.", facts.page.error().message));
  } else if (facts.stale) {
    report.paragraphs.emplace_back(
        "The page is not online: what its struct page says is old, or was never written.");
  }
  return report;
}

}  // namespace memsect
