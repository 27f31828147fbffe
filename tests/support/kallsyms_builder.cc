#include "support/kallsyms_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace memsect::test {
namespace {

using Codes = std::vector<unsigned char>;

/// The 256 tokens, and each name in them.
struct Packed {
  std::array<std::string, 256> tokens;
  std::vector<Codes> names;
};

/// How many tokens are worked out. The others are there and never used, so that tests stay fast.
constexpr unsigned worked_out = 24;

/// The commonest pair of codes, and how often it comes.
std::pair<unsigned, unsigned> commonest_pair(const std::vector<Codes>& names) {
  std::vector<unsigned> counts(std::size_t{256} * 256);
  std::pair<unsigned, unsigned> best;
  for (const Codes& name : names) {
    for (std::size_t i = 1; i < name.size(); ++i) {
      const unsigned pair = name[i - 1] * 256U + name[i];
      if (++counts[pair] > best.second) best = {pair, counts[pair]};
    }
  }
  return best;
}

void replace_pair(Codes& name, unsigned pair, unsigned code) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool here = i + 1 < name.size() && name[i] == pair / 256 && name[i + 1] == pair % 256;
    name[kept++] = here ? static_cast<unsigned char>(code) : name[i];
    if (here) ++i;
  }
  name.resize(kept);
}

/// Replaces the commonest pair by a free code, again and again: what the kernel's optimize_token_table does.
Packed pack(const std::vector<KallsymsSymbol>& symbols) {
  Packed packed;
  for (const KallsymsSymbol& symbol : symbols) {
    const std::string text = symbol.type + symbol.name;
    packed.names.emplace_back(text.begin(), text.end());
    for (const char c : text) packed.tokens[static_cast<unsigned char>(c)] = c;
  }
  unsigned done = 0;
  for (unsigned code = 256; code-- > 0;) {
    if (!packed.tokens[code].empty()) continue;
    const auto [pair, count] =
        done < worked_out ? commonest_pair(packed.names) : std::pair<unsigned, unsigned>();
    if (count < 2) {
      packed.tokens[code] = fmt::format("~{:x}", code);
      continue;
    }
    ++done;
    packed.tokens[code] = packed.tokens[pair / 256] + packed.tokens[pair % 256];
    for (Codes& name : packed.names) replace_pair(name, pair, code);
  }
  return packed;
}

class Writer {
 public:
  explicit Writer(const KallsymsRecipe& recipe) : recipe_(recipe), packed_(pack(recipe.symbols)) {
    built_.at = recipe.at;
    built_.form = recipe.form;
  }
  BuiltKallsyms write() {
    const bool addresses_first = recipe_.layout != KallsymsLayout::linux_6_12;
    if (addresses_first) write_addresses();
    write_num_syms();
    write_names();
    if (recipe_.layout == KallsymsLayout::linux_6_2) write_seqs();
    write_tokens();
    if (!addresses_first) {
      write_addresses();
      write_seqs();
    }
    return std::move(built_);
  }

 private:
  VirtAddr here() const { return built_.at + built_.bytes.size(); }
  VirtAddr label() {
    while (here().raw() % recipe_.alignment != 0) built_.bytes.push_back({});
    return here();
  }
  void put(std::uint64_t value, std::size_t size) {
    built_.bytes.resize(built_.bytes.size() + size);
    put_unsigned(built_.bytes, built_.bytes.size() - size, value, size, recipe_.order);
  }
  void put_text(const std::string& text) {
    const Buffer bytes = to_bytes(text);
    built_.bytes.insert(built_.bytes.end(), bytes.begin(), bytes.end());
    built_.bytes.push_back({});
  }

