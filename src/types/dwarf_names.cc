// One pass over all units, forward only, as far as somebody asked. Names are told by their place in the string table,
// and units of Rust are left out: their types of the same names are not the kernel's.
#include "types/dwarf_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "types/dwarf_scan.h"

namespace memsect {
namespace {

constexpr std::uint64_t language_rust = 0x1c;  // DW_LANG_Rust
constexpr std::uint64_t largest_unit = std::uint64_t{64} << 20;
constexpr std::uint64_t largest_table = std::uint64_t{16} << 20;
constexpr std::uint64_t form_string = 0x08, form_strp = 0x0e;

/// What makes text of a RawName.
struct NameReader {
  DwarfFile& file;
  const UnitHeader& header;
  Bytes unit;
  std::uint64_t str_offsets_base = 0;

  std::string_view operator()(const RawName& name) const {
    Result<std::string_view> text = std::string_view();
    if (name.form == form_strp) text = file.string_at(name.value);
    if (name.form == form_string) {
      const auto* const first = reinterpret_cast<const char*>(unit.data());
      const std::string_view rest = std::string_view(first, unit.size()).substr(name.value);
      text = rest.substr(0, rest.find('\0'));
    }
    if (is_indexed_string(name.form))
      text = file.indexed_string(name.value, str_offsets_base, header.offset_size);
    if (is_alternate_string(name.form)) {
      auto other = file.alternate();
      if (other) text = (*other)->string_at(name.value);
    }
    return text ? *text : std::string_view();
  }
};

DefinitionKind kind_of(DwarfTag tag) {
  if (tag == DwarfTag::subprogram) return DefinitionKind::function;
  return tag == DwarfTag::enumerator ? DefinitionKind::anonymous_enumerator : DefinitionKind::tag;
}

}  // namespace

Result<std::optional<std::uint64_t>> DwarfNames::find(DefinitionKind kind, std::string_view name) {
  auto headers = file_.units();
  if (!headers) return std::move(headers).error();
  const Names& names = names_[static_cast<std::size_t>(kind)];
  for (;;) {
    if (const auto known = names.find(name); known != names.end()) return std::optional(known->second);
    if (next_unit_ == (*headers)->size()) break;
    read_unit((**headers)[next_unit_++]);
  }
  if (failure_) return *failure_;
  return std::optional<std::uint64_t>();
}

void DwarfNames::read_unit(const UnitHeader& header) {
  const SectionPart& table = file_.part("abbrev");
  const auto fail = [this](Error error) {
    if (!failure_) failure_ = std::move(error);
  };
  if (header.size > largest_unit || header.abbrev_offset > table.size) {
    return fail(
        {Errc::corrupt, fmt::format(".debug_info: the unit at {:#x} makes no sense", header.offset), {}});
  }
  auto unit = file_.sections().read(file_.part("info").name, header.offset, header.size);
  auto abbreviations = file_.sections().whole(table.name);
  if (!unit) return fail(std::move(unit).error());
  if (!abbreviations) return fail(std::move(abbreviations).error());
  NameReader name_of{file_, header, *unit};
  bool is_split = false;
  const auto begin = [&](const ScannedRoot& root) {
    is_split = root.is_split;
    name_of.str_offsets_base =
        root.str_offsets_base.value_or(header.version < 5 ? 0 : std::uint64_t{2} * header.offset_size);
    return !is_split && root.language != language_rust;
  };
  const bool sound = scan_unit(
      header, *unit,
      abbreviations->subspan(header.abbrev_offset,
                             std::min(largest_table, table.size - header.abbrev_offset)),
      file_.sections().order(), file_.sections().address_size(), begin, [&](const ScannedEntry& entry) {
        const auto kind = static_cast<std::size_t>(kind_of(entry.tag));
        if (entry.name.form == form_strp && !is_new(kind, entry.name.value)) return;
        std::string_view name = name_of(entry.name);
        Names& names = names_[kind];
        if (name.empty() || names.count(name) != 0) return;
        if (entry.name.form == form_string) name = kept_.emplace_back(name);  // the bytes of the unit go
        names.emplace(name, header.offset);
      });
  if (!sound) {
    fail({Errc::corrupt,
          fmt::format(".debug_info: the entries of the unit at {:#x} make no sense", header.offset),
          {}});
  }
  if (is_split) read_split_unit(header);
}

/// Whether the text at that place of .debug_str was not met before; nearly all were, since units repeat each other.
bool DwarfNames::is_new(std::size_t kind, std::uint64_t offset) {
  std::vector<bool>& seen = seen_[kind];
  if (seen.empty()) seen.resize(file_.part("str").size);
  if (offset >= seen.size() || seen[offset]) return false;
  seen[offset] = true;
  return true;
}

/// The unit is in a .dwo file.
void DwarfNames::read_split_unit(const UnitHeader& header) {
  auto unit = DwarfUnit::open(file_, header.offset);
  if (!unit && unit.error().code == Errc::no_type) return;
  auto walked = unit ? (*unit)->for_each_definition([&](DefinitionKind kind, std::string_view name) {
    names_[static_cast<std::size_t>(kind)].emplace(name, header.offset);
  })
                     : Result<void>(std::move(unit).error());
  if (!walked && !failure_) failure_ = std::move(walked).error();
}

}  // namespace memsect
