// Finds the kallsyms tables in a kernel image by their shape. scripts/kallsyms.c has written them in three orders, each
// table at a multiple of 8 (of 4 with 32-bit words, and from 7.0 on):
//
//   to 6.1      [addresses | offsets, relative_base,] num_syms, names, markers, token_table, token_index
//   6.2 to 6.4  the same with seqs_of_names in front of token_table
//   later       num_syms, names, markers, token_table, token_index, offsets [, relative_base], seqs_of_names
//
// Nothing else in a kernel looks like token_index: 256 ascending numbers of 16 bits, the first of them 0, that are the
// starts of the texts right in front of them. From there everything follows:
//
//   token_table    begins where the last text does, less what the index says of it
//   markers        end in front of it, or in front of 3 bytes for each symbol: ascending numbers of 32 bits back to a 0
//   names          end in front of the markers. The last marker tells where the last names begin, the number of
//                  markers how many symbols there are, give or take 255; num_syms in front of the names says it again,
//                  and with it the last names end where the markers begin
//   addresses      in front of num_syms or behind token_index, in one of the forms of kallsyms.cc: all are proposed
#include "symbols/find_kallsyms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "symbols/kallsyms_names.h"

namespace memsect {
namespace {

constexpr std::size_t token_count = 256;
constexpr std::size_t index_size = token_count * 2;
constexpr std::uint64_t names_per_marker = 256;
constexpr std::uint64_t page_size =
    4096;  // no machine has smaller ones: what cannot be read is found page by page
constexpr std::uint64_t table_alignment = 4;  // of all of them, at least
constexpr std::uint64_t most_padding = 7;
constexpr std::uint64_t longest_token = 1024;
constexpr std::uint64_t most_markers = 1 << 14;   // as many as kallsyms_names.cc takes symbols
constexpr std::uint64_t largest_seqs = 3U << 20;  // of a million symbols
/// The names of one marker: 2 bytes each at least, and on average never near 64.
constexpr std::uint64_t least_step = names_per_marker * 2;
constexpr std::uint64_t largest_step = names_per_marker * 64;
/// Numbers that ascend like an index (character tables do, too), and such with texts in front of them. A kernel has a
/// few of the one and one of the other; a file made to keep us busy may have a million.
constexpr unsigned most_ascending = 4096;
constexpr unsigned most_token_tables = 16;
/// What of the image is read in search of an index. Kernels have less than 100 MB in front of their kallsyms.
constexpr std::uint64_t largest_scan = std::uint64_t{256} << 20;
/// What all else may take: bytes read, steps over names. The tables of a kernel take 100,000, with seqs_of_names in
/// front of the tokens up to 7 millions.
constexpr std::uint64_t most_work = std::uint64_t{1} << 27;
constexpr std::uint64_t read_work = 512;  // of any read, in addition

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

/// The markers, and what they say of the names in front of them.
struct Markers {
  VirtAddr at;
  std::uint64_t count = 0;
  std::uint64_t last = 0;  ///< the last one: where name (count - 1) * 256 begins
};

class KallsymsSearch {
 public:
  KallsymsSearch(const AddressSpace& space, const KallsymsKernel& kernel) : space_(space), kernel_(kernel) {}
  Result<KallsymsPlace> search(VirtRange image);

 private:
  struct Page {
    VirtAddr start;
    bool readable = false;
    std::vector<std::byte> bytes;
  };

  /// False when all work that is allowed has been done.
  bool spend(std::uint64_t work);
  bool gave_up() const;
  bool read(VirtAddr at, std::span<std::byte> out);
  std::vector<std::byte> read_back(VirtAddr end, std::uint64_t most);
  std::uint64_t number(Bytes bytes, std::size_t at, std::size_t size) const {
    return load_unsigned(bytes.subspan(at, size), kernel_.order);
  }
  std::optional<std::uint64_t> read_number(VirtAddr at, unsigned size);
  bool is_index(Bytes bytes) const;
  std::optional<KallsymsPlace> place_of(VirtAddr token_index);
  std::optional<VirtAddr> find_token_table(VirtAddr token_index);
  bool find_names(KallsymsPlace& place);
  bool names_before(const Markers& markers, KallsymsPlace& place);
  std::optional<Markers> markers_that_end_at(VirtAddr end, unsigned width);
  std::optional<Markers> markers_at(VirtAddr at, std::uint64_t count, unsigned width);
  bool find_names_before_seqs(KallsymsPlace& place, unsigned width);
  bool names_end(Bytes last_names, std::uint64_t count);
  void propose_addresses(KallsymsPlace& place);

