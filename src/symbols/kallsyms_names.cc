// kallsyms_names and what it takes to read it (scripts/kallsyms.c writes, kernel/kallsyms.c reads):
//
//   names        one after the other: length, then that many token numbers. The text they spell begins with the
//                type, as nm writes it:   03 | 54 5f f7 -> "T" "_" "stext"
//                A length from 0x80 on is two bytes, 7 low bits first: Linux 73bbb94466fd ("kallsyms: support "big"
//                kernel symbols") (v6.1). Before it no name was that long.
//   markers      behind the names, at the next multiple of 8 (of 4 from 7.0 on): where names 0, 256, 512, ... begin,
//                32 bits each, a word before Linux 80ffbaa5b1bd ("kallsyms: reduce size a little on 64-bit") (v5.0)
//   token_table  the texts of the 256 tokens, each ended by a NUL
//   token_index  where each begins in it, 16 bits each
//
// The names are read once, 4 KiB at a time, and hashed token by token on the way without being spelled
// out. VMCOREINFO does not name the markers; where the names end, the markers must begin, and say the same as the
// walk over the names. A walk that once mistook a token for a length does not get there.
#include "symbols/kallsyms_names.h"

#include <fmt/format.h>

#include <algorithm>

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
  KallsymsNames names;
  names.tokens_ = *std::move(tokens);
  if (auto done = names.walk(space, place, static_cast<std::uint32_t>(count)); !done) {
    return std::move(done).error().within("kallsyms_names");
  }
  if (auto done = names.check_markers(space, place.names, kernel); !done) return std::move(done).error();
  names.tables_.push_back({place.num_syms, bytes.size()});
  names.tables_.push_back({place.names, names.end_});
  names.tables_.push_back({place.token_table, names.tokens_.size()});
  names.tables_.push_back({place.token_index, token_count * 2});
  return names;
}

/// The name at `at`, or false where it is not all there yet.
inline bool KallsymsNames::name_at(std::size_t at, Name& name) const {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(bytes_.data());
  if (at >= have_) return false;
  name.count = bytes[at];
  name.first = at + 1;
  if ((name.count & big_length) != 0) {
    if (name.first >= have_) return false;
    name.count = (name.count & (big_length - 1)) | std::size_t{bytes[name.first]} << 7;
    ++name.first;
  }
  return name.count <= have_ - name.first;
}

/// Reads and indexes `count` names.
Result<void> KallsymsNames::walk(const AddressSpace& space, const KallsymsPlace& place, std::uint32_t count) {
  // In every order of the tables token_table is behind the names.
  const std::uint64_t limit = std::min(place.token_table - place.names, largest_names);
  if (count > limit / 2) {
    return corrupt(
        fmt::format("{} names have no room in the {:#x} bytes up to kallsyms_token_table", count, limit));
  }
  bytes_ = LargeBuffer(static_cast<std::size_t>(limit));
  index_.reserve(count);
  std::array<NameHash, token_count> hashes, first_hashes;
  std::array<bool, token_count> data{};
  for (std::size_t i = 0; i < token_count; ++i) {
    const std::string_view token = tokens_[i];
    hashes[i] = NameHash(token);
    first_hashes[i] = NameHash(token.substr(std::min<std::size_t>(token.size(), 1)));
    data[i] = is_data(token);
  }
  const auto* const bytes = reinterpret_cast<const unsigned char*>(bytes_.data());
  for (std::uint32_t number = 0; number < count;) {
    Name name;
    if (!name_at(end_, name)) {
      const VirtAddr next = place.names + have_;
      const auto more =
          static_cast<std::size_t>(std::min(piece_size - next.raw() % piece_size, limit - have_));
      if (more == 0) return corrupt(fmt::format("name {} of {} reaches beyond their end", number, count));
      if (auto got = space.read(next, bytes_.span().subspan(have_, more)); !got) return got;
      have_ += more;
      continue;
    }
    if (name.count == 0) return corrupt(fmt::format("name {} of {} is empty", number, count));
    if (number % names_per_marker == 0) marks_.push_back(static_cast<std::uint32_t>(end_));
    const unsigned char* token = bytes + name.first;
    const unsigned char* const end = token + name.count;
    NameHash hash = first_hashes[*token];
    has_data_symbols_ = has_data_symbols_ || data[*token];
    for (++token; token != end; ++token) hash.append(hashes[*token]);
    index_.add(hash.value());
    end_ = name.first + name.count;
    ++number;
  }
  return {};
}

/// Whether the kernel's own markers, right behind the names, say what was found.
Result<void> KallsymsNames::check_markers(const AddressSpace& space, VirtAddr names,
                                          const KallsymsKernel& kernel) {
  std::string difference;
  for (const unsigned width : {4U, kernel.word_size}) {
    for (const std::uint64_t alignment : {4, 8}) {
      const VirtAddr end = names + end_;
      const VirtAddr markers = end + (alignment - end.raw() % alignment) % alignment;
      std::vector<std::byte> bytes(marks_.size() * width);
      if (auto got = space.read(markers, bytes); !got) {
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

/// Name `number`, walked to from the mark before it.
KallsymsNames::Name KallsymsNames::name_of(std::uint32_t number) const {
  std::size_t at = marks_[number / names_per_marker];
  Name name;
  name_at(at, name);  // all of them are there: walk() went over them
  for (std::size_t i = number % names_per_marker; i > 0; --i) {
    at = name.first + name.count;
    name_at(at, name);
  }
  return name;
}

std::string KallsymsNames::spelled(std::uint32_t number) const {
  const Name name = name_of(number);
  std::string text;
  for (const std::byte token : Bytes(bytes_.span()).subspan(name.first, name.count))
    text += tokens_[std::to_integer<std::size_t>(token)];
  return text;
}

/// Whether `number` spells a type and then `name`. Stops where it goes astray: a damaged name can be long.
bool KallsymsNames::is_named(std::uint32_t number, std::string_view name) const {
  const Name stored = name_of(number);
  bool type_seen = false;
  for (const std::byte byte : Bytes(bytes_.span()).subspan(stored.first, stored.count)) {
    std::string_view token = tokens_[std::to_integer<std::size_t>(byte)];
    if (!type_seen && !token.empty()) {
      token.remove_prefix(1);
      type_seen = true;
    }
    if (!name.starts_with(token)) return false;
    name.remove_prefix(token.size());
  }
  return name.empty();
}

std::optional<std::uint32_t> KallsymsNames::find(std::string_view name) const {
  return index_.find(NameHash(name).value(), [&](std::uint32_t number) { return is_named(number, name); });
}

}  // namespace memsect
