// Text from a dump, made safe for a terminal. Names come from hostile files: an escape sequence in a slab
// cache's name must not move the cursor, and a line feed in it must not forge a second line of output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memsect {

/// One code point at the start of a text. `valid` is false for a byte that starts no well-formed UTF-8
/// sequence; it then stands for that byte alone.
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 1;
  bool valid = false;
};

/// The first code point of `text`, which is not empty.
CodePoint first_code_point(std::string_view text);

/// `text` with each byte of what must not reach a terminal written as \xNN: control characters, bytes that
/// are no UTF-8, and characters that reorder or hide others. A backslash before an x becomes \x5c, so the
/// original can be had back. The same form libsmartcols uses.
std::string printable(std::string_view text);

/// The same, but line feeds stay: for paragraphs.
std::string printable_lines(std::string_view text);

}  // namespace memsect
