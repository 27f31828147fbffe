// The text of a System.map or of /proc/kallsyms.
#include <cstdint>
#include <string_view>

#include "symbols/symbol_list.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(memsect::looks_like_symbol_list(std::as_bytes(std::span(data, size))));
  const auto list = memsect::parse_symbol_list(text);
  if (!list) return 0;
  for (const std::string_view name : {std::string_view("_stext"), std::string_view("a"), text.substr(0, 40)})
    static_cast<void>((*list)->address_of(name));
  return 0;
}
