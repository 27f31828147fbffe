// Raw memory: RAM files of QEMU (memory-backend-file), Firecracker, cloud-hypervisor; VMware's .vmem; pmemsave; ramdumps
// of phones. Nothing in such a file says where its bytes belong: the user does, by the name the part is given,
//
//   raw@0:ram                                         from physical address 0 on
//   raw@0x80000000:DDRCS0.BIN raw@0xc0000000:DDRCS1.BIN   several files
//   raw@0,size=3G:ram raw@4G,offset=3G:ram             one file, with the hole below 4 GiB that PCs have
//
// so this format is never sniffed. There is no note of VMCOREINFO: it is looked for in memory.
#include "formats/raw_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "formats/format.h"
#include "formats/piece_memory.h"

namespace memsect {
namespace {

constexpr std::string_view prefix = "raw@";
constexpr const char* form = "raw@ADDRESS[,offset=N][,size=N]:FILE, with numbers like 0x80000000 or 3G";

/// A number, decimal or hexadecimal, or one of KiB, MiB, GiB, TiB.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty() && !text.starts_with("0x")) {
    constexpr std::string_view units = "KMGT";
    const std::size_t unit = units.find(text.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  const auto number = parse_unsigned(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
  return *number << shift;
}

Error malformed(std::string_view name) {
  return {Errc::usage, fmt::format("{}: is not of the form in which raw memory is named", name), form};
}

Error overlapping(const std::string& one, const std::string& other, std::uint64_t at) {
  return {Errc::usage, fmt::format("{} and {} both hold physical address {:#x}", one, other, at),
          "give the place where each begins, and its size= where one is too long"};
}

bool sniff(std::span<const std::byte>) { return false; }

/// Which bytes of physical memory a part is.
Result<MemoryPiece> place(const ByteSource& part, std::uint32_t index) {
  auto name = parse_raw_name(part.name());
  if (!name) return std::move(name).error();
  MemoryPiece piece{name->address, 0, name->offset, index};
  const std::uint64_t present = part.size() - std::min(part.size(), name->offset);
  piece.size = name->size.value_or(present);
  if (piece.size == 0) {
    return Error{Errc::usage,
                 fmt::format("{}: has no bytes there: the file has {:#x}", part.name(), part.size()), form};
  }
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  if (piece.size > most - piece.start || piece.size > most - piece.offset) {
    return Error{Errc::usage, fmt::format("{}: reaches beyond the last address", part.name()), form};
  }
  return piece;
}

Result<Dump> read(const DumpParts& parts) {
  std::vector<MemoryPiece> pieces;
  for (const auto& part : parts) {
    auto piece = place(*part, static_cast<std::uint32_t>(pieces.size()));
    if (!piece) return std::move(piece).error();
    pieces.push_back(*piece);
  }
  std::vector<MemoryPiece> sorted = pieces;
  std::sort(sorted.begin(), sorted.end(),
            [](const MemoryPiece& a, const MemoryPiece& b) { return a.start < b.start; });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].start - sorted[i - 1].start < sorted[i - 1].size)
      return overlapping(parts[sorted[i - 1].part]->name(), parts[sorted[i].part]->name(), sorted[i].start);
  }
  Dump dump;
  dump.info.format = "raw";
  dump.info.compression = "none";
  dump.info.parts = static_cast<unsigned>(parts.size());
  if (!are_whole(pieces, parts)) {
    dump.info.truncated = true;
    dump.notes.warn("the dump is cut off: a file of raw memory ends before the size= that was given");
  }
  dump.info.advice =
      "raw memory was named: is each raw@ADDRESS the place where its file begins, and is none missing?";
  dump.memory =
      std::make_unique<PieceMemory>(parts, std::move(pieces), "is in none of the files of raw memory");
  return dump;
}

}  // namespace

bool is_raw_name(std::string_view name) { return name.starts_with(prefix); }

Result<RawName> parse_raw_name(std::string_view name) {
  if (!is_raw_name(name)) return malformed(name);
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos || colon + 1 == name.size()) return malformed(name);
  RawName raw;
  raw.path = name.substr(colon + 1);
  std::string_view words = name.substr(prefix.size(), colon - prefix.size());
  if (words.ends_with(',')) return malformed(name);
  for (bool first = true; first || !words.empty(); first = false) {
    const std::string_view word = words.substr(0, words.find(','));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    const std::size_t equals = word.find('=');
    const std::string_view key = equals == std::string_view::npos ? "" : word.substr(0, equals);
    const auto number = parse_number(key.empty() ? word : word.substr(equals + 1));
    if (!number || first != key.empty()) return malformed(name);
    if (first)
      raw.address = *number;
    else if (key == "offset")
      raw.offset = *number;
    else if (key == "size")
      raw.size = *number;
    else
      return malformed(name);
  }
  return raw;
}

extern const FormatDriver raw_memory{"raw", sniff, read};

}  // namespace memsect