  std::uint64_t stored(const KallsymsSymbol& symbol) const {
    const std::uint64_t address = symbol.address.raw();
    const std::uint64_t base = recipe_.relative_base.raw();
    switch (recipe_.form) {
      case KallsymsForm::absolute:
        return address;
      case KallsymsForm::base:
        return address - base;
      case KallsymsForm::per_cpu:
        return address < base ? address : base - 1 - address;
      case KallsymsForm::place:
        return address - here().raw();
    }
    return 0;
  }
  void write_addresses() {
    built_.addresses = label();
    const unsigned width = recipe_.form == KallsymsForm::absolute ? recipe_.word_size : 4;
    for (const KallsymsSymbol& symbol : recipe_.symbols) put(stored(symbol), width);
    if (recipe_.form != KallsymsForm::base && recipe_.form != KallsymsForm::per_cpu) return;
    built_.relative_base = label();
    put(recipe_.relative_base.raw(), recipe_.word_size);
  }
  void write_num_syms() {
    built_.num_syms = label();
    put(recipe_.symbols.size(), recipe_.number_width);
  }
  void write_names() {
    built_.names = label();
    std::vector<std::uint64_t> markers;
    for (std::size_t i = 0; i < packed_.names.size(); ++i) {
      const Codes& name = packed_.names[i];
      if (i % 256 == 0) markers.push_back(here() - built_.names);
      if (name.size() < 0x80) {
        put(name.size(), 1);
      } else {
        put((name.size() & 0x7f) | 0x80, 1);
        put(name.size() >> 7, 1);
      }
      for (const unsigned char code : name) put(code, 1);
    }
    built_.names_size = here() - built_.names;
    built_.markers = label();
    for (const std::uint64_t marker : markers) put(marker, recipe_.number_width);
  }
  /// Numbers of the symbols by name, each in three bytes, high byte first whatever the machine.
  void write_seqs() {
    built_.seqs_of_names = label();
    std::vector<std::size_t> numbers(recipe_.symbols.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
    std::stable_sort(numbers.begin(), numbers.end(), [&](std::size_t a, std::size_t b) {
      return recipe_.symbols[a].name < recipe_.symbols[b].name;
    });
    for (const std::size_t number : numbers) {
      for (const unsigned shift : {16, 8, 0}) put(number >> shift & 0xff, 1);
    }
  }
  void write_tokens() {
    built_.token_table = label();
    std::vector<std::uint64_t> starts;
    for (const std::string& token : packed_.tokens) {
      starts.push_back(here() - built_.token_table);
      put_text(token);
    }
    built_.token_index = label();
    for (const std::uint64_t start : starts) put(start, 2);
  }

  const KallsymsRecipe& recipe_;
  Packed packed_;
  BuiltKallsyms built_;
};

}  // namespace

KallsymsPlace BuiltKallsyms::place() const {
  using Form = KallsymsAddresses::Form;
  KallsymsPlace place;
  place.num_syms = num_syms;
  place.names = names;
  place.token_table = token_table;
  place.token_index = token_index;
  const Form as = form == KallsymsForm::absolute ? Form::absolute
                  : form == KallsymsForm::place  ? Form::place
                                                 : Form::base;
  place.addresses.push_back({as, addresses, relative_base});
  return place;
}

BuiltKallsyms build_kallsyms(const KallsymsRecipe& recipe) { return Writer(recipe).write(); }

std::vector<KallsymsSymbol> some_symbols(VirtAddr text, unsigned count, KallsymsForm form) {
  std::vector<KallsymsSymbol> symbols;
  if (form == KallsymsForm::per_cpu) {
    symbols.push_back({'A', "__per_cpu_start", VirtAddr(0)});
    symbols.push_back({'A', "cpu_number", VirtAddr(0x1f004)});
  }
  symbols.push_back({'T', "_text", text});
  symbols.push_back({'T', "_stext", text});
  for (unsigned i = 0; i < count; ++i)
    symbols.push_back({'t', fmt::format("do_function_{:x}", i * 2654435761U), text + 0x40 + i * 0x10});
  symbols.push_back({'t', "twice", text + 0x100000});
  symbols.push_back({'t', "twice", text + 0x100010});
  symbols.push_back({'D', "mem_section", text + 0x200000});
  symbols.push_back({'d', "mem_section_usage_size", text + 0x200008});
  // No pair of letters in it comes a second time, so that no token but letters can spell it.
  std::string big;
  for (char a = '0'; a <= '9'; ++a) {
    for (char b = 'A'; b <= 'Z'; ++b) big += {a, b};
  }
  symbols.push_back({'B', big, text + 0x300000});
  return symbols;
}

}  // namespace memsect::test
