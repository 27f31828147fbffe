// kallsyms_names and what it takes to read it (scripts/kallsyms.c writes, kernel/kallsyms.c reads):
//
//   names        one after the other: length, then that many token numbers. The text they spell begins with the
//                type, as nm writes it:   03 | 54 5f f7 -> "T" "_" "stext"
//                A length from 0x80 on is two bytes, 7 low bits first: Linux 73bbb94466fd ("kallsyms: support "big"
//                kernel symbols") (v6.1). Before it no name was that long.
//   markers      behind the names, at the next multiple of 8 (of 4 from 7.0 on): where names 0, 256, 512, ... begin,
//                32 bits each, a word before Linux 80ffbaa5b1bd ("kallsyms: reduce size a little on 64-bit") (v4.20)
//   token_table  the texts of the 256 tokens, each ended by a NUL
//   token_index  where each begins in it, 16 bits each
//
// The names are read once, 4 KiB at a time, and hashed token by token on the way without being spelled out. They are
// not kept: reading the few that are asked for again takes no longer than filling megabytes of fresh memory did.
//
// VMCOREINFO does not name the markers; where the names end, the markers must begin, and say the same as the walk over
// the names. A walk that once mistook a token for a length does not get there.
#include "symbols/kallsyms_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace memsect {
namespace {

constexpr std::size_t token_count = 256;
constexpr std::size_t names_per_marker = 256;
constexpr std::size_t longest_token = 1024;
/// Far above any kernel (allyesconfig: under a million symbols, 10 MB of names): what is larger is damage.
constexpr std::uint32_t most_symbols = 1U << 22;
constexpr std::uint64_t largest_names = std::uint64_t{64} << 20;
/// What is read at once, no page being smaller: nothing is asked of the page behind the last one needed.
constexpr std::uint64_t piece_size = 4096;
constexpr unsigned big_length = 0x80;

Error corrupt(std::string text) { return {Errc::corrupt, std::move(text), {}}; }

bool is_data(std::string_view token) {
  return !token.empty() && std::string_view("DdBb").find(token.front()) != std::string_view::npos;
}

}  // namespace

Result<KallsymsTokens> KallsymsTokens::load(const AddressSpace& space, const KallsymsPlace& place,
                                            ByteOrder order) {
  std::array<std::byte, token_count * 2> index{};
  if (auto got = space.read(place.token_index, index); !got) {
    return std::move(got).error().within("kallsyms_token_index");
  }
  KallsymsTokens tokens;
  for (std::size_t i = 0; i < token_count; ++i) {
    tokens.starts_[i] = static_cast<std::uint32_t>(load_unsigned(std::span(index).subspan(i * 2, 2), order));
    if (i == 0 ? tokens.starts_[0] == 0 : tokens.starts_[i] > tokens.starts_[i - 1]) continue;
    return corrupt(fmt::format("kallsyms_token_index: token {} begins at {:#x}, the one before it at {:#x}",
                               i, tokens.starts_[i], i == 0 ? 0 : tokens.starts_[i - 1]));
  }
  tokens.text_.resize(tokens.starts_[token_count - 1]);
  if (auto got = space.read(place.token_table, std::as_writable_bytes(std::span(tokens.text_))); !got) {
    return std::move(got).error().within("kallsyms_token_table");
  }
  auto last = space.read_text(place.token_table + tokens.text_.size(), longest_token);
  if (!last) return std::move(last).error().within("kallsyms_token_table");
  tokens.text_ += *last + '\0';
  tokens.starts_[token_count] = static_cast<std::uint32_t>(tokens.text_.size());
  for (std::size_t i = 0; i < token_count; ++i) {
    const bool ended = tokens.text_[tokens.starts_[i + 1] - 1] == '\0';
    if (ended && tokens[i].find('\0') == std::string_view::npos) continue;
    return corrupt(fmt::format("kallsyms_token_table: token {} does not end where the next begins", i));
  }
  return tokens;
}

