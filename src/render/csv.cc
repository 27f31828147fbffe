// Comma-separated values after RFC 4180: a field with a comma, a quote or a line end in it stands in quotes,
// a quote inside is doubled. Two choices of ours: lines end in LF alone, as every other tool on the system
// writes and reads them, and control characters and broken UTF-8 are written as \xNN, so that a record is
// always one line of text.
#include "render/lines.h"
#include "render/printable.h"
#include "render/renderers.h"

namespace memsect {
namespace {

void append_field(std::string& line, bool first, std::string_view text) {
  if (!first) line += ',';
  const std::string safe = printable(text);
  if (safe.find_first_of(",\"\n\r") == std::string::npos) {
    line += safe;
    return;
  }
  line += '"';
  for (const char c : safe) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

template <class Text>
std::string record(const std::vector<Text>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) append_field(line, i == 0, fields[i]);
  return line;
}

std::string heading(const std::vector<std::string_view>& names) { return record(names); }

std::string row(const std::vector<std::string_view>& /*names*/, const std::vector<std::string>& cells) {
  return record(cells);
}

Result<RenderOutcome> render(const Report& report, const RenderOptions& options, const Sink& sink) {
  return render_lines(report, options, sink, {heading, row});
}

}  // namespace

const Renderer csv_renderer{"csv", render};

}  // namespace memsect
