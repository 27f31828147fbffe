// Which of the places that know a kernel's types is asked, in this order:
//
//   DWARF   of the vmlinux or its debug file: of the few units that nearly all is in, then the vmlinux's BTF, then of all
//           units. Where it cannot be read, BTF stands in for it, and a warning says so
//   BTF     of a file that was named; of the vmlinux; of the running kernel (/sys/kernel/btf/vmlinux); out of memory,
//           where the kernel keeps it between __start_BTF and __stop_BTF
//
// --types dwarf and --types btf allow one kind only; --types vmcoreinfo only what VMCOREINFO says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/notes.h"
#include "base/position.h"
#include "base/result.h"
#include "kernel/input_files.h"
#include "kernel/vmlinux.h"
#include "memory/address_space.h"
#include "memory/vmcoreinfo.h"
#include "types/type_source.h"

namespace memsect {

/// What there is to choose from.
struct TypeInputs {
  const InputFiles& files;
  const InputRequest& request;
  const Vmlinux* vmlinux = nullptr;  ///< null when there is none
  bool same_build = false;  ///< the build IDs of the vmlinux and of the dumped kernel are known and equal
  const Vmcoreinfo& vmcoreinfo;
  unsigned word_size = 8;
  ByteOrder order = ByteOrder::little;
  /// Link address of a symbol, kept for as long as the types are.
  std::function<std::optional<VirtAddr>(std::string_view)> link_address;
  /// Run-time address of a symbol.
  std::function<std::optional<VirtAddr>(std::string_view)> address;
  AddressSpace space;  ///< the kernel's memory; BTF is read from it at once or never
};

/// The chosen source, and the file it is in when that is another than the vmlinux.
struct OpenedTypes {
  std::unique_ptr<TypeSource> types;
  std::shared_ptr<const File> file;
};

/// Opens the first that is there. Types that carry no identity are held against VMCOREINFO: `mismatch` when they are
/// another kernel's, unless request.force. `no_type` when there is none, with what was found in each place.
Result<OpenedTypes> open_types(const TypeInputs& inputs, Notes& notes);

}  // namespace memsect