/// Where the tokens of the next name begin in the window, and how many they are; whether all of it is there.
inline bool KallsymsNameReader::length_at(std::size_t& first, std::size_t& count) const {
  if (at_ >= window_.size()) return false;
  count = window_[at_];
  first = at_ + 1;
  if ((count & big_length) != 0) {
    if (first >= window_.size()) return false;
    count = (count & (big_length - 1)) | std::size_t{window_[first]} << 7;
    ++first;
  }
  return count <= window_.size() - first;
}

/// Drops what was read and appends what lies up to the end of the page: no other page is asked for before its time.
bool KallsymsNameReader::fill() {
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(at_));
  window_at_ += std::exchange(at_, 0);
  const std::size_t kept = window_.size();
  const VirtAddr next = names_ + window_at_ + kept;
  const std::uint64_t more = std::min(piece_size - next.raw() % piece_size, limit_ - window_at_ - kept);
  if (more == 0) {
    error_ = corrupt(fmt::format("a name of {} bytes reaches beyond their end", kept == 0 ? 0 : window_[0]));
    return false;
  }
  window_.resize(kept + static_cast<std::size_t>(more));
  const auto got = space_.read(next, std::as_writable_bytes(std::span(window_)).subspan(kept));
  if (!got) error_ = got.error();
  return static_cast<bool>(got);
}

inline std::span<const unsigned char> KallsymsNameReader::next() {
  std::size_t first = 0, count = 0;
  while (!length_at(first, count)) {
    if (!fill()) return {};
  }
  at_ = first + count;
  if (count == 0) error_ = corrupt("a name is empty");
  return std::span(window_).subspan(first, count);
}

Result<KallsymsNames> KallsymsNames::load(const AddressSpace& space, const KallsymsPlace& place,
                                          const KallsymsKernel& kernel) {
  std::array<std::byte, 4> bytes{};
  if (auto got = space.read(place.num_syms, bytes); !got) {
    return std::move(got).error().within("kallsyms_num_syms");
  }
  const std::uint64_t count = load_unsigned(bytes, kernel.order);
  if (count == 0 || count > most_symbols)
    return corrupt(fmt::format("kallsyms_num_syms: {} symbols make no sense", count));
  auto tokens = KallsymsTokens::load(space, place, kernel.order);
  if (!tokens) return std::move(tokens).error();
  KallsymsNames names(space, place.names);
  names.tokens_ = *std::move(tokens);
  if (auto done = names.walk(place, static_cast<std::uint32_t>(count)); !done) {
    return std::move(done).error().within("kallsyms_names");
  }
  if (auto done = names.check_markers(kernel); !done) return std::move(done).error();
  names.tables_.push_back({place.num_syms, bytes.size()});
  names.tables_.push_back({place.names, names.end_});
  names.tables_.push_back({place.token_table, names.tokens_.size()});
  names.tables_.push_back({place.token_index, token_count * 2});
  return names;
}

/// Reads and indexes `count` names.
Result<void> KallsymsNames::walk(const KallsymsPlace& place, std::uint32_t count) {
  // In every order of the tables token_table is behind the names.
  const std::uint64_t limit = std::min(place.token_table - place.names, largest_names);
  if (count > limit / 2) {
    return corrupt(
        fmt::format("{} names have no room in the {:#x} bytes up to kallsyms_token_table", count, limit));
  }
  index_.reserve(count);
  std::array<NameHash, token_count> hashes, first_hashes;
  std::array<bool, token_count> data{};
  for (std::size_t i = 0; i < token_count; ++i) {
    const std::string_view token = tokens_[i];
    hashes[i] = NameHash(token);
    first_hashes[i] = NameHash(token.substr(std::min<std::size_t>(token.size(), 1)));
    data[i] = is_data(token);
  }
  KallsymsNameReader reader(space_, place.names, limit);
  for (std::uint32_t number = 0; number < count; ++number) {
    if (number % names_per_marker == 0) marks_.push_back(static_cast<std::uint32_t>(reader.offset()));
    const auto name = reader.next();
    if (name.empty()) return Error(reader.error()).within(fmt::format("name {} of {}", number, count));
    NameHash hash = first_hashes[name[0]];
    has_data_symbols_ = has_data_symbols_ || data[name[0]];
    for (const unsigned char token : name.subspan(1)) hash.append(hashes[token]);
    index_.add(hash.value());
  }
  end_ = reader.offset();
  return {};
}

