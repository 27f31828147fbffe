// BTF out of a damaged vmlinux or a dump's memory: every question gets an answer or an error.
#include <cstdint>
#include <string_view>

#include "types/btf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto types = memsect::parse_btf(std::as_bytes(std::span(data, size)), 8);
  if (!types) return -1;
  // The names stand at the end, each with a NUL behind it.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (unsigned asked = 0; asked < 64 && !rest.empty(); ++asked) {
    rest.remove_suffix(1);
    const std::string_view name = rest.substr(rest.find_last_of('\0') + 1);
    rest.remove_suffix(name.size());
    static_cast<void>((*types)->find_struct(name));
    static_cast<void>((*types)->find_enumerator(name, name));
    static_cast<void>((*types)->find_enumerator("", name));
    static_cast<void>((*types)->parameter_count(name));
  }
  return 0;
}
