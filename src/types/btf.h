// The types of a kernel out of its BTF: the compact form of its debug information that the kernel carries in
// its own image for BPF programs, whether or not a debug package is installed.
#pragma once

#include <memory>

#include "base/file.h"
#include "base/result.h"
#include "base/view.h"
#include "types/type_source.h"

namespace memsect {

/// Reads section .BTF of `vmlinux`, an ELF file of any architecture. Nothing of the file is needed
/// afterwards. `no_type` when it has no such section, `unsupported` for modules and object files: a module's
/// BTF only continues that of its vmlinux. Names are indexed when first needed, inside const calls: one
/// thread at a time.
Result<std::unique_ptr<TypeSource>> open_btf(const std::shared_ptr<const File>& vmlinux);

/// The same from the bytes of a .BTF section, /sys/kernel/btf/vmlinux or the memory of a kernel, which are
/// copied. BTF does not say how large a pointer is: `pointer_size` is 4 or 8.
Result<std::unique_ptr<TypeSource>> parse_btf(Bytes raw, unsigned pointer_size);

/// Section .BTF of `vmlinux` for one that is asked for little that it has: of its names alone, a third of it, is read
/// whether a name is there at all. All of it is read once one is. Fails as open_btf does.
Result<std::unique_ptr<TypeSource>> open_btf_sparingly(const std::shared_ptr<const File>& vmlinux);

}  // namespace memsect
