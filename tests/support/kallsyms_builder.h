// Writes kallsyms tables for tests, as scripts/kallsyms.c did in the releases named below. Shares no code with the
// reader.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_order.h"
#include "base/position.h"
#include "support/dump_builder.h"
#include "symbols/kallsyms.h"

namespace memsect::test {

/// How addresses are written.
enum class KallsymsForm { absolute, base, per_cpu, place };

/// What lies behind what.
enum class KallsymsLayout {
  linux_5_10,  ///< addresses, num_syms, names, markers, tokens
  linux_6_2,   ///< the same with seqs_of_names before the tokens
  linux_6_12,  ///< num_syms, names, markers, tokens, addresses, seqs_of_names
};

struct KallsymsRecipe {
  std::vector<KallsymsSymbol> symbols;  ///< in order of addresses
  KallsymsForm form = KallsymsForm::base;
  KallsymsLayout layout = KallsymsLayout::linux_6_12;
  ByteOrder order = ByteOrder::little;
  unsigned word_size = 8;
  unsigned alignment = 8;     ///< of each table: 4 from 7.0 on
  unsigned number_width = 4;  ///< of num_syms and of a marker: a word before 4.20
  VirtAddr at;                ///< where the first table begins
  VirtAddr relative_base;
};

struct BuiltKallsyms {
  Buffer bytes;
  VirtAddr at;
  VirtAddr num_syms, names, markers, token_table, token_index, addresses, relative_base, seqs_of_names;
  std::size_t names_size = 0;
  KallsymsForm form = KallsymsForm::base;

  std::size_t offset_of(VirtAddr table) const { return static_cast<std::size_t>(table - at); }
  /// As VMCOREINFO names it.
  KallsymsPlace place() const;
};

BuiltKallsyms build_kallsyms(const KallsymsRecipe& recipe);

/// _text and _stext at `text`, per-CPU variables in front of them where `form` has such, and some `count` functions
/// and variables behind them, the last with a name of over 128 tokens.
std::vector<KallsymsSymbol> some_symbols(VirtAddr text, unsigned count,
                                         KallsymsForm form = KallsymsForm::base);

}  // namespace memsect::test
