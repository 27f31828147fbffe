// What a renderer makes of a report, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "render/report.h"

namespace memsect {

struct Rendered {
  std::string text;
  RenderOutcome outcome;
  Error error;  ///< its message is empty where there was none
};

inline Rendered rendered(std::string_view format, const Report& report, const RenderOptions& options = {}) {
  Rendered out;
  const Renderer* renderer = find_renderer(format);
  if (renderer == nullptr) {
    ADD_FAILURE() << "no renderer " << format;
    return out;
  }
  auto outcome = renderer->render(report, options, [&out](std::string_view text) {
    out.text += text;
    return true;
  });
  if (outcome) {
    out.outcome = *outcome;
  } else {
    out.error = outcome.error();
  }
  return out;
}

/// A table with these rows.
inline Table make_table(std::vector<Column> columns, std::vector<std::vector<Value>> rows) {
  Table table;
  table.columns = std::move(columns);
  table.row_count = rows.size();
  table.row = [rows = std::move(rows)](std::uint64_t row) { return rows[row]; };
  return table;
}

inline Report make_report(Table table) {
  Report report;
  report.command = "sections";
  report.tables.push_back(std::move(table));
  return report;
}

}  // namespace memsect
