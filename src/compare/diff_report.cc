// `memsect diff`: a row a difference, and a sentence on top that says how many there are.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "compare/compare.h"
#include "compare/compared_fields.h"
#include "render/cell_text.h"

namespace memsect {
namespace {

constexpr std::array<Column, 5> columns{{
    {"SUBJECT", "the section, memory block or node"},
    {"CHANGE", "came, went, changed, moved, grew, shrank; unknown: one of the two could not be read"},
    {"WHAT", "which of its properties; empty: the subject itself"},
    {"BEFORE", "in the first"},
    {"AFTER", "in the second"},
}};

std::string subject_name(const Change& change) {
  if (change.subject == "block") return fmt::format("memory{}", change.number);
  return fmt::format("{} {}", change.subject, change.number);
}

std::vector<Value> cells(const Change& change) {
  return {subject_name(change), change_kind_name(change.kind), change.what, change.before, change.after};
}

Value change_value(const Change& change) {
  return Object{{"subject", change.subject},
                {"number", change.number},
                {"change", change_kind_name(change.kind)},
                {"what", change.what.empty() ? Value() : Value(change.what)},
                {"before", change.before},
                {"after", change.after}};
}

std::string text_of(const Object& source, std::string_view key) {
  const Value all(source);
  const Value* value = member(all, key);
  return value == nullptr ? "" : cell_text(*value, {Reader::machine, true});
}

bool same_kernel(const ComparedSide& before, const ComparedSide& after) {
  return text_of(before.source, "release") == text_of(after.source, "release") &&
         text_of(before.source, "build_id") == text_of(after.source, "build_id");
}

std::string kernel_name(const ComparedSide& side) {
  const std::string release = text_of(side.source, "release");
  const std::string build_id = text_of(side.source, "build_id");
  return fmt::format("{} ({}{}{})", side.name, release.empty() ? "of no known release" : release,
                     build_id.empty() ? "" : ", build ID ", build_id);
}

/// "2 sections and 1 block came", for the subjects of one kind of change.
std::string lone_text(const Comparison& comparison, ChangeKind kind) {
  std::string text;
  for (const std::string_view subject : {"section", "block", "node"}) {
    const auto count =
        std::count_if(comparison.changes.begin(), comparison.changes.end(), [&](const Change& change) {
          return change.kind == kind && change.what.empty() && change.subject == subject;
        });
    if (count == 0) continue;
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", count, subject, count == 1 ? "" : "s");
  }
  return text.empty() ? "" : fmt::format("{} {}. ", text, change_kind_name(kind));
}

std::string summary(const Comparison& comparison) {
  if (comparison.changes.empty()) return "Nothing differs.";
  std::set<std::string> touched;
  std::uint64_t unknown = 0;
  for (const Change& change : comparison.changes) {
    touched.insert(subject_name(change));
    if (change.kind == ChangeKind::unknown) ++unknown;
  }
  std::string text = lone_text(comparison, ChangeKind::came) + lone_text(comparison, ChangeKind::went);
  const std::uint64_t certain = comparison.changes.size() - unknown;
  text += fmt::format("{} {} in {} sections, memory blocks and nodes.", certain,
                      certain == 1 ? "difference" : "differences", touched.size());
  if (unknown > 0) text += fmt::format(" {} could not be compared: one side could not be read.", unknown);
  return text;
}

}  // namespace

std::span<const Column> diff_columns() { return columns; }

Report make_diff_report(const Comparison& comparison, const ComparedSide& before, const ComparedSide& after) {
  Report report;
  report.command = "diff";
  const bool same = same_kernel(before, after);
  const std::string result = summary(comparison);
  Table table;
  table.title = result;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = comparison.changes.size();
  table.row = [&comparison](std::uint64_t row) { return cells(comparison.changes[row]); };
  if (comparison.changes.empty()) {
    report.words_alone = true;
    report.paragraphs.push_back(result);
  }
  report.tables.push_back(std::move(table));
  if (!same) {
    report.paragraphs.push_back(
        fmt::format("The kernels differ: {} and {}. The layout is compared all the same.",
                    kernel_name(before), kernel_name(after)));
  }
  List compared, changes;
  for (const std::string_view command : comparison.compared) compared.emplace_back(command);
  for (const Change& change : comparison.changes) changes.push_back(change_value(change));
  report.data = Object{{"before", Object{{"name", before.name}, {"source", before.source}}},
                       {"after", Object{{"name", after.name}, {"source", after.source}}},
                       {"same_kernel", same},
                       {"compared", std::move(compared)},
                       {"differs", comparison.differs()},
                       {"changes", std::move(changes)}};
  return report;
}

}  // namespace memsect
