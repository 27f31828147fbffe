// arm, 32 bits: low memory only, no page tables. It begins with the first RAM of the machine, which is not at physical 0 as
// a rule, and which nothing but the dump itself tells: physical = virtual - PAGE_OFFSET + start of RAM.
//
// Sources: arch/arm/include/asm/memory.h.
#include <fmt/format.h>

#include "arch/lowmem.h"
#include "arch/windows.h"

namespace memsect {
namespace {

/// 128 MiB are left for the rest, as a rule more.
constexpr std::uint64_t lowmem_end = 0xf8000000;

class LowmemTranslator final : public Translator {
 public:
  explicit LowmemTranslator(const Window& lowmem) : lowmem_(lowmem) {}

  Result<Mapping> mapping_at(VirtAddr at) const override {
    constexpr std::uint64_t address_space = std::uint64_t{1} << 32;
    if (at < lowmem_.start) return Mapping{at, lowmem_.start - at, std::nullopt};
    if (at.raw() >= address_space) return Mapping{at, 0 - at.raw(), std::nullopt};
    const std::uint64_t within = at - lowmem_.start;
    if (within < lowmem_.size) return Mapping{at, lowmem_.size - within, lowmem_.phys + within};
    return Error{Errc::unsupported,
                 fmt::format("{:#x} is above low memory: page tables of this machine are not read", at.raw()),
                 {}};
  }

 private:
  Window lowmem_;
};

Result<ArchMemory> open(const ArchInputs& inputs) {
  auto ranges = inputs.memory.ranges();
  if (!ranges) return std::move(ranges).error();
  if (ranges->empty()) return Error{Errc::not_in_dump, "the dump has no memory", {}};
  constexpr std::uint64_t alignment = std::uint64_t{2} << 20;  // of PHYS_OFFSET
  const std::uint64_t first = ranges->front().start.raw();
  const auto start = find_lowmem_start(inputs);
  if (!start) return start.error();
  const Window lowmem{*start, lowmem_end - start->raw(), PhysAddr(first - first % alignment)};
  ArchMemory result;
  result.page_offset = lowmem.start - lowmem.phys.raw();
  result.translator = std::make_unique<LowmemTranslator>(lowmem);
  return result;
}

}  // namespace

const ArchDriver arm{.name = "armv7l",
                     .other_name = "arm",
                     .elf_machine = 40,  // EM_ARM
                     .section_size_bits = 28,
                     .page_shift = 12,
                     .page_sizes = 1 << 12,
                     .word_size = 4,
                     .order = ByteOrder::little,
                     .vmcoreinfo_mark = "",
                     .pmd_shift = [](unsigned) { return 21U; },
                     .open = open,
                     .find_vmcoreinfo = nullptr,
                     .prstatus = {.pc = 15, .sp = 13}};

}  // namespace memsect
