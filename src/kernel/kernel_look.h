// What memory and the CPUs' registers say of a text of VMCOREINFO: whether the kernel that wrote it is in this memory, and
// whether it runs.
//
//   named    init_uts_ns, where the text has it, names the text's release. struct uts_namespace begins with a reference
//            count, up to 5.10, or with struct new_utsname: six texts of 65 bytes: system, node, release, version, machine
//   roots    the page tables lead to the kernel's image, and mem_section to memory
//   runs     the page tables of a CPU have _stext where this kernel has it; where no note tells of page tables, the stack
//            of a CPU holds addresses in this kernel's code
//
// A kernel that was left by a reboot or by kexec may be named and have its roots for as long as nobody needs its memory;
// no CPU runs it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arch/arch.h"
#include "formats/format.h"
#include "memory/vmcoreinfo.h"

namespace memsect {

/// A CPU, as far as it tells which kernel it runs.
struct CpuView {
  std::optional<CpuTables> tables;
  std::optional<VirtAddr> sp;
};
/// The CPUs of the dump, those that were off or tell nothing left out.
std::vector<CpuView> view_cpus(const Dump& dump, const ArchDriver& arch);

struct KernelLook {
  const ArchDriver* arch = nullptr;  ///< the machine that it was looked at as, null when none can be meant
  bool readable = false;             ///< whether the place of its name could be read
  bool named = false;
  bool machine_proven = false;  ///< by utsname in memory
  bool has_roots = false;
  unsigned cpus_here = 0;       ///< that run it
  unsigned cpus_elsewhere = 0;  ///< that run something else
  std::string added;  ///< lines that its text needs beside its own: what the text lacks and memory proves
};

/// The machine that the headers tell, null where they do not, or name one that no 64-bit text of VMCOREINFO is of.
const ArchDriver* told_arch(const DumpInfo& info, const Vmcoreinfo& vmcoreinfo);

/// Looks at the kernel that `info` tells of, without the CPUs.
KernelLook look_at_kernel(const Dump& dump, const Vmcoreinfo& info);
/// Fills in what the CPUs say.
void ask_cpus(const Dump& dump, const Vmcoreinfo& info, const std::vector<CpuView>& cpus, KernelLook& look);

}  // namespace memsect
