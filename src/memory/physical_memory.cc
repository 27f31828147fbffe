#include "memory/physical_memory.h"

#include <cstring>

namespace memsect {

Result<void> PhysicalMemory::read(PhysAddr at, std::span<std::byte> out) const {
  while (!out.empty()) {
    auto part = view(at, out.size());
    if (!part) return std::move(part).error();
    std::memcpy(out.data(), part->bytes.data(), part->bytes.size());
    at += part->bytes.size();
    out = out.subspan(part->bytes.size());
  }
  return {};
}

}  // namespace memsect
