#include "arch/lowmem.h"

#include <fmt/format.h>

namespace memsect {

Result<VirtAddr> find_lowmem_start(const ArchInputs& inputs) {
  constexpr std::uint64_t address_space = std::uint64_t{1} << 32, gib = std::uint64_t{1} << 30;
  const auto stext = find_symbol(inputs, "_stext");
  if (!stext) return Error{Errc::no_symbol, "low memory cannot be located: no symbol _stext", {}};
  const VirtAddr start(stext->raw() / gib * gib);
  if (stext->raw() >= address_space || start.raw() == 0)
    return Error{Errc::corrupt, fmt::format("no 32-bit kernel has _stext at {:#x}", stext->raw()), {}};
  return start;
}

}  // namespace memsect
