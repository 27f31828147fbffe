#include "render/lines.h"

#include <fmt/format.h>

#include "render/cell_text.h"
#include "render/columns.h"

namespace memsect {

Result<RenderOutcome> render_lines(const Report& report, const RenderOptions& options, const Sink& sink,
                                   const LineFormat& format) {
  if (report.tables.empty()) {
    return Error{Errc::unsupported, fmt::format("{} has no table to write line by line", report.command),
                 "try json"};
  }
  const Table& table = report.tables.front();
  const auto selected = select_columns(table, options.columns);
  if (!selected) return selected.error();
  std::vector<std::string_view> names;
  for (const std::size_t index : *selected) names.push_back(table.columns[index].name);

  RenderOutcome outcome;
  if (options.headings && format.heading != nullptr)
    outcome.reader_gone = !sink(format.heading(names) + "\n");
  const CellStyle style{Reader::machine, true};
  std::vector<std::string> cells(selected->size());
  for (std::uint64_t row = 0; row < table.row_count && !outcome.reader_gone; ++row) {
    const std::vector<Value> values = table.row(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t index = (*selected)[i];
      cells[i] = index < values.size() ? cell_text(values[index], style) : std::string();
      outcome.absences |= index < values.size() && values[index].has_absence();
    }
    outcome.reader_gone = !sink(format.row(names, cells) + "\n");
  }
  return outcome;
}

}  // namespace memsect
