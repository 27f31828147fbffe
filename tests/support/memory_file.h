// A File out of bytes at hand, without touching a disk.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"

namespace memsect::testing {

/// A File of these bytes, in memory.
inline std::shared_ptr<const File> file_of(std::string_view bytes) {
  const int descriptor = ::memfd_create("fixture", MFD_CLOEXEC);
  const bool written = ::write(descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  auto file = File::open("/proc/self/fd/" + std::to_string(descriptor));
  ::close(descriptor);
  return written && file ? *file : nullptr;
}

}  // namespace memsect::testing
