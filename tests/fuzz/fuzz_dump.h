// What the fuzz targets of the dump formats share: the input as a file, opened by one format and read.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/file.h"
#include "formats/format.h"

namespace memsect::test {

/// Opens `input` with the format called `name` and reads a few pages of each range. Wants no more than an
/// answer.
inline int fuzz_dump(std::string_view name, Bytes input) {
  const int descriptor = ::memfd_create("dump", MFD_CLOEXEC);
  if (descriptor < 0 || ::write(descriptor, input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    return -1;
  auto file = File::open("/proc/self/fd/" + std::to_string(descriptor));
  ::close(descriptor);
  if (!file) return -1;
  auto format = sniff_format(**file);
  if (!format || *format == nullptr || (*format)->name != name) return -1;
  auto dump = (*format)->open({std::move(*file)});
  if (!dump) return 0;
  std::uint64_t pages = 0;
  const auto ranges = dump->memory->ranges();
  if (!ranges) return 0;
  for (const PhysRange& range : *ranges) {
    for (const PhysAddr at : {range.start, range.start + range.size / 2, range.end() - 1, range.end()}) {
      if (auto view = dump->memory->view(at, 4096)) pages += std::to_integer<unsigned>(view->bytes.front());
    }
    if (++pages > 256) break;
  }
  return 0;
}

}  // namespace memsect::test
