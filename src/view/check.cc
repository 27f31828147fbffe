#include "view/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace memsect {
namespace {

constexpr std::array<Column, 6> columns{{
    {"NR", "place in the list", Align::right},
    {"CHECK", "name of the check, as --check takes it"},
    {"VERDICT", "holds, violated, undecided: something that violates it may lie in what could not be read"},
    {"FINDINGS", "how many things violate it", Align::right, false},
    {"TITLE", "the rule"},
    {"WHY", "what could not be read, or why it is not applicable", Align::left, false},
}};

std::vector<Value> cells(std::uint64_t row, const CheckAnswer& answer) {
  return {row + 1,
          answer.check->name,
          verdict_name(answer.result.verdict),
          answer.result.found,
          answer.check->title,
          answer.result.why};
}

Value data_of(const CheckAnswer& answer) {
  List findings;
  for (const std::string& finding : answer.result.findings) findings.emplace_back(finding);
  return Object{{"check", answer.check->name},
                {"title", answer.check->title},
                {"verdict", verdict_name(answer.result.verdict)},
                {"findings", std::move(findings)},
                {"found", answer.result.found},
                {"why", answer.result.why}};
}

/// "violated: usage_shared, no two sections share one usage" and what violates it, line by line.
std::string violation_text(const CheckAnswer& answer) {
  std::string text = fmt::format("{} is violated: {}", answer.check->name, answer.check->title);
  for (const std::string& finding : answer.result.findings) text += "\n  " + finding;
  if (!answer.result.why.empty()) text += "\n  There may be more: " + answer.result.why;
  return text;
}

/// Of all checks that are undecided for the same reason, or have nothing to judge: one line each.
std::string reasons_text(const std::vector<CheckAnswer>& answers, Verdict verdict, std::string_view heading) {
  std::string text;
  for (const CheckAnswer& answer : answers) {
    if (answer.result.verdict != verdict || answer.result.why.empty()) continue;
    if (text.empty()) text = heading;
    text += fmt::format("\n  {}: {}", answer.check->name, answer.result.why);
  }
  return text;
}

std::string summary_text(const std::vector<CheckAnswer>& answers) {
  const auto count = [&](Verdict verdict) {
    return std::count_if(answers.begin(), answers.end(),
                         [&](const CheckAnswer& answer) { return answer.result.verdict == verdict; });
  };
  const auto violated = count(Verdict::violated);
  const auto undecided = count(Verdict::undecided);
  std::string text = fmt::format("{} of {} checks hold", count(Verdict::holds), answers.size());
  if (violated > 0) text += fmt::format(", {} {} violated", violated, violated == 1 ? "is" : "are");
  if (undecided > 0) text += fmt::format(", {} {} undecided", undecided, undecided == 1 ? "is" : "are");
  return text + ".";
}

}  // namespace

std::span<const Column> check_columns() { return columns; }

Report make_check_report(const MemoryModel& model, const std::vector<CheckAnswer>& answers) {
  Report report;
  report.command = "check";
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = answers.size();
  table.row = [&answers](std::uint64_t row) { return cells(row, answers[row]); };
  report.tables.push_back(std::move(table));
  if (model.geometry.kind == MemoryModelKind::flatmem) {
    report.data = Object{{"checks", List{}}};
    report.paragraphs.emplace_back("This kernel has no sections (FLATMEM).");
    return report;
  }
  List list;
  for (const CheckAnswer& answer : answers) list.push_back(data_of(answer));
  report.data = Object{{"checks", std::move(list)}};
  for (const CheckAnswer& answer : answers) {
    if (answer.result.verdict == Verdict::violated) report.paragraphs.push_back(violation_text(answer));
  }
  for (const std::string& text :
       {reasons_text(answers, Verdict::undecided, "Undecided:"),
        reasons_text(answers, Verdict::holds, "Hold because they have nothing to apply to:")}) {
    if (!text.empty()) report.paragraphs.push_back(text);
  }
  report.paragraphs.push_back(summary_text(answers));
  return report;
}

}  // namespace memsect
