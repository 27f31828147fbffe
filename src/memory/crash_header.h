// The ELF header that a kernel leaves for the kernel that is to dump it: kexec writes it into the memory that crashkernel=
// set aside, and names its place to the other on the command line (elfcorehdr=) or in the device tree.
//
//   PT_NOTE   one for each CPU, then one whose p_paddr is that of the kernel's VMCOREINFO note
//   PT_LOAD   the memory of the kernel; not the memory that was set aside
//
// So it tells of two kernels which of them dumps the other. Sources: kernel/crash_core.c (crash_prepare_elf64_headers),
// kexec-tools' crashdump-elf.c.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/position.h"
#include "memory/physical_memory.h"

namespace memsect {

struct CrashHeader {
  PhysAddr at;
  std::vector<PhysAddr> notes;
  std::vector<PhysRange> loads;

  /// Whether it counts `address` to the memory of the kernel that is to be dumped.
  bool covers(PhysAddr address) const;
};

/// The header whose first bytes, `head`, lie at `at`; nothing where they are of something else. Of machines with 64-bit
/// words; other ELF core files are not told from it here.
std::optional<CrashHeader> read_crash_header(const PhysicalMemory& memory, PhysAddr at, Bytes head);

}  // namespace memsect
