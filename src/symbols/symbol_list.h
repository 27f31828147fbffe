// Symbols as text: System.map, /proc/kallsyms, a saved copy of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "base/view.h"
#include "symbols/symbol_source.h"

namespace memsect {

/// A list of symbols, and what tells whether it is whole. It begins with the kernel image (_text, _stext), runs in ascending
/// order, and has the end of what it lists: _end where it has variables, _einittext where it has functions alone (a
/// kernel without CONFIG_KALLSYMS_ALL).
class SymbolList : public SymbolSource {
 public:
  /// What is missing of that, as the end of a sentence that begins with the list's name; empty when nothing is.
  virtual std::string shortcoming() const = 0;
  /// How many symbols of the kernel image it has.
  virtual std::size_t size() const = 0;
  /// Whether its addresses must be those at run time: /proc/kallsyms, or a copy with modules.
  virtual bool is_of_running_kernel() const = 0;
};

/// Whether a file begins as Debian's System.map in /boot does, one line that only says where the real one is.
bool is_placeholder_system_map(const File& file);

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
Result<std::unique_ptr<SymbolList>> open_symbol_list(const File& file, unsigned word_size = 0);

/// The same for the text of a list.
Result<std::unique_ptr<SymbolList>> parse_symbol_list(std::string_view text);

}  // namespace memsect
