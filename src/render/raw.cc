// One line a row, one space between fields, as lsblk -r writes it. A blank, a backslash and every byte that
// is not printable ASCII is \xNN inside a field, so each space is a separator; an empty field is nothing
// between two of them. Split at every single space (cut -d' ', awk -F'[ ]'), not at runs of them.
#include <fmt/format.h>

#include "render/lines.h"
#include "render/renderers.h"

namespace memsect {
namespace {

template <class Text>
std::string join(const std::vector<Text>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ' ';
    for (const char c : fields[i]) {
      if (c == '\\' || c <= ' ' || c > '~') {
        line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      } else {
        line += c;
      }
    }
  }
  return line;
}

std::string heading(const std::vector<std::string_view>& names) { return join(names); }

std::string row(const std::vector<std::string_view>& /*names*/, const std::vector<std::string>& cells) {
  return join(cells);
}

Result<RenderOutcome> render(const Report& report, const RenderOptions& options, const Sink& sink) {
  return render_lines(report, options, sink, {heading, row});
}

}  // namespace

const Renderer raw_renderer{"raw", render};

}  // namespace memsect
