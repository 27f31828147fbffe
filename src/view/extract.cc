#include "view/extract.h"

#include <fmt/format.h>

#include <array>

namespace memsect {
namespace {

constexpr std::array<Column, 3> columns{{
    {"KIND", "what was taken"},
    {"BYTES", "how much of it", Align::right},
    {"MISSING", "how much of it the dump lacks", Align::right},
}};

std::uint64_t stored_pages(const ExtractPlan& plan) {
  std::uint64_t count = 0;
  for (const PageRun& run : plan.pages) {
    if (run.state == PageRun::State::stored) count += run.count;
  }
  return count;
}

}  // namespace

std::span<const Column> extract_columns() { return columns; }

Report make_extract_report(const ExtractPlan& plan, const ExtractFile& file) {
  Report report;
  report.command = "extract";
  report.notes = plan.notes;
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = plan.taken.size();
  table.row = [taken = plan.taken](std::uint64_t row) {
    const TakenKind& kind = taken[static_cast<std::size_t>(row)];
    return std::vector<Value>{kind.kind, Size{kind.bytes}, Size{kind.missing}};
  };
  report.tables.push_back(std::move(table));
  report.paragraphs.push_back(
      fmt::format("{}: {} bytes, {} pages", file.path, file.size, stored_pages(plan)));
  List taken;
  for (const TakenKind& kind : plan.taken) {
    taken.emplace_back(Object{{"kind", kind.kind}, {"bytes", kind.bytes}, {"missing", kind.missing}});
  }
  report.data = Object{{"file", file.path},
                       {"as", file.format},
                       {"bytes", file.size},
                       {"pages", stored_pages(plan)},
                       {"refused_pages", plan.refused_pages},
                       {"taken", std::move(taken)}};
  return report;
}

}  // namespace memsect
