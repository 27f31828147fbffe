#include "base/byte_source.h"

#include <fmt/format.h>

namespace memsect {
namespace {

constexpr std::size_t large_read = std::size_t{32} << 10;  // goes past the cache

}  // namespace

Result<void> ByteSource::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (out.size() >= large_read) {
    auto got = read_some(offset, out);
    if (!got) return std::move(got).error();
    if (*got == out.size()) return {};
    return Error{
        Errc::truncated,
        fmt::format("{:#x} bytes at offset {:#x} reach beyond the end of the file", out.size(), offset),
        {}};
  }
  return read_through_views(out,
                            [&](std::size_t done, std::size_t want) { return view(offset + done, want); });
}

}  // namespace memsect
