// Which of the places that know a kernel's symbols is asked, in this order:
//
//   a list that was named       System.map, a saved /proc/kallsyms
//   the vmlinux                 or its debug file
//   /proc/kallsyms              of the running kernel
//   kallsyms out of memory      the tables that the kernel keeps for itself
//   a System.map                where distributions put it, for kernels that keep no data symbols in memory
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "arch/arch.h"
#include "base/file.h"
#include "base/notes.h"
#include "base/result.h"
#include "kernel/input_files.h"
#include "kernel/vmlinux.h"
#include "memory/address_space.h"
#include "memory/vmcoreinfo.h"
#include "symbols/kallsyms.h"
#include "symbols/symbol_source.h"

namespace memsect {

/// What there is to choose from.
struct SymbolInputs {
  const InputFiles& files;
  const InputRequest& request;
  const Vmlinux* vmlinux = nullptr;  ///< null when there is none
  const Vmcoreinfo& vmcoreinfo;
  std::string dump_path;  ///< empty for the running kernel
  ByteOrder order = ByteOrder::little;
  unsigned word_size = 8;
  /// The kernel image in memory, as far as VMCOREINFO alone leads there; must stay readable while the symbols are used.
  std::function<Result<AddressSpace>()> image;
};

/// The chosen source, and the list it is in when it is one.
struct OpenedSymbols {
  std::unique_ptr<SymbolSource> symbols;
  std::shared_ptr<const File> list;
  /// What to add to its addresses to have run-time ones.
  std::uint64_t shift = 0;
};

/// Opens the first that is there. A list of another build is `mismatch`, unless request.force; `no_symbol` when there
/// is none, with what was found in each place.
Result<OpenedSymbols> open_symbols(const SymbolInputs& inputs, Notes& notes);

/// The kernel's own symbol table, out of `space`, which must stay readable while it is used: where VMCOREINFO says that
/// it lies, else where it is found.
Result<std::unique_ptr<Kallsyms>> open_dumped_kallsyms(const AddressSpace& space,
                                                       const Vmcoreinfo& vmcoreinfo, ByteOrder order,
                                                       unsigned word_size);

}  // namespace memsect
