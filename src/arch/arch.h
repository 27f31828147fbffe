// What memsect knows of a machine. To port it to another one: one file with a Translator and an ArchDriver,
// one line in arch.cc, a translation test on a hand-made table, a row in docs/support.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/position.h"
#include "base/result.h"
#include "memory/physical_memory.h"
#include "memory/translator.h"
#include "memory/vmcoreinfo.h"

namespace memsect {

/// What a translator is made from. The memory must outlive the translator.
struct ArchInputs {
  const PhysicalMemory& memory;
  const Vmcoreinfo& vmcoreinfo;
  /// Run-time address of a kernel symbol, when a symbol source is at hand.
  std::function<std::optional<VirtAddr>(std::string_view)> symbol;
  ByteOrder order = ByteOrder::little;
};

/// A translator, and what was learnt while it was made.
struct ArchMemory {
  std::unique_ptr<Translator> translator;
  std::optional<std::int64_t> phys_base;  ///< what the image was moved by physically (x86)
  /// Where the direct map has physical 0, or would have it if it reached that far down: the distance between the
  /// two addresses of all memory in it. Nothing where the machine has no one value for it.
  std::optional<VirtAddr> page_offset;
  /// What ArchDriver::pmd_shift says, where this kernel is built otherwise.
  std::optional<unsigned> pmd_shift;
  /// Where vmalloc() and the module loader put their memory; empty where that is not known.
  std::vector<VirtRange> vmalloc;
  /// What KASAN_SHADOW_OFFSET may be, the likeliest first: a constant of the configuration, which no symbol and no type
  /// knows. Empty where that is not known of the machine.
  std::vector<std::uint64_t> kasan_shadow_offsets;
};

/// The page tables that a CPU uses, by a note of its registers.
struct CpuTables {
  std::unique_ptr<Translator> now;
  /// Of a CPU that may be in user mode with tables that leave out the kernel: those it has in the kernel. Else null.
  std::unique_ptr<Translator> in_kernel;
};

/// What VMCOREINFO would say of an image that was found in memory.
struct ImageFacts {
  std::string lines;        ///< of VMCOREINFO
  std::uint64_t shift = 0;  ///< from the addresses that it is linked to to those at which it runs
};

/// Where NT_PRSTATUS has the program counter and the stack pointer: numbers of the words from pr_reg on.
struct PrstatusPlaces {
  unsigned pc = 0, sp = 0;
};

struct ArchDriver {
  std::string_view name;           ///< as in JSON and `uname -m`: "x86_64"
  std::string_view other_name;     ///< what `uname -m` says of some of its kernels, empty for nothing else
  std::uint16_t elf_machine = 0;   ///< EM_* of its vmlinux
  unsigned section_size_bits = 0;  ///< where neither VMCOREINFO nor the types say it
  unsigned page_shift = 0;         ///< where VMCOREINFO has no PAGESIZE
  std::uint64_t page_sizes = 0;    ///< all sizes of pages that its kernels are built for, added up
  unsigned word_size = 0;          ///< bytes of a pointer
  std::optional<ByteOrder> order;  ///< of its memory, where all of its kernels have the same
  /// A key that only this machine's kernels put into VMCOREINFO, for dumps that do not name their machine; empty when
  /// there is none.
  std::string_view vmcoreinfo_mark;
  /// log2 of what one PMD entry maps, the size of its huge pages, in a kernel with pages of `1 << page_shift` bytes.
  unsigned (*pmd_shift)(unsigned page_shift);
  /// Page tables down to this depth, counted from the top one, stay when all that they translated is gone.
  unsigned kept_tables = 0;
  /// vmemmap_free() does nothing: memmaps and their page tables stay for ever.
  bool keeps_memmap = false;
  Result<ArchMemory> (*open)(const ArchInputs&);
  /// The text of VMCOREINFO by a place that the machine's firmware or hypervisor agreed on with the kernel; null where
  /// there is no such place.
  Result<std::string> (*find_vmcoreinfo)(const PhysicalMemory&) = nullptr;
  PrstatusPlaces prstatus;
  /// By a note named `name`; nothing where it is not of that kind, or its CPU translates nothing. Null where no note tells
  /// of page tables.
  /// The image whose `linked` lies at `phys`, by what memory holds; `symbol` and `linked` are link addresses. Null where
  /// images are where they are linked, or nothing but VMCOREINFO tells.
  Result<ImageFacts> (*describe_image)(const ArchInputs&, VirtAddr linked, PhysAddr phys) = nullptr;
  std::optional<CpuTables> (*cpu_tables)(const PhysicalMemory&, std::string_view name, Bytes note) = nullptr;
};

extern const ArchDriver x86_64;
extern const ArchDriver arm64;
extern const ArchDriver ppc64;
extern const ArchDriver s390x;
extern const ArchDriver riscv64;
extern const ArchDriver loongarch64;
extern const ArchDriver i386;
extern const ArchDriver arm;

/// All machines, in the order of the documentation.
std::span<const ArchDriver* const> arch_drivers();
/// The machine whose mark is in `info`, or null.
const ArchDriver* find_arch(const Vmcoreinfo& info);
/// The machine called `name`, or null.
const ArchDriver* find_arch(std::string_view name);
/// The machine of an ELF e_machine, or null.
const ArchDriver* find_arch(std::uint16_t elf_machine);

/// log2 of the page size by VMCOREINFO, or the machine's own; `corrupt` for a size that none of its kernels has.
Result<unsigned> find_page_shift(const ArchDriver& driver, const Vmcoreinfo& info);
/// The run-time address of a kernel symbol, from VMCOREINFO or from the symbols at hand.
std::optional<VirtAddr> find_symbol(const ArchInputs& inputs, std::string_view name);
/// The address of the top-level page table, swapper_pg_dir on all machines but x86; an error that says what to do.
Result<VirtAddr> find_swapper_pg_dir(const ArchInputs& inputs);
/// ArchMemory::vmalloc by VMALLOC_START and VMALLOC_END, MODULES_VADDR and MODULES_END of VMCOREINFO. The starts alone
/// say nothing; arm64 (6.1+) and riscv64 (6.12+) name the ends as well.
std::vector<VirtRange> named_vmalloc_ranges(const Vmcoreinfo& info);
/// The number of `size` bytes (8 at most) at `at`.
Result<std::uint64_t> read_number(const PhysicalMemory& memory, PhysAddr at, std::size_t size,
                                  ByteOrder order);

}  // namespace memsect
