// .symtab and its .strtab, 3 to 6 MB each in a vmlinux with 100,000 to 250,000 symbols. A run asks for some
// forty of them, so what counts is the one pass over all, and the memory that stays:
//
//   .strtab   read whole, hashed, given back
//   .symtab   read 64 KiB at a time, gives one Entry {hash of the name, symbol number} each
//   entries_  8 bytes a symbol, sorted by the top byte of the hash (one counting pass, which keeps the table's order)
//
// A look-up searches one of 256 buckets and then reads symbol and name from the file to make sure. Names in
// .strtab are in no order (the linker sorts them to merge common tails), so there is nothing to search them
// by directly, and a std::unordered_map of all of them costs ten times as much time and memory.
#include "symbols/elf_symtab.h"

#include <fmt/format.h>
#include <gelf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/large_buffer.h"
#include "elf/elf_sections.h"
#include "symbols/nearest_symbols.h"

namespace memsect {
namespace {

constexpr std::size_t piece_size = std::size_t{64} << 10;
/// Far above any kernel (allyesconfig: 100 MB): what is larger is damage.
constexpr std::uint64_t largest_table = std::uint64_t{1} << 30;

/// Where the table and its names lie in the file.
struct TablePlace {
  ByteOrder order = ByteOrder::little;
  bool is_64 = true;
  std::uint64_t symbols_offset = 0;
  std::uint64_t symbols_size = 0;
  std::uint64_t names_offset = 0;
  std::uint64_t names_size = 0;
};

/// Room behind a name for a whole word to be read.
constexpr std::size_t word_size = sizeof(std::uint64_t);

/// A hash of the NUL-terminated name at `name`, a word at a time; up to 7 bytes behind the NUL are read and
/// ignored.
std::uint32_t hash_name(const char* name) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  constexpr std::uint64_t ones = 0x0101010101010101;
  std::uint64_t hash = 0;
  for (;; name += word_size) {
    std::uint64_t word = 0;
    std::memcpy(&word, name, word_size);
    if constexpr (host_byte_order == ByteOrder::big) word = __builtin_bswap64(word);
    const std::uint64_t zero_bytes =
        (word - ones) & ~word & (ones << 7);  // its lowest bit marks the first NUL
    const bool last = zero_bytes != 0;
    if (last) word &= (zero_bytes & (~zero_bytes + 1)) - 1;  // keeps what stands before the NUL
    hash = (std::rotl(hash, 23) ^ word) * odd;
    if (last) return static_cast<std::uint32_t>(hash >> 32);
  }
}

/// A symbol without its name.
struct Symbol {
  std::uint32_t name = 0;
  std::uint8_t type = 0;
  std::uint16_t section = 0;
  std::uint64_t value = 0, size = 0;  ///< size 0: not told
};

/// An integer in the file's byte order; the fast path of load_unsigned for widths known at compile time.
template <class T>
T load(Bytes bytes, std::size_t at, ByteOrder order) {
  if (order != host_byte_order) return static_cast<T>(load_unsigned(bytes.subspan(at, sizeof(T)), order));
  T value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

/// Elf64_Sym: name 4, info 1, other 1, section 2, value 8, size 8. Elf32_Sym: name 4, value 4, size 4, info
/// 1, other 1, section 2.
Symbol read_symbol(Bytes entry, const TablePlace& place) {
  const ByteOrder order = place.order;
  const std::size_t info = place.is_64 ? 4 : 12;
  Symbol symbol;
  symbol.name = load<std::uint32_t>(entry, 0, order);
  symbol.type = GELF_ST_TYPE(load<std::uint8_t>(entry, info, order));
  symbol.section = load<std::uint16_t>(entry, info + 2, order);
  symbol.value = place.is_64 ? load<std::uint64_t>(entry, 8, order) : load<std::uint32_t>(entry, 4, order);
  symbol.size = place.is_64 ? load<std::uint64_t>(entry, 16, order) : load<std::uint32_t>(entry, 8, order);
  return symbol;
}

class ElfSymtab final : public SymbolSource {
 public:
  ElfSymtab(std::shared_ptr<const File> file, const TablePlace& place)
      : file_(std::move(file)), place_(place) {}
  /// Fills the index; once, before anything else.
  Result<void> load();

  std::string_view origin() const override { return "symtab"; }
  std::optional<VirtAddr> address_of(std::string_view name) const override;
  std::vector<std::optional<CodeSymbol>> code_at(std::span<const VirtAddr> addresses) const override;

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;
  };
  static constexpr unsigned bucket_bits = 8;
  static std::size_t bucket_of(std::uint32_t hash) { return hash >> (32 - bucket_bits); }

  std::size_t entry_size() const { return place_.is_64 ? 24 : 16; }
  /// Calls visit(symbol, number) for all that have a name.
  template <class Visit>
  Result<void> for_each_symbol(const Visit& visit) const;
  Result<std::vector<Entry>> read_entries() const;
  void sort_into_buckets(const std::vector<Entry>& entries);
  std::optional<Symbol> symbol_at(std::uint32_t number) const;
  std::optional<Symbol> symbol_if_named(std::uint32_t number, std::string_view name) const;

  std::shared_ptr<const File> file_;
  TablePlace place_;
  std::vector<Entry> entries_;
  std::array<std::uint32_t, (std::size_t{1} << bucket_bits) + 1> bucket_starts_{};
};

Result<void> ElfSymtab::load() {
  const LargeBuffer strings(place_.names_size + word_size);
  if (auto got = file_->read(place_.names_offset, strings.span().first(place_.names_size)); !got) {
    return std::move(got).error().within("symbol names");
  }
  std::memset(strings.data() + place_.names_size, 0,
              word_size);  // the last name ends, whatever the file says
  const char* const names = reinterpret_cast<const char*>(strings.data());
  auto entries = read_entries();
  if (!entries) return std::move(entries).error().within("symbol table");
  // The names lie in no order: without asking for them early every one is a cache miss to wait for.
  constexpr std::size_t ahead = 16;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    if (i + ahead < entries->size()) __builtin_prefetch(names + (*entries)[i + ahead].hash);
    (*entries)[i].hash = hash_name(names + (*entries)[i].hash);
  }
  sort_into_buckets(*entries);
  return {};
}

