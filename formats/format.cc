#include "formats/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace memsect {

extern const FormatDriver elf_core;
extern const FormatDriver flattened;
extern const FormatDriver kdump;
extern const FormatDriver lime;
extern const FormatDriver raw_memory;

namespace {
// No two formats share a signature, so the order only says which is the likeliest.
constexpr std::array<const FormatDriver*, 5> drivers = {&kdump, &elf_core, &flattened, &lime, &raw_memory};
}  // namespace

std::span<const FormatDriver* const> format_drivers() { return drivers; }

Result<const FormatDriver*> sniff_format(const ByteSource& file) {
  const FormatDriver* const none = nullptr;
  std::array<std::byte, sniff_size> buffer;
  auto got = file.read_some(0, buffer);
  if (!got) return std::move(got).error();
  const auto head = std::span(buffer).first(*got);
  for (const FormatDriver* driver : drivers) {
    if (driver->sniff(head)) return driver;
  }
  return none;
}

Result<Dump> FormatDriver::open(const DumpParts& parts) const {
  auto dump = read(parts);
  if (!dump) return dump;
  for (const auto& part : parts) {
    if (part->remarks() == nullptr) continue;
    for (const Note& remark : part->remarks()->all()) {
      dump->notes.add(remark);
      if (remark.severity != Severity::warning) continue;
      dump->info.truncated = true;
      if (dump->info.advice.empty()) dump->info.advice = remark.text;
    }
  }
  return dump;
}

Result<void> refuse_parts(const DumpParts& parts) {
  if (parts.size() == 1) return {};
  return Error{Errc::usage, fmt::format("{} and {} are both dumps", parts[0]->name(), parts[1]->name()),
               "name one of them"};
}

Error in_part(Error error, const DumpParts& parts, const ByteSource& part) {
  return parts.size() == 1 ? error : std::move(error).within(part.name());
}

}  // namespace memsect
