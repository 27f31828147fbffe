// Whether a dump and the files about its kernel belong together, by what each says of itself.
//
//   build ID      in VMCOREINFO (5.9+), in the kernel's own notes in memory, in a vmlinux
//   banner        "Linux version RELEASE ...", where a vmlinux says that it lies
//   symbols       those of VMCOREINFO, run-time addresses, against a list's: all are moved by the same amount
//   sizes         those of VMCOREINFO against a file's types: BTF carries no identity of its own
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_order.h"
#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "memory/vmcoreinfo.h"
#include "symbols/symbol_source.h"
#include "types/type_source.h"

namespace memsect {

/// 16 or 20 bytes in lower-case hexadecimal, and not all zeros.
bool is_build_id(std::string_view text);

/// The build ID in the notes that a kernel carries in its own image, [__start_notes, __stop_notes); empty when there is
/// none in them.
Result<std::string> dumped_build_id(const AddressSpace& space, VirtAddr start, VirtAddr stop,
                                    ByteOrder order);

/// Whether the text at `banner` says that it is the kernel `release`.
Result<bool> banner_names_release(const AddressSpace& space, VirtAddr banner, const std::string& release);

/// `mismatch` when a symbol that VMCOREINFO knows too lies elsewhere than `symbols` says, moved by `shift`, or when
/// `symbols` has none of those that VMCOREINFO knows.
Result<void> check_symbols(const Vmcoreinfo& info, const SymbolSource& symbols, std::uint64_t shift);

/// `mismatch` when a list of symbols would have to be moved by `shift` and cannot be: the addresses of a running kernel's
/// list are its own, and those of any other moved by KERNELOFFSET, or not at all (a saved kallsyms).
Result<void> check_shift(const Vmcoreinfo& info, bool is_of_running_kernel, std::uint64_t shift);

/// `mismatch` when a size, an offset or an enumerator in VMCOREINFO is not that of `types`.
Result<void> check_types(const Vmcoreinfo& info, const TypeSource& types);

/// The byte order of the memory: the one in which the pointers that VMCOREINFO leads to (section roots, pgdats) lead to
/// memory in turn. `claimed` when neither does, as of a kernel that has no such pointers.
ByteOrder order_of_memory(const AddressSpace& space, const Vmcoreinfo& info, ByteOrder claimed);

}  // namespace memsect
