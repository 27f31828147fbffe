// Where a kernel's image lies in memory, told by what must lie in it.
//
//   phys_base   of x86-64 before 4.10, whose VMCOREINFO has the variable's address alone (ac343e882a24, "x86/kdump: Fix
//               kdump kernel and phys_base", wrote its value): what headers say is held against memory, and then every
//               place is tried at which the image can begin, one each 2 MiB
//   the banner  of a dump without VMCOREINFO: where a vmlinux has linux_banner, and its notes with the build ID as far
//               from that as in the vmlinux
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch.h"
#include "memory/physical_memory.h"
#include "memory/vmcoreinfo.h"

namespace memsect {

/// Bytes from init_uts_ns on that have struct new_utsname in them.
constexpr std::size_t uts_namespace_size = 16 + 6 * 65;

struct Utsname {
  std::string machine;
};
/// The name of the kernel `release` in the bytes of a struct uts_namespace.
std::optional<Utsname> find_utsname(std::string_view bytes, const std::string& release);
/// Whether a kernel of `arch` calls its machine so.
bool is_machine(const ArchDriver& arch, std::string_view name);

/// x86-64's phys_base, signed modulo 2^64: of `told` or of all that there can be, the first with which memory has the
/// kernel's name and phys_base itself where VMCOREINFO puts them.
std::optional<std::uint64_t> find_phys_base(const PhysicalMemory& memory, const Vmcoreinfo& info,
                                            const std::vector<std::uint64_t>& told);

/// A vmlinux, as far as it tells what must lie in memory.
struct LinkedKernel {
  const ArchDriver& arch;
  ByteOrder order = ByteOrder::little;
  std::string build_id;                                             ///< empty when it has none
  std::function<std::optional<VirtAddr>(std::string_view)> symbol;  ///< addresses that it is linked to
};

struct FoundImage {
  PhysAddr at;  ///< of the banner
  std::string
      text;  ///< VMCOREINFO of that kernel: its own, or what it would say as far as page tables need it
};

/// The images of `kernel` in memory: several, where it was booted more than once. `not_in_dump` where there is none.
Result<std::vector<FoundImage>> find_images(
    const PhysicalMemory& memory, const LinkedKernel& kernel,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

}  // namespace memsect