  const AddressSpace& space_;
  const KallsymsKernel& kernel_;
  unsigned ascending_ = 0;
  unsigned token_tables_ = 0;
  std::uint64_t scanned_ = 0;
  std::uint64_t work_left_ = most_work;
  Page page_;  // the last one that read_number needed
};

bool KallsymsSearch::spend(std::uint64_t work) {
  const bool enough = work < work_left_;
  work_left_ = enough ? work_left_ - work : 0;
  return enough;
}

bool KallsymsSearch::gave_up() const {
  return ascending_ == most_ascending || token_tables_ == most_token_tables || scanned_ >= largest_scan ||
         work_left_ == 0;
}

bool KallsymsSearch::read(VirtAddr at, std::span<std::byte> out) {
  return spend(read_work + out.size()) && space_.read(at, out);
}

/// Bytes that end at `end`, as many as can be had up to `most`.
std::vector<std::byte> KallsymsSearch::read_back(VirtAddr end, std::uint64_t most) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(most));
  std::size_t start = bytes.size();  // of what has been read
  while (start > 0) {
    const VirtAddr have = end - (bytes.size() - start);
    const auto part =
        static_cast<std::size_t>(std::min<std::uint64_t>((have.raw() - 1) % page_size + 1, start));
    if (!read(have - part, std::span(bytes).subspan(start - part, part))) break;
    start -= part;
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(start));
  return bytes;
}

/// Hundreds of thousands of numbers are looked at, side by side: the page they are in is kept.
std::optional<std::uint64_t> KallsymsSearch::read_number(VirtAddr at, unsigned size) {
  if (!spend(size)) return std::nullopt;
  const std::uint64_t within = at.raw() % page_size;
  if (page_.bytes.empty() || page_.start != at - within) {
    page_.start = at - within;
    page_.bytes.resize(page_size);
    page_.readable = read(page_.start, page_.bytes);
  }
  if (page_.readable && within + size <= page_size)
    return number(page_.bytes, static_cast<std::size_t>(within), size);
  std::array<std::byte, 8> bytes{};
  if (!read(at, std::span(bytes).first(size))) return std::nullopt;
  return number(bytes, 0, size);
}

/// Whether these 512 bytes ascend from 0. Nearly all bytes of a kernel fail at the first two numbers.
bool KallsymsSearch::is_index(Bytes bytes) const {
  std::uint16_t first = 0;
  std::memcpy(&first, bytes.data(), sizeof first);
  if (first != 0) return false;
  std::uint64_t before = 0;
  for (std::size_t i = 1; i < token_count; ++i) {
    const std::uint64_t start = number(bytes, i * 2, 2);
    if (start <= before || start - before > longest_token) return false;
    before = start;
  }
  return true;
}

