// NAME="value" NAME="value" ..., one line a row, as lsblk -P and findmnt -P write it and a shell's eval
// reads it. Names are upper case with _ for everything a shell variable cannot have. In a value, what means
// something to a shell inside double quotes (" \ ` $) and every byte that is not printable ASCII is \xNN, as
// util-linux writes it.
#include <fmt/format.h>

#include "render/lines.h"
#include "render/renderers.h"

namespace memsect {
namespace {

std::string shell_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    if (digit && out.empty()) out += '_';
    if (lower) {
      out += static_cast<char>(c - 'a' + 'A');
    } else {
      out += digit || (c >= 'A' && c <= 'Z') ? c : '_';
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const bool special = c == '"' || c == '\\' || c == '`' || c == '$';
    if (special || c < ' ' || c > '~') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string row(const std::vector<std::string_view>& names, const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ' ';
    line += shell_name(names[i]) + '=' + quoted(cells[i]);
  }
  return line;
}

Result<RenderOutcome> render(const Report& report, const RenderOptions& options, const Sink& sink) {
  return render_lines(report, options, sink, {nullptr, row});
}

}  // namespace

const Renderer pairs_renderer{"pairs", render};

}  // namespace memsect
