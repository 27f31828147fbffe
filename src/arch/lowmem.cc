#include "arch/lowmem.h"

#include <fmt/format.h>

namespace memsect {
namespace {

constexpr std::uint64_t address_space = std::uint64_t{1} << 32;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;
/// What is left of the last 1 GiB for low memory: 896 MiB on x86, less on arm.
constexpr std::uint64_t vmalloc_reserve = std::uint64_t{128} << 20;

}  // namespace

Result<Window> find_lowmem(const ArchInputs& inputs, PhysAddr first) {
  const auto stext = find_symbol(inputs, "_stext");
  if (!stext) return Error{Errc::no_symbol, "low memory cannot be located: no symbol _stext", {}};
  const VirtAddr start(stext->raw() / gib * gib);
  if (stext->raw() >= address_space || start.raw() == 0) {
    return Error{Errc::corrupt, fmt::format("no 32-bit kernel has _stext at {:#x}", stext->raw()), {}};
  }
  VirtAddr end(address_space - vmalloc_reserve);
  if (const auto vmalloc = inputs.vmcoreinfo.number("VMALLOC_START")) {
    const VirtAddr named(static_cast<std::uint32_t>(*vmalloc));
    if (*stext < named && named < end) end = named;
  }
  return Window{start, end - start, first};
}

}  // namespace memsect
