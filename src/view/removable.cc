#include "view/removable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "view/cells.h"

namespace memsect {
namespace {

constexpr std::array<Column, 14> columns{{
    {"BLOCK", "N of /sys/devices/system/memory/memoryN", Align::right},
    {"RANGE", "physical addresses, inclusive"},
    {"SIZE", "bytes", Align::right},
    {"STATE", "online, offline, going_offline, ..."},
    {"NODE", "NUMA node", Align::right},
    {"VERDICT", "can it be put offline: blocked, no_blocker_found, unknown, offline, no_block"},
    {"REASON", "the strongest reason"},
    {"SECTIONS", "present sections in it", Align::right, false},
    {"ERROR", "the kernel's error while it is blocked", Align::left, false},
    {"CODES", "all reasons, by their codes", Align::left, false},
    {"FREE", "free pages", Align::right, false},
    {"MOVABLE", "pages that would be moved", Align::right, false},
    {"UNMOVABLE", "pages that cannot be moved", Align::right, false},
    {"REMOVE", "whether it could be removed once it is offline", Align::left, false},
}};

constexpr std::array<Column, 3> plan_columns{{
    {"STEP", "when it goes; - for what stays", Align::right},
    {"BLOCK", "memory block, or section"},
    {"WHY", "why it stays"},
}};

Value section_numbers(const OfflineUnit& unit) {
  List list;
  for (const Section* section : unit.sections) list.emplace_back(section->nr.raw());
  return list;
}

Value node_value(const OfflineUnit& unit) {
  for (const Section* section : unit.sections) {
    if (section->node) return raw(*section->node);
  }
  if (unit.block != nullptr && unit.block->node) return raw(*unit.block->node);
  return Error{Errc::not_applicable, "not told", {}};
}

Value state_value(const OfflineUnit& unit) {
  if (unit.block != nullptr) return unit.block->state;
  return Error{Errc::not_applicable, "no memory block", {}};
}

Value example_value(const Reason& reason) {
  Object example;
  if (!reason.first_pages.empty()) example.emplace_back("pfn", reason.first_pages.front().raw());
  if (reason.address) example.emplace_back("address", Hex{reason.address->raw()});
  if (!reason.pageblocks.empty()) example.emplace_back("pageblock", reason.pageblocks.front());
  if (reason.owner || reason.owner.error().code != Errc::not_applicable)
    example.emplace_back("page_owner", value_or_absence(reason.owner, page_owner_value));
  return example.empty() ? Value() : Value(std::move(example));
}

template <class Numbers>
List number_list(const Numbers& numbers) {
  List list;
  for (const auto& number : numbers) list.emplace_back(number.raw());
  return list;
}

std::vector<Value> cells_of(const OfflineJudgement& judgement) {
  const OfflineUnit& unit = judgement.unit;
  List codes;
  for (const Reason& reason : judgement.reasons) codes.emplace_back(reason.code);
  return {unit.block != nullptr ? Value(unit.block->id) : Value("-"),
          fmt::format("{:#018x}-{:#018x}", unit.range.start.raw(), unit.range.end().raw() - 1),
          Size{unit.range.size},
          state_value(unit),
          node_value(unit),
          offline_verdict_name(judgement.verdict),
          judgement.reasons.empty() ? Value("") : Value(judgement.reasons.front().text),
          section_numbers(unit),
          judgement.error,
          std::move(codes),
          judgement.free_pages,
          judgement.movable_pages,
          judgement.unmovable_pages,
          offline_verdict_name(judgement.remove)};
}

std::string summary(const std::vector<OfflineJudgement>& judgements) {
  std::array<std::size_t, 5> counts{};
  for (const OfflineJudgement& judgement : judgements)
    ++counts.at(static_cast<std::size_t>(judgement.verdict));
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts.at(i) == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts.at(i),
                        offline_verdict_name(static_cast<OfflineVerdict>(i)));
  }
  return text;
}

}  // namespace

std::string unit_name(const OfflineUnit& unit) {
  if (unit.block != nullptr && !unit.is_section) return fmt::format("memory{}", unit.block->id);
  return unit.sections.empty() ? "nothing" : fmt::format("section {}", unit.sections.front()->nr.raw());
}

