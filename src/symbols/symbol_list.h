// Symbols as text: System.map, /proc/kallsyms, a saved copy of it.
#pragma once

#include <memory>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "base/view.h"
#include "symbols/symbol_source.h"

namespace memsect {

/// Whether a file that begins with `head` is such a list: its first line is of the form "ffffffff81000000 T _text".
bool looks_like_symbol_list(Bytes head);
/// The same for a file, which may be /proc/kallsyms: it has contents, but no size.
bool looks_like_symbol_list(const File& file);

/// Reads and indexes the list. Addresses are as it has them: link addresses in a System.map (origin "system.map"),
/// run-time ones in kallsyms (origin "kallsyms"). The latter is told by entries of modules, which are left out, or by
/// having no size; a saved copy without modules passes for a System.map. Read to its end whatever its size is said to
/// be, so /proc/kallsyms will do. `bad_format` when a line is none of a symbol list, `no_symbol` when all addresses are
/// 0, as /proc/kallsyms shows them to most users, `mismatch` when they are not those of a machine with words of
/// `word_size` bytes (0: any). A last line without a line feed may be cut and is left out.
Result<std::unique_ptr<SymbolSource>> open_symbol_list(const File& file, unsigned word_size = 0);

/// The same for the text of a list.
Result<std::unique_ptr<SymbolSource>> parse_symbol_list(std::string_view text);

}  // namespace memsect
