// Which kernel a dump is of. Most dumps bring one VMCOREINFO note, and it is right. Where they bring none, or one that does
// not describe this memory, the texts that kernels keep in memory are looked at, and there may be several:
//
//   left       by a reboot or by kexec: its image and its text lie untouched in memory that is free now; no CPU runs it
//   crashed    and being dumped by a capture kernel, as a hypervisor sees it: some CPUs halt in it, one runs the other
//   capturing  lies in the memory that crashkernel= set aside; the crashed kernel's ELF header (memory/crash_header.h) is
//              there, too, and says whose memory is to be dumped
//
// Taken is the crashed one before the one that dumps it, before one that CPUs run, before one that is only described by
// memory. All are named in a note, and the user can choose.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/notes.h"
#include "base/result.h"
#include "formats/format.h"
#include "kernel/image_search.h"
#include "kernel/kernel_look.h"
#include "memory/find_vmcoreinfo.h"
#include "memory/vmcoreinfo.h"

namespace memsect {

/// A text of VMCOREINFO and what is known of its kernel.
struct KernelCandidate {
  Vmcoreinfo info;
  std::vector<PhysAddr> at;          ///< where it lies in memory; empty for a note of the file
  std::optional<PhysAddr> image_at;  ///< of the banner, where it was found by the vmlinux
  std::size_t copies = 1;
  KernelLook look;
  bool captures = false;  ///< it dumps the memory of `crashed`
  bool crashed = false;   ///< another one that was found dumps it
};

struct WhichKernel {
  std::string wanted;  ///< the user's choice: a number in the list or an address of the text; empty for none
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  ///< of the search through memory
  /// The images in memory of the kernel whose vmlinux was named; null where none was.
  std::function<Result<std::vector<FoundImage>>()> find_images;
};

struct ChosenKernel {
  Vmcoreinfo info;
  const ArchDriver* arch = nullptr;  ///< proven by the machine's name in memory, else null
};

/// Chooses, and says in `notes` what there was to choose from. `not_in_dump` where neither the file nor memory has a text,
/// `usage` for a choice that is not there.
Result<ChosenKernel> choose_kernel(const Dump& dump, const WhichKernel& which, Notes& notes);

/// The number of the candidate to take. Marks those that crashed and those that capture.
std::size_t choose_among(std::vector<KernelCandidate>& candidates, const std::vector<CrashHeader>& headers,
                         const std::function<bool(const KernelCandidate&, PhysAddr header)>& may_use);

}  // namespace memsect