template <class Visit>
Result<void> ElfSymtab::for_each_symbol(const Visit& visit) const {
  const std::uint64_t size = place_.symbols_size / entry_size() * entry_size();
  std::vector<std::byte> piece(piece_size / entry_size() * entry_size());
  for (std::uint64_t done = 0; done < size; done += piece.size()) {
    piece.resize(std::min<std::uint64_t>(piece.size(), size - done));
    if (auto got = file_->read(place_.symbols_offset + done, piece); !got) return std::move(got).error();
    for (std::size_t at = 0; at < piece.size(); at += entry_size()) {
      const Symbol symbol = read_symbol(Bytes(piece).subspan(at, entry_size()), place_);
      const bool wanted =
          symbol.section != SHN_UNDEF && symbol.type != STT_SECTION && symbol.type != STT_FILE;
      if (!wanted || symbol.name >= place_.names_size) continue;
      visit(symbol, static_cast<std::uint32_t>((done + at) / entry_size()));
    }
  }
  return {};
}

/// The symbols worth a name, `hash` being the place of the name for now.
Result<std::vector<ElfSymtab::Entry>> ElfSymtab::read_entries() const {
  std::vector<Entry> entries;
  entries.reserve(place_.symbols_size / entry_size());
  auto done = for_each_symbol([&](const Symbol& symbol, std::uint32_t number) {
    entries.push_back({symbol.name, number});
  });
  if (!done) return std::move(done).error();
  return entries;
}

void ElfSymtab::sort_into_buckets(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) ++bucket_starts_[bucket_of(entry.hash) + 1];
  std::partial_sum(bucket_starts_.begin(), bucket_starts_.end(), bucket_starts_.begin());
  auto next = bucket_starts_;
  entries_.resize(entries.size());
  for (const Entry& entry : entries) entries_[next[bucket_of(entry.hash)]++] = entry;
}

std::optional<VirtAddr> ElfSymtab::address_of(std::string_view name) const {
  if (name.empty() || name.find('\0') != std::string_view::npos) return std::nullopt;
  std::string padded(name);
  padded.append(word_size, '\0');
  const std::uint32_t hash = hash_name(padded.c_str());
  for (std::size_t i = bucket_starts_[bucket_of(hash)]; i < bucket_starts_[bucket_of(hash) + 1]; ++i) {
    if (entries_[i].hash != hash) continue;
    if (const auto symbol = symbol_if_named(entries_[i].number, name)) return VirtAddr(symbol->value);
  }
  return std::nullopt;
}

/// Symbol `number` out of the file. One that has become unreadable knows no symbols.
std::optional<Symbol> ElfSymtab::symbol_at(std::uint32_t number) const {
  std::array<std::byte, 24> bytes{};
  const auto entry = std::span(bytes).first(entry_size());
  if (!file_->read(place_.symbols_offset + std::uint64_t{number} * entry_size(), entry)) return std::nullopt;
  const Symbol symbol = read_symbol(entry, place_);
  return symbol.name < place_.names_size ? std::optional(symbol) : std::nullopt;
}

