#include "arch/lowmem.h"

#include <fmt/format.h>

#include <algorithm>

namespace memsect {
namespace {

constexpr std::uint64_t address_space = std::uint64_t{1} << 32;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;
/// What is left of the last 1 GiB for low memory: 896 MiB on x86, less on arm.
constexpr std::uint64_t vmalloc_reserve = std::uint64_t{128} << 20;

class LowmemTranslator final : public Translator {
 public:
  LowmemTranslator(VirtAddr start, PhysAddr first) : start_(start), first_(first) {}

  Result<Mapping> mapping_at(VirtAddr at) const override {
    if (at < start_) return Mapping{at, start_ - at, std::nullopt};
    if (at.raw() >= address_space) return Mapping{at, 0 - at.raw(), std::nullopt};
    const std::uint64_t within = at - start_;
    const std::uint64_t size = address_space - vmalloc_reserve - start_.raw();
    if (within < size) return Mapping{at, size - within, first_ + within};
    return Error{
        Errc::unsupported,
        fmt::format("{:#x} is above low memory: page tables of 32-bit kernels are not read", at.raw()),
        {}};
  }

 private:
  VirtAddr start_;
  PhysAddr first_;
};

}  // namespace

Result<ArchMemory> open_lowmem(const ArchInputs& inputs, PhysAddr first) {
  const auto stext = find_symbol(inputs, "_stext");
  if (!stext) return Error{Errc::no_symbol, "low memory cannot be located: no symbol _stext", {}};
  const VirtAddr start(stext->raw() / gib * gib);
  if (stext->raw() >= address_space || start.raw() == 0) {
    return Error{Errc::corrupt, fmt::format("no 32-bit kernel has _stext at {:#x}", stext->raw()), {}};
  }
  ArchMemory result;
  result.page_offset = start - first.raw();
  result.translator = std::make_unique<LowmemTranslator>(start, first);
  return result;
}

}  // namespace memsect