Value reason_value(const Reason& reason) {
  List nodes;
  for (const NodeId node : reason.of_nodes) nodes.emplace_back(raw(node));
  List pageblocks;
  for (const std::uint64_t pfn : reason.pageblocks) pageblocks.emplace_back(pfn);
  Object object{{"code", reason.code},
                {"severity", reason_severity_name(reason.severity)},
                {"text", reason.text},
                {"error", reason.severity == ReasonSeverity::hint ? Value() : Value(answer_of(reason.stage))},
                {"section", reason.section ? Value(reason.section->raw()) : Value()},
                {"count", reason.count},
                {"example", example_value(reason)},
                {"pfns", number_list(reason.first_pages)},
                {"pageblocks", Object{{"count", reason.pageblock_count}, {"first", std::move(pageblocks)}}},
                {"of_sections", number_list(reason.of_sections)},
                {"of_nodes", std::move(nodes)}};
  if (reason.attribution) object.emplace_back("attribution", *reason.attribution);
  return object;
}

Value judgement_value(const OfflineJudgement& judgement) {
  const OfflineUnit& unit = judgement.unit;
  List reasons;
  for (const Reason& reason : judgement.reasons) reasons.push_back(reason_value(reason));
  return Object{{"block", unit.block != nullptr ? Value(unit.block->id) : Value()},
                {"sections", section_numbers(unit)},
                {"phys_start", Hex{unit.range.start.raw()}},
                {"phys_end", Hex{unit.range.end().raw()}},
                {"state", state_value(unit)},
                {"node", node_value(unit)},
                {"verdict", offline_verdict_name(judgement.verdict)},
                {"offline", Object{{"verdict", offline_verdict_name(judgement.verdict)},
                                   {"error", judgement.error.empty() ? Value() : Value(judgement.error)},
                                   {"free_pages", judgement.free_pages},
                                   {"movable_pages", judgement.movable_pages},
                                   {"unmovable_pages", judgement.unmovable_pages},
                                   {"pages_not_read", judgement.pages_not_read},
                                   {"corrupt_pages", judgement.corrupt_pages}}},
                {"remove", Object{{"verdict", offline_verdict_name(judgement.remove)},
                                  {"text", judgement.remove_text}}},
                {"reasons", std::move(reasons)}};
}

std::span<const Column> removable_columns() { return columns; }

Report make_removable_report(const std::vector<OfflineJudgement>& judgements) {
  Report report;
  report.command = "removable";
  report.row_count = judgements.size();
  report.rows = [&judgements](std::uint64_t row) { return judgement_value(judgements[row]); };
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = judgements.size();
  table.row = [&judgements](std::uint64_t row) { return cells_of(judgements[row]); };
  report.tables.push_back(std::move(table));
  if (!judgements.empty()) report.paragraphs.push_back(summary(judgements) + ".");
  return report;
}

Report make_plan_report(const std::vector<OfflineJudgement>& judgements,
                        const std::vector<std::size_t>& plan) {
  Report report;
  report.command = "removable";
  std::vector<std::vector<Value>> rows;
  List order, stays;
  std::vector<bool> goes(judgements.size(), false);
  for (const std::size_t i : plan) {
    goes[i] = true;
    const OfflineUnit& unit = judgements[i].unit;
    const bool is_gone = judgements[i].verdict == OfflineVerdict::offline;
    rows.push_back(
        {static_cast<std::uint64_t>(rows.size() + 1), unit_name(unit), is_gone ? "offline already" : ""});
    const bool is_block = unit.block != nullptr && !unit.is_section;
    order.push_back(is_block ? Value(unit.block->id) : section_numbers(unit));
  }
  for (std::size_t i = 0; i < judgements.size(); ++i) {
    if (goes[i]) continue;
    const OfflineUnit& unit = judgements[i].unit;
    const std::string because = judgements[i].reasons.empty()
                                    ? std::string(offline_verdict_name(judgements[i].verdict))
                                    : judgements[i].reasons.front().text;
    rows.push_back({"-", unit_name(unit), because});
    stays.push_back(Object{{"block", unit.block != nullptr ? Value(unit.block->id) : Value()},
                           {"sections", section_numbers(unit)},
                           {"verdict", offline_verdict_name(judgements[i].verdict)},
                           {"because", because}});
  }
  report.data = Object{{"order", std::move(order)}, {"stays", std::move(stays)}};
  Table table;
  table.columns.assign(plan_columns.begin(), plan_columns.end());
  table.row_count = rows.size();
  table.row = [rows = std::move(rows)](std::uint64_t row) { return rows[static_cast<std::size_t>(row)]; };
  report.tables.push_back(std::move(table));
  return report;
}

}  // namespace memsect