/// The same, if it is called `name` there.
std::optional<Symbol> ElfSymtab::symbol_if_named(std::uint32_t number, std::string_view name) const {
  const auto symbol = symbol_at(number);
  if (!symbol || name.size() > place_.names_size - symbol->name) return std::nullopt;
  const bool ends_with_table = name.size() == place_.names_size - symbol->name;
  std::string there(name.size() + (ends_with_table ? 0 : 1), '\0');
  if (!file_->read(place_.names_offset + symbol->name, std::as_writable_bytes(std::span(there))))
    return std::nullopt;
  const bool same = std::string_view(there).substr(0, name.size()) == name;
  return same && (ends_with_table || there.back() == '\0') ? symbol : std::nullopt;
}

/// The kernel's own is_mapping_symbol(): the marks between code and data on arm64 and riscv64 ($x), labels of the compiler.
bool is_mark(std::string_view name) { return name.starts_with('$') || name.starts_with(".L"); }

std::vector<std::optional<CodeSymbol>> ElfSymtab::code_at(std::span<const VirtAddr> addresses) const {
  std::vector<std::optional<CodeSymbol>> found(addresses.size());
  std::string names(place_.names_size, '\0');
  if (!file_->read(place_.names_offset, std::as_writable_bytes(std::span(names)))) return found;
  const auto name_at = [&names](std::uint32_t at) {
    const std::string_view rest = std::string_view(names).substr(at);
    return rest.substr(0, rest.find('\0'));
  };
  NearestSymbols nearest(addresses);
  const auto done = for_each_symbol([&](const Symbol& symbol, std::uint32_t number) {
    const bool is_code = symbol.type == STT_FUNC || symbol.type == STT_NOTYPE;  // of assembly
    if (is_code && !is_mark(name_at(symbol.name))) nearest.show(VirtAddr(symbol.value), number);
  });
  if (!done) return found;  // the nearest may be in the part that cannot be read
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto below = nearest.below(addresses[i]);
    const auto symbol = below ? symbol_at(below->tag) : std::nullopt;
    if (!symbol) continue;
    const std::uint64_t offset = addresses[i] - below->at;
    // A table that was cut down lacks the function.
    if (symbol->size == 0 || offset < symbol->size)
      found[i] = CodeSymbol{std::string(name_at(symbol->name)), offset};
  }
  return found;
}

/// The first SHT_SYMTAB that has contents, checked against the size of the file.
Result<TablePlace> find_table(const ElfSections& sections) {
  const std::uint64_t file_size = sections.file()->size();
  for (const ElfSection& symbols : sections.all()) {
    if (symbols.type != SHT_SYMTAB || symbols.size == 0) continue;
    if (symbols.link >= sections.all().size() || sections.all()[symbols.link].type != SHT_STRTAB) {
      return Error{
          Errc::bad_format, fmt::format("symbol table: section {} holds no names", symbols.link), {}};
    }
    const ElfSection& names = sections.all()[symbols.link];
    for (const ElfSection* section : {&symbols, &names}) {
      if (section->compression != ElfSection::Compression::none)
        return Error{Errc::unsupported, "its symbol table is compressed", {}};
      const bool fits = section->offset <= file_size && section->size <= file_size - section->offset;
      if (fits && section->size <= largest_table) continue;
      return Error{Errc::bad_format,
                   fmt::format("symbol table: {:#x} bytes at offset {:#x} of a file of {:#x} bytes",
                               section->size, section->offset, file_size),
                   {}};
    }
    return TablePlace{sections.order(), sections.is_64(), symbols.offset,
                      symbols.size,     names.offset,     names.size};
  }
  return Error{Errc::no_symbol, "has no symbol table",
               "is it stripped? the vmlinux of the debug package has one"};
}

}  // namespace

Result<std::unique_ptr<SymbolSource>> open_elf_symtab(std::shared_ptr<const File> file) {
  const auto sections = ElfSections::open(file);
  if (!sections) return sections.error();
  auto place = find_table(**sections);
  if (!place) return std::move(place).error();
  auto table = std::make_unique<ElfSymtab>(std::move(file), *place);
  if (auto loaded = table->load(); !loaded) return std::move(loaded).error();
  return std::unique_ptr<SymbolSource>(std::move(table));
}

}  // namespace memsect
