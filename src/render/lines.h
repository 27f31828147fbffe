// The formats that write one line a row: csv, pairs, raw.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "render/report.h"

namespace memsect {

/// How such a format writes its lines, line feed left out.
struct LineFormat {
  /// The line above the rows; null when the format has none.
  std::string (*heading)(const std::vector<std::string_view>& names);
  /// One row; `cells` are as many as `names` and not escaped.
  std::string (*row)(const std::vector<std::string_view>& names, const std::vector<std::string>& cells);
};

/// Writes the report's first table in `format`, row by row, with plain numbers. `unsupported` when it has no
/// table.
Result<RenderOutcome> render_lines(const Report& report, const RenderOptions& options, const Sink& sink,
                                   const LineFormat& format);

}  // namespace memsect
