// How units refer to what is not in them:
//
//   DW_FORM_ref_addr       an entry of another unit: the unit whose place is the last one before the entry's
//   DW_FORM_GNU_ref_alt    an entry of the file named in .gnu_debugaltlink, which `dwz -m` made
//   skeleton units         stand for a unit in a .dwo file (DWARF 5; before, DW_AT_GNU_dwo_name), told by its id. A .dwp
//                          has the sections of many .dwo one after the other, and an index:
//
//   .debug_cu_index   version 4 (2, or 5 in the first two bytes), columns, units, slots: 4 each
//                     ids 8 * slots   rows 4 * slots (from 1; 0: unused)
//                     sections 4 * columns   offsets 4 * columns * units   sizes 4 * columns * units
//
// Files are opened at once or never: later the sandbox is shut.
#include "types/dwarf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_reader.h"
#include "elf/debug_file.h"

namespace memsect {
namespace {

/// A kernel has 3,000 units, and after dwz as many as 30,000.
constexpr std::size_t most_units = 1'000'000;
constexpr std::uint32_t largest_index = 1 << 20;  ///< slots of a .dwp, columns are ten at most

/// DW_SECT_*, the same numbers in both versions.
struct PackageColumn {
  std::uint32_t id;
  std::string_view part;
};
constexpr std::array<PackageColumn, 3> package_columns{{{1, "info"}, {3, "abbrev"}, {6, "str_offsets"}}};

std::optional<std::uint64_t> split_id(const UnitDies& skeleton) {
  if (skeleton.header().is_skeleton()) return skeleton.header().id;
  const auto id = skeleton.root().number(DwarfAttribute::gnu_dwo_id);
  return id ? std::optional(static_cast<std::uint64_t>(*id)) : std::nullopt;
}

std::string_view split_name(const UnitDies& unit) {
  const std::string_view name = unit.text(unit.root(), DwarfAttribute::dwo_name);
  return name.empty() ? unit.text(unit.root(), DwarfAttribute::gnu_dwo_name) : name;
}

bool is_split(const UnitDies& unit) {
  return unit.root().has(DwarfAttribute::dwo_name) || unit.root().has(DwarfAttribute::gnu_dwo_name);
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

/// Where the .dwo file of a unit may be, as gdb looks for it.
std::vector<std::string> places_of(const UnitDies& skeleton, const std::string& image) {
  const std::string name(split_name(skeleton));
  if (name.empty()) return {};
  const std::string folder(skeleton.text(skeleton.root(), DwarfAttribute::comp_dir));
  std::vector<std::string> places;
  if (name.front() == '/') places.push_back(name);
  if (name.front() != '/' && !folder.empty()) places.push_back(folder + "/" + name);
  if (name.front() != '/') places.push_back(folder_of(image) + name);
  places.push_back(folder_of(image) + name.substr(name.rfind('/') + 1));
  return places;
}

}  // namespace

DwarfFile::DwarfFile(std::shared_ptr<ElfSections> sections, std::string_view suffix)
    : sections_(std::move(sections)), suffix_(suffix) {}
DwarfFile::~DwarfFile() = default;

const SectionPart& DwarfFile::part(std::string_view name) const {
  if (const auto known = parts_.find(name); known != parts_.end()) return known->second;
  SectionPart whole{fmt::format(".debug_{}{}", name, suffix_), 0, 0};
  whole.size = sections_->size_of(whole.name);
  return parts_.emplace(name, std::move(whole)).first->second;
}

Result<const UnitDies*> DwarfFile::unit_at(std::uint64_t offset) {
  auto known = units_.find(offset);
  if (known == units_.end()) {
    auto header = read_unit_header(*sections_, part("info").name, offset);
    if (!header) return std::move(header).error();
    auto unit = UnitDies::open(*this, *header, UnitDies::Extent::whole);
    if (!unit) return std::move(unit).error();
    known = units_.emplace(offset, std::move(*unit)).first;
  }
  const UnitDies& unit = *known->second;
  if (is_dwo() || !is_split(unit)) return &unit;
  return split_unit(unit);
}

Result<const std::vector<UnitHeader>*> DwarfFile::units() {
  if (headers_) return &*headers_;
  const std::string& section = part("info").name;
  // Compressed data is inflated from its beginning on, so what is read here and there is kept whole, where it can be.
  const ElfSection* const info = sections_->find(section);
  if (info != nullptr && info->compression != ElfSection::Compression::none)
    static_cast<void>(sections_->whole(section));
  std::vector<UnitHeader> headers;
  bool too_many = false;
  auto walked = walk_units(*sections_, section, [&](const UnitHeader& header) {
    too_many = headers.size() == most_units;
    if (!too_many) headers.push_back(header);
    return !too_many;
  });
  if (too_many) return Error{Errc::corrupt, fmt::format("{}: more units than any kernel has", section), {}};
  // Damage further on does not take back what comes before it.
  if (!walked && headers.empty()) return std::move(walked).error();
  headers_ = std::move(headers);
  return &*headers_;
}

Result<Die> DwarfFile::entry_at(std::uint64_t offset) {
  auto headers = units();
  if (!headers) return std::move(headers).error();
  const auto next =
      std::upper_bound((*headers)->begin(), (*headers)->end(), offset,
                       [](std::uint64_t at, const UnitHeader& unit) { return at < unit.offset; });
  if (next == (*headers)->begin() || offset - std::prev(next)->offset >= std::prev(next)->size) {
    return Error{Errc::corrupt, fmt::format(".debug_info: no unit has an entry at {:#x}", offset), {}};
  }
  auto unit = unit_at(std::prev(next)->offset);
  if (!unit) return std::move(unit).error();
  return (*unit)->at(offset - std::prev(next)->offset);
}

Result<std::string_view> DwarfFile::string_at(std::uint64_t offset) {
  auto strings = sections_->whole(part("str").name);
  if (!strings) return std::move(strings).error();
  const auto* const first = reinterpret_cast<const char*>(strings->data());
  const std::string_view all(first, strings->size());
  const std::size_t end = offset < all.size() ? all.find('\0', offset) : std::string_view::npos;
  if (end == std::string_view::npos)
    return Error{Errc::corrupt, fmt::format("{}: no text at {:#x}", part("str").name, offset), {}};
  return all.substr(offset, end - offset);
}

Result<std::string_view> DwarfFile::indexed_string(std::uint64_t index, std::uint64_t base,
                                                   unsigned offset_size) {
  const SectionPart& offsets = part("str_offsets");
  auto whole = sections_->whole(offsets.name);
  if (!whole) return std::move(whole).error();
  const std::uint64_t room = base <= offsets.size ? (offsets.size - base) / offset_size : 0;
  if (index >= room)
    return Error{Errc::corrupt, fmt::format("{}: there is no number {}", offsets.name, index), {}};
  const Bytes entry = whole->subspan(offsets.offset + base + index * offset_size, offset_size);
  return string_at(load_unsigned(entry, sections_->order()));
}

Result<bool> DwarfFile::may_have_name(std::string_view name) {
  // Compilers write a text that is no longer than an offset, 8 bytes in 64-bit DWARF, into the entry itself.
  constexpr std::size_t longest_inline = 8;
  auto strings = sections_->whole(part("str").name);
  if (!strings) return std::move(strings).error();
  if ((strings->empty() && !names_alternate()) || name.size() < longest_inline) return true;
  // Names of split units are in their own files; their addresses are here.
  if (sections_->size_of(".debug_addr") != 0) return true;
  // The linker lets a text end in another one, so nothing need be before it.
  const std::string wanted = std::string(name) + '\0';
  if (::memmem(strings->data(), strings->size(), wanted.data(), wanted.size()) != nullptr) return true;
  if (!names_alternate()) return false;
  auto other = alternate();
  if (!other) return std::move(other).error();
  return (*other)->may_have_name(name);
}

Result<DwarfFile*> DwarfFile::alternate() {
  if (alternate_) return alternate_.get();
  if (no_alternate_) return *no_alternate_;
  AlternateFileSearch search = find_alternate_file(*sections_);
  if (search.found) {
    auto sections = ElfSections::open(search.found);
    if (sections) {
      alternate_ = std::make_unique<DwarfFile>(std::move(*sections));
      return alternate_.get();
    }
    no_alternate_ = std::move(sections).error().within(search.found->path());
    return *no_alternate_;
  }
  std::string places;
  for (const std::string& place : search.tried) places += (places.empty() ? "" : ", ") + place;
  no_alternate_ = Error{
      Errc::unsupported,
      search.named.empty()
          ? "the debug information refers to a file of shared types, and none is named in .gnu_debugaltlink"
          : fmt::format(
                "the debug information refers to {}, which dwz made for several files and which was not "
                "found (looked at {})",
                search.named, places),
      "install the package that has it, or put the file beside the vmlinux"};
  return *no_alternate_;
}

void DwarfFile::open_other_files() {
  if (names_alternate()) static_cast<void>(alternate());
  auto package = File::open(sections_->file()->path() + ".dwp");
  if (package) package_ = std::move(*package);
}

bool DwarfFile::is_skeleton_at(std::uint64_t offset) {
  auto header = read_unit_header(*sections_, part("info").name, offset);
  if (!header) return false;
  auto unit = UnitDies::open(*this, *header, UnitDies::Extent::root_only);
  return unit && is_split(**unit);
}

void DwarfFile::open_dwo_of(std::uint64_t skeleton) {
  if (dwos_.count(skeleton) != 0) return;
  auto header = read_unit_header(*sections_, part("info").name, skeleton);
  if (!header) return;
  auto unit = UnitDies::open(*this, *header, UnitDies::Extent::root_only);
  if (unit && is_split(**unit)) static_cast<void>(dwo_of(**unit));
}

/// The .dwo file of a skeleton, or its part of the .dwp.
Result<DwarfFile*> DwarfFile::dwo_of(const UnitDies& skeleton) {
  const std::uint64_t key = skeleton.header().offset;
  if (const auto known = dwos_.find(key); known != dwos_.end()) return known->second.get();
  const auto id = split_id(skeleton);
  if (package_ && id) {
    if (!package_sections_) {
      auto sections = ElfSections::open(package_);
      if (!sections) return std::move(sections).error().within(package_->path());
      package_sections_ = std::move(*sections);
    }
    auto part = std::make_unique<DwarfFile>(package_sections_, ".dwo");
    if (part->narrow_to(*id)) return dwos_.emplace(key, std::move(part)).first->second.get();
  }
  std::string tried;
  for (const std::string& path : places_of(skeleton, sections_->file()->path())) {
    tried += fmt::format("{}{}", tried.empty() ? "" : ", ", path);
    auto file = File::open(path);
    if (!file) continue;
    auto sections = ElfSections::open(*file);
    if (!sections || (*sections)->size_of(".debug_info.dwo") == 0) continue;
    auto dwo = std::make_unique<DwarfFile>(std::move(*sections), ".dwo");
    const auto header = read_unit_header(dwo->sections(), ".debug_info.dwo", 0);
    if (!header) continue;
    const bool ids_known = header->version >= 5 && skeleton.header().is_skeleton();
    if (ids_known && header->id != skeleton.header().id) continue;  // left over from another build
    return dwos_.emplace(key, std::move(dwo)).first->second.get();
  }
  return Error{
      Errc::unsupported,
      fmt::format("the debug information of {} is in a .dwo file that is missing or of another build (looked "
                  "at {})",
                  split_name(skeleton), tried),
      "build a .dwp with dwp -e VMLINUX and put it beside the vmlinux, named VMLINUX.dwp"};
}

Result<const UnitDies*> DwarfFile::split_unit(const UnitDies& skeleton) {
  auto dwo = dwo_of(skeleton);
  if (!dwo) return std::move(dwo).error();
  return (*dwo)->unit_at((*dwo)->part("info").offset);
}

/// Of a .dwp: the parts of its sections that the unit `id` has.
Result<void> DwarfFile::narrow_to(std::uint64_t id) {
  auto index = sections_->whole(".debug_cu_index");
  if (!index) return std::move(index).error();
  const Error damaged{Errc::corrupt, ".debug_cu_index makes no sense", {}};
  ByteReader reader(*index, sections_->order());
  reader.skip(4);
  const std::uint32_t columns = reader.u32(), units = reader.u32(), slots = reader.u32();
  if (!reader.ok() || slots > largest_index || units > largest_index || columns > 16) return damaged;
  const std::size_t ids = reader.position(), rows = ids + std::size_t{8} * slots;
  const std::size_t table = rows + std::size_t{4} * slots;
  std::uint32_t row = 0;
  for (std::uint32_t slot = 0; slot < slots && row == 0 && reader.ok(); ++slot) {
    reader.seek(ids + std::size_t{8} * slot);
    if (reader.u64() != id) continue;
    reader.seek(rows + std::size_t{4} * slot);
    row = reader.u32();
  }
  if (!reader.ok() || row > units) return damaged;
  if (row == 0) return Error{Errc::no_type, fmt::format("the .dwp has no unit {:#x}", id), {}};
  for (std::uint32_t column = 0; column < columns; ++column) {
    reader.seek(table + std::size_t{4} * column);
    const std::uint32_t kind = reader.u32();
    const std::size_t cell = std::size_t{4} * columns * row + std::size_t{4} * column;
    reader.seek(table + cell);
    const std::uint32_t offset = reader.u32();
    reader.seek(table + std::size_t{4} * columns * units + cell);
    const std::uint32_t size = reader.u32();
    for (const PackageColumn& known : package_columns) {
      if (known.id != kind) continue;
      SectionPart narrowed = part(known.part);
      if (!reader.ok() || offset > narrowed.size || size > narrowed.size - offset) return damaged;
      narrowed.offset = offset;
      narrowed.size = size;
      parts_[std::string(known.part)] = narrowed;
    }
  }
  return {};
}

}  // namespace memsect
