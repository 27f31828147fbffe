#include "memory/physical_memory.h"

namespace memsect {

Result<void> PhysicalMemory::read(PhysAddr at, std::span<std::byte> out) const {
  return read_through_views(out, [&](std::size_t done, std::size_t want) { return view(at + done, want); });
}

}  // namespace memsect