Result<KallsymsPlace> KallsymsSearch::search(VirtRange image) {
  std::vector<std::byte> bytes;  // what can be read in one piece: the end of the last page, this page
  bytes.reserve(index_size + page_size);
  VirtAddr at = image.start - image.start.raw() % table_alignment;
  while (image.contains(at) && !gave_up()) {
    const auto mapping = space_.mapping_at(at);
    const std::uint64_t to_page_end = page_size - at.raw() % page_size;
    if (mapping && !mapping->phys) {
      bytes.clear();
      at += std::max(round_up(std::min(mapping->size, image.end() - at), table_alignment), table_alignment);
      continue;
    }
    const std::size_t kept = bytes.size();
    bytes.resize(kept + static_cast<std::size_t>(to_page_end));
    const bool readable = mapping && space_.read(at, std::span(bytes).subspan(kept));
    at += to_page_end;
    scanned_ += to_page_end;
    if (!readable) {
      bytes.clear();
      continue;
    }
    const VirtAddr start = at - bytes.size();
    std::size_t i = 0;
    for (; i + index_size <= bytes.size() && !gave_up(); i += table_alignment) {
      if (!is_index(Bytes(bytes).subspan(i, index_size))) continue;
      if (auto place = place_of(start + i)) return *std::move(place);
      ++ascending_;
    }
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return Error{Errc::no_symbol,
               fmt::format("no kallsyms tables were found from {:#x} up to {:#x}{}", image.start.raw(),
                           std::min(at, image.end()).raw(),
                           gave_up() ? ", where the search was given up: no kernel takes that long" : ""),
               {}};
}

std::optional<KallsymsPlace> KallsymsSearch::place_of(VirtAddr token_index) {
  const auto token_table = find_token_table(token_index);
  if (!token_table) return std::nullopt;
  ++token_tables_;
  KallsymsPlace place;
  place.token_index = token_index;
  place.token_table = *token_table;
  if (!find_names(place)) return std::nullopt;
  propose_addresses(place);
  return place;
}

/// The table whose texts begin where the index says and end in front of it.
std::optional<VirtAddr> KallsymsSearch::find_token_table(VirtAddr token_index) {
  const auto last_start = read_number(token_index + index_size - 2, 2);
  const std::vector<std::byte> before = read_back(token_index, longest_token + most_padding);
  if (!last_start) return std::nullopt;
  for (std::size_t padding = 0; padding <= most_padding && padding < before.size(); ++padding) {
    const std::size_t end = before.size() - padding - 1;  // the NUL of the last text
    if (before[end] != std::byte{0}) break;
    std::size_t start = end;
    while (start > 0 && before[start - 1] != std::byte{0}) --start;
    KallsymsPlace place;
    place.token_index = token_index;
    place.token_table = token_index - (before.size() - start) - *last_start;
    if (place.token_table.raw() % table_alignment != 0) continue;
    if (!spend(read_work + *last_start)) break;
    if (KallsymsTokens::load(space_, place, kernel_.order)) return place.token_table;
  }
  return std::nullopt;
}

/// Fills in names and num_syms.
bool KallsymsSearch::find_names(KallsymsPlace& place) {
  for (const unsigned width : {4U, kernel_.word_size}) {
    for (const std::uint64_t padding : {0, 4}) {
      const auto markers = markers_that_end_at(place.token_table - padding, width);
      if (markers && names_before(*markers, place)) return true;
    }
  }
  return find_names_before_seqs(place, 4);  // seqs_of_names came after markers had become narrow
}

/// Numbers that descend to 0, read backwards from `end`.
std::optional<Markers> KallsymsSearch::markers_that_end_at(VirtAddr end, unsigned width) {
  Markers markers{end, 0, 0};
  std::uint64_t after = 0;
  while (markers.count < most_markers) {
    markers.at = markers.at - width;
    const auto marker = read_number(markers.at, width);
    if (!marker) return std::nullopt;
    if (markers.count == 0) markers.last = *marker;
    const bool descends = *marker < after && after - *marker >= least_step && after - *marker <= largest_step;
    if (markers.count > 0 && !descends) return std::nullopt;
    ++markers.count;
    if (*marker == 0) return markers;
    after = *marker;
  }
  return std::nullopt;
}

/// `count` numbers that ascend from 0, from `at` on.
std::optional<Markers> KallsymsSearch::markers_at(VirtAddr at, std::uint64_t count, unsigned width) {
  Markers markers{at, count, 0};
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto marker = read_number(at + i * width, width);
    if (!marker) return std::nullopt;
    const bool ascends = i == 0 ? *marker == 0
                                : *marker > markers.last && *marker - markers.last >= least_step &&
                                      *marker - markers.last <= largest_step;
    if (!ascends) return std::nullopt;
    markers.last = *marker;
  }
  return markers;
}

