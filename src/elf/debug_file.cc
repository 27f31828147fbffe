// .gnu_debuglink:     name, NUL, padded to 4 bytes   u32 CRC-32 of the debug file, in the file's byte order
// .gnu_debugaltlink:  name, NUL, build ID of the file with what was shared (dwz -m)
// https://sourceware.org/gdb/current/onlinedocs/gdb.html/Separate-Debug-Files.html
#include "elf/debug_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/byte_reader.h"
#include "elf/elf_sections.h"

namespace memsect {
namespace {

constexpr std::string_view debug_root = "/usr/lib/debug";
constexpr std::uint64_t longest_link = 4096;

struct DebugLink {
  std::string name;
  std::uint32_t checksum = 0;
};

std::optional<DebugLink> read_debug_link(const std::shared_ptr<const File>& file) {
  const auto sections = ElfSections::open(file);
  if (!sections) return std::nullopt;
  const std::uint64_t size = (*sections)->size_of(".gnu_debuglink");
  if (size == 0 || size > longest_link) return std::nullopt;
  const auto bytes = (*sections)->read(".gnu_debuglink", 0, size);
  if (!bytes) return std::nullopt;
  ByteReader reader(*bytes, (*sections)->order());
  DebugLink link;
  link.name = reader.text(bytes->size());
  reader.seek(link.name.size() + 1);
  reader.align(4);
  link.checksum = reader.u32();
  const bool is_name = !link.name.empty() && link.name.find('/') == std::string::npos;
  return reader.ok() && is_name ? std::optional(link) : std::nullopt;
}

bool has_checksum(const File& file, std::uint32_t checksum) {
  std::vector<std::byte> piece(std::size_t{1} << 20);
  uLong sum = ::crc32(0, nullptr, 0);
  for (std::uint64_t at = 0; at < file.size(); at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), file.size() - at)));
    if (!file.read(at, piece)) return false;
    sum = ::crc32(sum, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size()));
  }
  return sum == checksum;
}

}  // namespace

DebugFileSearch find_debug_file(const std::shared_ptr<const File>& file, const ElfImage& image) {
  DebugFileSearch search;
  if (image.build_id.size() > 2) {
    search.tried.push_back(fmt::format("{}/.build-id/{}/{}.debug", debug_root, image.build_id.substr(0, 2),
                                       image.build_id.substr(2)));
  }
  const auto link = read_debug_link(file);
  if (link) {
    std::error_code unresolved;
    const auto folder = std::filesystem::canonical(file->path(), unresolved).parent_path().string();
    if (!unresolved) {
      search.tried.push_back(fmt::format("{}/{}", folder, link->name));
      search.tried.push_back(fmt::format("{}/.debug/{}", folder, link->name));
      search.tried.push_back(fmt::format("{}{}/{}", debug_root, folder, link->name));
    }
  }
  for (const std::string& path : search.tried) {
    auto candidate = File::open(path);
    if (!candidate) continue;
    const auto found = read_elf_image(**candidate);
    if (!found || !found->has_dwarf || found->machine != image.machine) continue;
    const bool both_tell = !image.build_id.empty() && !found->build_id.empty();
    const bool same = both_tell ? image.build_id == found->build_id
                                : link.has_value() && has_checksum(**candidate, link->checksum);
    if (!same) continue;
    search.found = std::move(*candidate);
    break;
  }
  return search;
}

AlternateFileSearch find_alternate_file(const ElfSections& sections) {
  AlternateFileSearch search;
  const std::uint64_t size = sections.size_of(".gnu_debugaltlink");
  if (size == 0 || size > longest_link) return search;
  const auto bytes = sections.read(".gnu_debugaltlink", 0, size);
  if (!bytes) return search;
  ByteReader reader(*bytes, sections.order());
  search.named = reader.text(bytes->size());
  if (search.named.empty() || search.named.size() + 1 >= bytes->size()) return search;
  std::string build_id;
  for (const std::byte byte : Bytes(*bytes).subspan(search.named.size() + 1))
    build_id += fmt::format("{:02x}", std::to_integer<unsigned>(byte));

  std::error_code unresolved;
  const std::filesystem::path own = std::filesystem::canonical(sections.file()->path(), unresolved);
  const std::filesystem::path name = search.named;
  if (name.is_absolute()) search.tried.push_back(search.named);
  if (!name.is_absolute() && !unresolved)
    search.tried.push_back((own.parent_path() / name).lexically_normal().string());
  if (!unresolved) search.tried.push_back((own.parent_path() / name.filename()).string());
  search.tried.push_back(fmt::format("{}/.dwz/{}", debug_root, name.filename().string()));
  if (build_id.size() > 2)
    search.tried.push_back(
        fmt::format("{}/.build-id/{}/{}.debug", debug_root, build_id.substr(0, 2), build_id.substr(2)));
  for (const std::string& path : search.tried) {
    auto candidate = File::open(path);
    if (!candidate) continue;
    const auto image = read_elf_image(**candidate);
    if (!image || !image->has_dwarf || image->build_id != build_id) continue;
    search.found = std::move(*candidate);
    break;
  }
  return search;
}

}  // namespace memsect
