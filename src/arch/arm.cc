// arm, 32 bits: low memory only. It begins with the first RAM of the machine, which is not at physical 0 as a rule, and
// which nothing but the dump itself tells: physical = virtual - PAGE_OFFSET + start of RAM.
//
// Sources: arch/arm/include/asm/memory.h.
#include <fmt/format.h>

#include "arch/lowmem.h"

namespace memsect {
namespace {

Result<ArchMemory> open(const ArchInputs& inputs) {
  auto ranges = inputs.memory.ranges();
  if (!ranges) return std::move(ranges).error();
  if (ranges->empty()) return Error{Errc::not_in_dump, "the dump has no memory", {}};
  constexpr std::uint64_t alignment = std::uint64_t{2} << 20;  // of PHYS_OFFSET
  const std::uint64_t first = ranges->front().start.raw();
  return open_lowmem(inputs, PhysAddr(first - first % alignment));
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
                     .find_vmcoreinfo = nullptr};

}  // namespace memsect