/// The same where seqs_of_names, three bytes a symbol, lie between markers and tokens: the distance of a marker 0
/// from the tokens tells how many markers there must be.
bool KallsymsSearch::find_names_before_seqs(KallsymsPlace& place, unsigned width) {
  constexpr std::uint64_t seqs_per_marker = names_per_marker * 3;
  const std::uint64_t each = width + seqs_per_marker;
  for (std::uint64_t distance = table_alignment; distance <= largest_seqs; distance += table_alignment) {
    const VirtAddr at = place.token_table - distance;
    const auto first = read_number(at, width);
    if (!first) return false;
    if (*first != 0) continue;
    const std::uint64_t least =
        std::max<std::uint64_t>(1, (distance - std::min(distance, 2 * most_padding)) / each);
    for (std::uint64_t count = least; count <= distance / each + 1; ++count) {
      const auto markers = markers_at(at, count, width);
      if (markers && names_before(*markers, place)) return true;
    }
  }
  return false;
}

/// Finds num_syms and the beginning of the names in front of the markers.
bool KallsymsSearch::names_before(const Markers& markers, KallsymsPlace& place) {
  // How far from the markers the last names begin is not known. Each place has its own idea of where the first
  // name is, and num_syms has to stand in front of that.
  const std::vector<std::byte> tail = read_back(markers.at, largest_step);
  for (std::size_t left = 2; left <= tail.size(); ++left) {
    const VirtAddr names = markers.at - left - markers.last;
    if (names.raw() % table_alignment != 0) continue;
    for (const std::uint64_t back : {8, 4}) {
      const auto count = read_number(names - back, 4);
      if (!count) continue;
      if (*count == 0 || (*count + names_per_marker - 1) / names_per_marker != markers.count) continue;
      const std::uint64_t last_names = *count - (markers.count - 1) * names_per_marker;
      if (!names_end(Bytes(tail).last(left), last_names)) continue;
      place.names = names;
      place.num_syms = names - back;
      return true;
    }
  }
  return false;
}

/// Whether `count` names fill these bytes, but for padding.
bool KallsymsSearch::names_end(Bytes last_names, std::uint64_t count) {
  std::size_t at = 0;
  if (!spend(count)) return false;
  for (; count > 0; --count) {
    if (at + 1 >= last_names.size()) return false;
    std::size_t length = std::to_integer<std::size_t>(last_names[at]);
    ++at;
    if ((length & 0x80) != 0) {
      length = (length & 0x7f) | std::to_integer<std::size_t>(last_names[at]) << 7;
      ++at;
    }
    if (length == 0 || length > last_names.size() - at) return false;
    at += length;
  }
  return last_names.size() - at <= most_padding;
}

/// All places and forms that the addresses have had. A proposal that is off by one entry would pass for right where
/// _text and _stext are one address: so where padding has to be guessed, it lies between a table and its base (a wrong
/// base puts _stext nowhere near), never between the names and the table.
void KallsymsSearch::propose_addresses(KallsymsPlace& place) {
  using Form = KallsymsAddresses::Form;
  const std::uint64_t word = kernel_.word_size;
  const std::uint64_t count = read_number(place.num_syms, 4).value_or(0);
  const VirtAddr behind = place.token_index + index_size;  // a multiple of 8 behind a label: no padding
  for (const std::uint64_t alignment : {8, 4})
    place.addresses.push_back({Form::base, behind, behind + round_up(count * 4, alignment)});
  place.addresses.push_back({Form::place, behind, {}});
  place.addresses.push_back({Form::absolute, behind, {}});
  // While they came first everything was aligned to words, and num_syms took one, in one half of it or whole.
  const VirtAddr num_syms = place.names - word;
  place.addresses.push_back({Form::base, num_syms - word - round_up(count * 4, word), num_syms - word});
  place.addresses.push_back({Form::absolute, num_syms - word * count, {}});
}

}  // namespace

Result<KallsymsPlace> find_kallsyms(const AddressSpace& space, VirtRange image,
                                    const KallsymsKernel& kernel) {
  return KallsymsSearch(space, kernel).search(image);
}

}  // namespace memsect
