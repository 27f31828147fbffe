// i386, with or without PAE: low memory only, physical = virtual - PAGE_OFFSET. VMCOREINFO has no KERNELOFFSET here, and needs
// none: image and memory are one map.
//
// QEMU writes ELF64 headers when the machine's memory map reaches 4 GiB, which that of its own BIOS does: the width of
// words is the machine's, not the file's.
//
// Sources: arch/x86/include/asm/page_32_types.h.
#include "arch/lowmem.h"

namespace memsect {
namespace {

Result<ArchMemory> open(const ArchInputs& inputs) { return open_lowmem(inputs, PhysAddr(0)); }

}  // namespace

const ArchDriver i386{.name = "i686",
                      .other_name = "i386",
                      .elf_machine = 3,  // EM_386
                      .section_size_bits = 26,
                      .page_shift = 12,
                      .page_sizes = 1 << 12,
                      .word_size = 4,
                      .order = ByteOrder::little,
                      .vmcoreinfo_mark = "",
                      .pmd_shift = [](unsigned) { return 21U; },
                      .open = open,
                      .find_vmcoreinfo = nullptr};

}  // namespace memsect
