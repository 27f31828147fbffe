#include "formats/format.h"

#include <algorithm>
#include <array>

namespace memsect {

extern const FormatDriver elf_core;
extern const FormatDriver flattened;
extern const FormatDriver kdump;

namespace {
// No two formats share a signature, so the order only says which is the likeliest.
constexpr std::array<const FormatDriver*, 3> drivers = {&kdump, &elf_core, &flattened};
}  // namespace

std::span<const FormatDriver* const> format_drivers() { return drivers; }

Result<const FormatDriver*> sniff_format(const File& file) {
  const FormatDriver* const none = nullptr;
  if (file.size() == 0) return none;
  std::array<std::byte, sniff_size> buffer;
  const auto head =
      std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(sniff_size, file.size())));
  if (auto read = file.read(0, head); !read) return std::move(read).error();
  for (const FormatDriver* driver : drivers) {
    if (driver->sniff(head)) return driver;
  }
  return none;
}

}  // namespace memsect