/// Whether the kernel's own markers, right behind the names, say what was found.
Result<void> KallsymsNames::check_markers(const KallsymsKernel& kernel) {
  std::string difference;
  for (const unsigned width : {4U, kernel.word_size}) {
    for (const std::uint64_t alignment : {4, 8}) {
      const VirtAddr end = names_ + end_;
      const VirtAddr markers = end + (alignment - end.raw() % alignment) % alignment;
      std::vector<std::byte> bytes(marks_.size() * width);
      if (auto got = space_.read(markers, bytes); !got) {
        if (!difference.empty()) continue;  // read further than they reach: the first difference says more
        return std::move(got).error().within("kallsyms_markers");
      }
      std::size_t same = 0;
      while (same < marks_.size() &&
             load_unsigned(std::span(bytes).subspan(same * width, width), kernel.order) == marks_[same])
        ++same;
      if (same == marks_.size()) {
        tables_.push_back({markers, bytes.size()});
        return {};
      }
      if (!difference.empty()) continue;
      difference = fmt::format("kallsyms_markers at {:#x}: name {} begins at {:#x}, the marker says {:#x}",
                               markers.raw(), same * names_per_marker, marks_[same],
                               load_unsigned(std::span(bytes).subspan(same * width, width), kernel.order));
    }
  }
  return corrupt(difference);
}

/// The tokens of name `number`, walked to from the mark before it.
Result<std::vector<unsigned char>> KallsymsNames::tokens_of(std::uint32_t number) const {
  KallsymsNameReader reader(space_, names_, end_, marks_[number / names_per_marker]);
  std::span<const unsigned char> name;
  for (std::size_t i = 0; i <= number % names_per_marker; ++i) {
    name = reader.next();
    if (name.empty()) return Error(reader.error()).within("kallsyms_names");
  }
  return std::vector<unsigned char>(name.begin(), name.end());
}

Result<std::string> KallsymsNames::spelled(std::uint32_t number) const {
  const auto tokens = tokens_of(number);
  if (!tokens) return tokens.error();
  std::string text;
  for (const unsigned char token : *tokens) text += tokens_[token];
  return text;
}

/// Whether these tokens spell a type and then `name`. Stops where they go astray: a damaged name can be long.
bool KallsymsNames::spells(const std::vector<unsigned char>& tokens, std::string_view name) const {
  bool type_seen = false;
  for (const unsigned char number : tokens) {
    std::string_view token = tokens_[number];
    if (!type_seen && !token.empty()) {
      token.remove_prefix(1);
      type_seen = true;
    }
    if (!name.starts_with(token)) return false;
    name.remove_prefix(token.size());
  }
  return name.empty();
}

Result<std::uint32_t> KallsymsNames::find(std::string_view name) const {
  std::optional<Error> unreadable;
  const auto number = index_.find(NameHash(name).value(), [&](std::uint32_t candidate) {
    const auto tokens = tokens_of(candidate);
    if (!tokens && !unreadable) unreadable = tokens.error();
    return tokens && spells(*tokens, name);
  });
  if (number) return *number;
  if (unreadable) return *std::move(unreadable);
  return Error{Errc::no_symbol, fmt::format("kallsyms has no symbol {}", name), {}};
}

}  // namespace memsect
