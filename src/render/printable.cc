#include "render/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace memsect {
namespace {

struct Span {
  char32_t first, last;
};

// Controls, and what changes how its neighbours are shown: zero-width characters, line separators,
// bidirectional marks and overrides, byte order marks, language tags.
constexpr std::array<Span, 11> unsafe{{{0x00, 0x1f},
                                       {0x7f, 0x9f},
                                       {0xad, 0xad},
                                       {0x61c, 0x61c},
                                       {0x180e, 0x180e},
                                       {0x200b, 0x200f},
                                       {0x2028, 0x202e},
                                       {0x2060, 0x206f},
                                       {0xfeff, 0xfeff},
                                       {0xfff9, 0xfffb},
                                       {0xe0000, 0xe0fff}}};

bool is_unsafe(char32_t c) {
  return std::any_of(unsafe.begin(), unsafe.end(),
                     [c](Span span) { return c >= span.first && c <= span.last; });
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

std::string escape(std::string_view text, bool keep_line_feeds) {
  // Nearly all text: nothing to escape, and told by one look at each byte.
  const bool plain_ascii = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (plain_ascii && text.find("\\x") == std::string_view::npos) return std::string(text);

  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    const std::string_view bytes = text.substr(0, c.size);
    text.remove_prefix(c.size);
    const bool line_feed = keep_line_feeds && c.value == '\n';
    const bool looks_escaped = c.value == '\\' && text.starts_with('x');
    if (c.valid && !looks_escaped && (line_feed || !is_unsafe(c.value))) {
      out += bytes;
      continue;
    }
    for (const char byte : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  }
  return out;
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  struct Form {
    unsigned char mask, lead;
    char32_t smallest;  // anything below has a shorter form and is not allowed in this one
  };
  constexpr std::array<Form, 4> forms{
      {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}}};
  const auto lead = static_cast<unsigned char>(text[0]);
  for (std::size_t i = 0; i < forms.size(); ++i) {
    const Form& form = forms[i];
    const std::size_t size = i + 1;
    if ((lead & form.mask) != form.lead) continue;
    if (text.size() < size) break;
    char32_t value = static_cast<unsigned char>(lead & ~form.mask);
    for (const char c : text.substr(1, i)) {
      if (!is_continuation(c)) return {lead, 1, false};
      value = value << 6 | (static_cast<unsigned char>(c) & 0x3fU);
    }
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < form.smallest || value > 0x10ffff || surrogate) break;
    return {value, size, true};
  }
  return {lead, 1, false};
}

std::string printable(std::string_view text) { return escape(text, false); }

std::string printable_lines(std::string_view text) { return escape(text, true); }

}  // namespace memsect
