// What the fuzz targets of the dump formats share: the input as a file, opened by one format and read.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/file.h"
#include "formats/format.h"

namespace memsect::test {

/// Calls `use` with the path of a file that holds `input`.
template <class Use>
int with_memory_file(Bytes input, const Use& use) {
  const int descriptor = ::memfd_create("dump", MFD_CLOEXEC);
  if (descriptor < 0 || ::write(descriptor, input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    return -1;
  const int result = use("/proc/self/fd/" + std::to_string(descriptor));
  ::close(descriptor);
  return result;
}

/// Reads a few pages of each range. Wants no more than an answer.
inline int fuzz_memory(const PhysicalMemory& memory) {
  std::uint64_t pages = 0;
  const auto ranges = memory.ranges();
  if (!ranges) return 0;
  for (const PhysRange& range : *ranges) {
    for (const PhysAddr at : {range.start, range.start + range.size / 2, range.end() - 1, range.end()}) {
      if (auto view = memory.view(at, 4096)) pages += std::to_integer<unsigned>(view->bytes.front());
    }
    if (++pages > 256) break;
  }
  return 0;
}

/// Opens `input` with the format called `name` and reads some of it.
inline int fuzz_dump(std::string_view name, Bytes input) {
  return with_memory_file(input, [&](const std::string& path) {
    auto file = File::open(path);
    if (!file) return -1;
    auto format = sniff_format(**file);
    if (!format || *format == nullptr || (*format)->name != name) return -1;
    auto dump = (*format)->open({std::move(*file)});
    return dump ? fuzz_memory(*dump->memory) : 0;
  });
}

}  // namespace memsect::test
