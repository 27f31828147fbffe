// libdwarf, behind its object access interface: it asks us for "sections", and gets
//
//   .debug_info     the bytes of ONE unit, so that nothing is read or scanned for the other 3,000 of a vmlinux. Entries
//                   refer to each other by offsets inside their unit, which hold as they are.
//   .debug_abbrev   the ONE table of that unit; the offset of it in the unit's header, our copy, is set to 0
//   .debug_str, .debug_line_str, ...    as they are, whole, when first needed: strings are reached by their own offsets
//
// What leads out of the unit is ours to follow, since libdwarf knows of no other: references of the forms DW_FORM_ref_addr
// (another unit; dwz and link-time optimisation write them), DW_FORM_GNU_ref_alt and _ref_sup (the file that dwz -m made),
// and strings through .debug_str_offsets (DW_FORM_strx; the base is the unit's, or its file's) or in that other file.
//
// Opening a vmlinux of 600 MB the usual way (dwarf_init_path) costs 0.5 to 1.6 s and up to 820 MB, and
// applies the leftover relocations of Debian's 5.10 and 6.1. This way it is a few milliseconds.
//
// Two libdwarfs are served: 20210528 (Debian 12) and 0.x and later. They differ in the names of the
// interface's structs and members and in how a handle is closed, and in nothing else used here: the only
// #ifdef of the project.
#include "types/dwarf_die.h"

#include <fmt/format.h>
#include <libdwarf.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "types/dwarf_file.h"

namespace memsect {
namespace {

/// The first bytes of a unit, enough for the entry of the unit itself.
constexpr std::uint64_t root_extent = 4096;
/// Five times the largest unit of any vmlinux seen; guards memory against a damaged length.
constexpr std::uint64_t largest_unit = 64 << 20;
constexpr std::size_t first_abbrev_window = std::size_t{32} << 10;
constexpr std::size_t largest_abbrev_table = std::size_t{16} << 20;

// DW_FORM_* and DW_OP_*; <dwarf.h> is a header of elfutils as well, and which one is found is chance.
constexpr Dwarf_Half form_ref_addr = 0x10;
constexpr Dwarf_Half form_ref_sig8 = 0x20;
constexpr Dwarf_Half form_sdata = 0x0d;
constexpr Dwarf_Half form_implicit_const = 0x21;
constexpr std::uint8_t op_plus_uconst = 0x23;

/// DW_FORM_GNU_ref_alt, _ref_sup4, _ref_sup8.
bool leads_to_alternate(Dwarf_Half form) { return form == 0x1f20 || form == 0x1c || form == 0x24; }

/// What libdwarf may ask for. The two that are ours come first; number 0 is the empty section of every ELF
/// file. .debug_rnglists is left out on purpose: libdwarf would parse all of it, 3 MB, and types have no
/// address ranges.
constexpr std::array<const char*, 7> section_names = {
    "", ".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str", ".debug_str_offsets", ".debug_addr"};
constexpr std::array<const char*, 5> dwo_section_names = {"", ".debug_info.dwo", ".debug_abbrev.dwo",
                                                          ".debug_str.dwo", ".debug_str_offsets.dwo"};
constexpr std::array<const char*, 5> dwo_parts = {"", "info", "abbrev", "str", "str_offsets"};
constexpr std::size_t info_index = 1;
constexpr std::size_t abbrev_index = 2;

/// What the callbacks of the interface work on.
struct Provider {
  DwarfFile* file = nullptr;
  std::vector<std::byte> info;
  std::vector<std::byte> abbrev;
  std::optional<Error> failure;  ///< why a section could not be loaded: libdwarf keeps a number only

  std::size_t count() const { return file->is_dwo() ? dwo_section_names.size() : section_names.size(); }
  const char* name_of(std::size_t index) const {
    return file->is_dwo() ? dwo_section_names[index] : section_names[index];
  }
  std::uint64_t size_of(std::size_t index) const {
    if (index == info_index) return info.size();
    if (index == abbrev_index) return abbrev.size();
    if (index == 0) return 0;
    return file->is_dwo() ? file->part(dwo_parts[index]).size
                          : file->sections().size_of(section_names[index]);
  }
  Result<Bytes> bytes_of(std::size_t index) {
    if (index == info_index) return Bytes(info);
    if (index == abbrev_index) return Bytes(abbrev);
    auto whole = file->sections().whole(name_of(index));
    if (!whole || !file->is_dwo()) return whole;
    const SectionPart& part = file->part(dwo_parts[index]);
    return whole->subspan(part.offset, part.size);  // part() has held it against the section
  }
};

Provider& provider_of(void* object) { return *static_cast<Provider*>(object); }

Dwarf_Small word_size(void* object) {
  return static_cast<Dwarf_Small>(provider_of(object).file->sections().address_size());
}
Dwarf_Unsigned section_count(void* object) { return provider_of(object).count(); }

template <class Index>
int load_section(void* object, Index index, Dwarf_Small** data, int* error) {
  Provider& provider = provider_of(object);
  if (index >= provider.count()) return DW_DLV_NO_ENTRY;
  auto bytes = provider.bytes_of(index);
  if (!bytes) {
    provider.failure = std::move(bytes).error();
    *error = DW_DLE_IOF;
    return DW_DLV_ERROR;
  }
  if (bytes->empty()) return DW_DLV_NO_ENTRY;
  // libdwarf's type for bytes it only reads.
  *data = const_cast<Dwarf_Small*>(reinterpret_cast<const Dwarf_Small*>(bytes->data()));
  return DW_DLV_OK;
}

#ifdef MEMSECT_OLD_LIBDWARF

using ObjectInterface = Dwarf_Obj_Access_Interface;

int section_info(void* object, Dwarf_Half index, Dwarf_Obj_Access_Section* info, int*) {
  if (index >= provider_of(object).count()) return DW_DLV_NO_ENTRY;
  *info = {};
  info->name = provider_of(object).name_of(index);
  info->size = provider_of(object).size_of(index);
  return DW_DLV_OK;
}
Dwarf_Endianness byte_order(void* object) {
  return provider_of(object).file->sections().order() == ByteOrder::big ? DW_OBJECT_MSB : DW_OBJECT_LSB;
}
constexpr Dwarf_Obj_Access_Methods object_methods = {section_info,  byte_order,   word_size, word_size,
                                                     section_count, load_section, nullptr};
void finish(Dwarf_Debug debug) {
  Dwarf_Error error = nullptr;
  dwarf_object_finish(debug, &error);
}

#else

using ObjectInterface = Dwarf_Obj_Access_Interface_a;
constexpr Dwarf_Small end_big = 1;     // DW_END_big
constexpr Dwarf_Small end_little = 2;  // DW_END_little

int section_info(void* object, Dwarf_Unsigned index, Dwarf_Obj_Access_Section_a* info, int*) {
  if (index >= provider_of(object).count()) return DW_DLV_NO_ENTRY;
  *info = {};
  info->as_name = provider_of(object).name_of(index);
  info->as_size = provider_of(object).size_of(index);
  return DW_DLV_OK;
}
Dwarf_Small byte_order(void* object) {
  return provider_of(object).file->sections().order() == ByteOrder::big ? end_big : end_little;
}
/// Bounds what libdwarf believes of section sizes.
Dwarf_Unsigned file_size(void* object) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < provider_of(object).count(); ++i) size += provider_of(object).size_of(i);
  return size;
}
constexpr Dwarf_Obj_Access_Methods_a object_methods = [] {
  Dwarf_Obj_Access_Methods_a methods{};
  methods.om_get_section_info = section_info;
  methods.om_get_byte_order = byte_order;
  methods.om_get_length_size = word_size;
  methods.om_get_pointer_size = word_size;
  methods.om_get_filesize = file_size;
  methods.om_get_section_count = section_count;
  methods.om_load_section = load_section;
  return methods;
}();
void finish(Dwarf_Debug debug) { dwarf_object_finish(debug); }

#endif

struct DebugDeleter {
  void operator()(Dwarf_Debug_s* debug) const { finish(debug); }
};
struct AttributeDeleter {
  void operator()(Dwarf_Attribute_s* attribute) const { dwarf_dealloc_attribute(attribute); }
};
using Attribute = std::unique_ptr<Dwarf_Attribute_s, AttributeDeleter>;

class LibdwarfUnit final : public UnitDies {
 public:
  LibdwarfUnit(DwarfFile& file, const UnitHeader& header) : file_(file), header_(header) {
    provider_.file = &file;
  }
  LibdwarfUnit(const LibdwarfUnit&) = delete;
  LibdwarfUnit& operator=(const LibdwarfUnit&) = delete;
  /// Reads the bytes and hands them to libdwarf; once, before anything else.
  Result<void> load(Extent extent);

  const UnitHeader& header() const override { return header_; }
  const AbbrevTraits& abbrev_traits() const override { return abbrev_traits_; }
  const Die& root() const override { return root_; }
  Result<Die> at(std::uint64_t offset) const override;
  std::string_view text(const Die& die, DwarfAttribute attribute) const override;

 protected:
  Result<void> for_each_child(const Die& parent, const std::function<bool(const Die&)>& visit) const override;
  DwarfTag tag(const Die& die) const override;
  std::uint64_t offset(const Die& die) const override;
  std::string_view name(const Die& die) const override;
  bool has(const Die& die, DwarfAttribute attribute) const override;
  std::optional<std::int64_t> number(const Die& die, DwarfAttribute attribute) const override;
  Result<std::uint64_t> member_location(const Die& member) const override;
  Result<Die> follow(const Die& die, DwarfAttribute attribute) const override;

 private:
  Result<void> load_info(Extent extent);
  Result<void> load_abbreviations();
  Result<void> open_handle();
  Attribute attribute_of(const Die& die, DwarfAttribute attribute) const;
  /// DW_FORM_*, 0 when libdwarf does not tell.
  Dwarf_Half form_of(const Attribute& attribute) const;
  Result<std::uint64_t> reference_in(const Attribute& attribute) const;
  Result<std::uint64_t> str_offsets_base() const;
  std::optional<std::int64_t> number_in(const Attribute& attribute) const;
  /// What libdwarf said, or what the section provider had to say before.
  Error failed(Dwarf_Error error, std::string_view doing) const;
  /// For calls whose failure means "is not there": frees the error.
  void forget(Dwarf_Error error) const {
    if (error != nullptr) dwarf_dealloc_error(debug_.get(), error);
  }

  DwarfFile& file_;
  UnitHeader header_;
  AbbrevTraits abbrev_traits_;
  mutable std::optional<std::uint64_t> str_offsets_base_;
  mutable Provider provider_;
  ObjectInterface interface_{};
  std::unique_ptr<Dwarf_Debug_s, DebugDeleter> debug_;
  Die root_;
};

Result<void> LibdwarfUnit::load(Extent extent) {
  if (auto info = load_info(extent); !info) return info;
  if (auto abbreviations = load_abbreviations(); !abbreviations) return abbreviations;
  return open_handle();
}

Result<void> LibdwarfUnit::load_info(Extent extent) {
  if (header_.size > largest_unit && extent == Extent::whole) {
    return Error{Errc::unsupported,
                 fmt::format(".debug_info: the unit at {:#x} has {} MiB", header_.offset, header_.size >> 20),
                 {}};
  }
  const std::uint64_t size = extent == Extent::whole ? header_.size : std::min(header_.size, root_extent);
  auto info = file_.sections().read(provider_.name_of(info_index), header_.offset, size);
  if (!info) return std::move(info).error();
  provider_.info = std::move(*info);
  return {};
}

/// Writes `value` over an integer in our copy of the unit.
void patch(std::span<std::byte> field, std::uint64_t value, ByteOrder order) {
  for (std::size_t i = 0; i < field.size(); ++i) {
    const std::size_t at = order == ByteOrder::little ? i : field.size() - 1 - i;
    field[at] = static_cast<std::byte>(value >> (8 * i));
  }
}

Result<void> LibdwarfUnit::load_abbreviations() {
  const SectionPart& part = file_.part("abbrev");
  const std::uint64_t offset = header_.abbrev_offset;
  const std::uint64_t room = offset <= part.size ? part.size - offset : 0;
  std::optional<AbbrevTraits> traits;
  for (std::uint64_t window = first_abbrev_window; !traits && window <= largest_abbrev_table; window *= 8) {
    auto bytes =
        file_.sections().read(part.name, part.offset + std::min(offset, part.size), std::min(window, room));
    if (!bytes) return std::move(bytes).error().within(fmt::format("unit at {:#x}", header_.offset));
    traits = scan_abbrev_table(*bytes);
    provider_.abbrev = std::move(*bytes);
    if (window >= room) break;
  }
  if (!traits) {
    return Error{Errc::corrupt, fmt::format(".debug_abbrev: the table at {:#x} does not end", offset), {}};
  }
  abbrev_traits_ = *traits;
  provider_.abbrev.resize(traits->size);
  // Offset 0 of the abbreviations we give; and a length that ends where our copy of the unit ends.
  const ByteOrder order = file_.sections().order();
  const std::span<std::byte> unit(provider_.info);
  const std::size_t length_size = header_.offset_size == 8 ? 12 : 4;
  patch(unit.subspan(header_.abbrev_field, header_.offset_size), 0, order);
  patch(unit.subspan(length_size - header_.offset_size, header_.offset_size), unit.size() - length_size,
        order);
  return {};
}

Result<void> LibdwarfUnit::open_handle() {
  interface_ = {&provider_, &object_methods};
  Dwarf_Debug debug = nullptr;
  Dwarf_Error error = nullptr;
  const int opened = dwarf_object_init_b(&interface_, nullptr, nullptr, DW_GROUPNUMBER_ANY, &debug, &error);
  if (opened != DW_DLV_OK) return failed(error, "opening");
  debug_.reset(debug);

  Dwarf_Unsigned ignored = 0;
  Dwarf_Half ignored_half = 0;
  Dwarf_Off ignored_offset = 0;
  Dwarf_Sig8 signature{};
  Dwarf_Half kind = 0;
  if (dwarf_next_cu_header_d(debug, 1, &ignored, &ignored_half, &ignored_offset, &ignored_half, &ignored_half,
                             &ignored_half, &signature, &ignored, &ignored, &kind, &error) != DW_DLV_OK) {
    return failed(error, "reading the header");
  }
  Dwarf_Die root = nullptr;
  if (dwarf_siblingof_b(debug, nullptr, 1, &root, &error) != DW_DLV_OK)
    return failed(error, "reading the first entry");
  root_ = Die(*this, root);
  return {};
}

Error LibdwarfUnit::failed(Dwarf_Error error, std::string_view doing) const {
  if (provider_.failure) return *provider_.failure;
  std::string reason = error != nullptr ? dwarf_errmsg(error) : "there is none";
  forget(error);
  return {
      Errc::corrupt, fmt::format(".debug_info: unit at {:#x}: {}: {}", header_.offset, doing, reason), {}};
}

Result<Die> LibdwarfUnit::at(std::uint64_t offset) const {
  Dwarf_Die die = nullptr;
  Dwarf_Error error = nullptr;
  if (offset < header_.header_size || offset >= provider_.info.size()) {
    return Error{Errc::corrupt,
                 fmt::format(".debug_info: unit at {:#x}: no entry at {:#x}", header_.offset, offset),
                 {}};
  }
  if (dwarf_offdie_b(debug_.get(), offset, 1, &die, &error) != DW_DLV_OK) {
    return failed(error, fmt::format("reading the entry at {:#x}", offset));
  }
  return Die(*this, die);
}

Result<void> LibdwarfUnit::for_each_child(const Die& parent,
                                          const std::function<bool(const Die&)>& visit) const {
  Dwarf_Die raw = nullptr;
  Dwarf_Error error = nullptr;
  int got = dwarf_child(parent.get(), &raw, &error);
  Die child(*this, got == DW_DLV_OK ? raw : nullptr);
  std::uint64_t before = offset(parent);
  while (got == DW_DLV_OK) {
    // DW_AT_sibling may point anywhere in a damaged unit; forward only means that the walk ends.
    const std::uint64_t here = offset(child);
    if (here <= before) {
      return Error{
          Errc::corrupt,
          fmt::format(".debug_info: unit at {:#x}: entries run backwards at {:#x}", header_.offset, before),
          {}};
    }
    before = here;
    if (!visit(child)) return {};
    got = dwarf_siblingof_b(debug_.get(), child.get(), 1, &raw, &error);
    child = Die(*this, got == DW_DLV_OK ? raw : nullptr);
  }
  if (got == DW_DLV_ERROR) return failed(error, fmt::format("reading the entries after {:#x}", before));
  return {};
}

DwarfTag LibdwarfUnit::tag(const Die& die) const {
  Dwarf_Half tag = 0;
  Dwarf_Error error = nullptr;
  if (dwarf_tag(die.get(), &tag, &error) != DW_DLV_OK) forget(error);
  return static_cast<DwarfTag>(tag);
}

std::uint64_t LibdwarfUnit::offset(const Die& die) const {
  Dwarf_Off offset = 0;
  Dwarf_Error error = nullptr;
  if (dwarf_dieoffset(die.get(), &offset, &error) != DW_DLV_OK) forget(error);
  return offset;
}

std::string_view LibdwarfUnit::name(const Die& die) const {
  if (abbrev_traits_.has_indexed_strings || abbrev_traits_.has_foreign_strings)
    return text(die, DwarfAttribute::name);
  char* name = nullptr;
  Dwarf_Error error = nullptr;
  const int got = dwarf_diename(die.get(), &name, &error);
  if (got == DW_DLV_ERROR) forget(error);
  return got == DW_DLV_OK && name != nullptr ? name : std::string_view{};
}

std::string_view LibdwarfUnit::text(const Die& die, DwarfAttribute attribute) const {
  const Attribute found = attribute_of(die, attribute);
  if (!found) return {};
  const Dwarf_Half form = form_of(found);
  Dwarf_Error error = nullptr;
  if (is_alternate_string(form)) {
    const auto at = reference_in(found);
    auto alternate = file_.alternate();
    if (!at || !alternate) return {};
    const auto text = (*alternate)->string_at(*at);
    return text ? *text : std::string_view{};
  }
  if (is_indexed_string(form)) {
    Dwarf_Unsigned index = 0;
    const int got = dwarf_get_debug_str_index(found.get(), &index, &error);
    if (got == DW_DLV_ERROR) forget(error);
    const auto base = str_offsets_base();
    if (got != DW_DLV_OK || !base) return {};
    const auto text = file_.indexed_string(index, *base, header_.offset_size);
    return text ? *text : std::string_view{};
  }
  char* text = nullptr;
  const int got = dwarf_formstring(found.get(), &text, &error);
  if (got == DW_DLV_ERROR) forget(error);
  return got == DW_DLV_OK && text != nullptr ? text : std::string_view{};
}

/// Where the unit's part of .debug_str_offsets begins. In .dwo files there is one, behind a header from DWARF 5 on.
Result<std::uint64_t> LibdwarfUnit::str_offsets_base() const {
  if (str_offsets_base_) return *str_offsets_base_;
  const Attribute base = attribute_of(root_, DwarfAttribute::str_offsets_base);
  if (base) {
    auto at = reference_in(base);
    if (!at) return at;
    str_offsets_base_ = *at;
  } else {
    str_offsets_base_ = header_.version < 5 ? 0 : 2 * header_.offset_size;
  }
  return *str_offsets_base_;
}

bool LibdwarfUnit::has(const Die& die, DwarfAttribute attribute) const {
  Dwarf_Bool there = 0;
  Dwarf_Error error = nullptr;
  if (dwarf_hasattr(die.get(), static_cast<Dwarf_Half>(attribute), &there, &error) == DW_DLV_ERROR)
    forget(error);
  return there != 0;
}

Attribute LibdwarfUnit::attribute_of(const Die& die, DwarfAttribute attribute) const {
  Dwarf_Attribute found = nullptr;
  Dwarf_Error error = nullptr;
  const int got = dwarf_attr(die.get(), static_cast<Dwarf_Half>(attribute), &found, &error);
  if (got == DW_DLV_ERROR) forget(error);
  return Attribute(got == DW_DLV_OK ? found : nullptr);
}

Dwarf_Half LibdwarfUnit::form_of(const Attribute& attribute) const {
  Dwarf_Half form = 0;
  Dwarf_Error error = nullptr;
  if (dwarf_whatform(attribute.get(), &form, &error) == DW_DLV_OK) return form;
  forget(error);
  return 0;
}

/// A reference or an offset of a section, as it stands there; of a reference inside the unit, from the unit's start.
Result<std::uint64_t> LibdwarfUnit::reference_in(const Attribute& attribute) const {
  Dwarf_Off target = 0;
  Dwarf_Error error = nullptr;
  if (dwarf_global_formref(attribute.get(), &target, &error) == DW_DLV_OK) return target;
  return failed(error, "following a reference");
}

std::optional<std::int64_t> LibdwarfUnit::number_in(const Attribute& attribute) const {
  const Dwarf_Half form = form_of(attribute);
  if (form == 0) return std::nullopt;
  Dwarf_Error error = nullptr;
  Dwarf_Signed with_sign = 0;
  Dwarf_Unsigned without_sign = 0;
  const bool has_sign = form == form_sdata || form == form_implicit_const;
  const int got = has_sign ? dwarf_formsdata(attribute.get(), &with_sign, &error)
                           : dwarf_formudata(attribute.get(), &without_sign, &error);
  if (got != DW_DLV_OK) {
    if (got == DW_DLV_ERROR) forget(error);
    return std::nullopt;
  }
  return has_sign ? static_cast<std::int64_t>(with_sign) : static_cast<std::int64_t>(without_sign);
}

std::optional<std::int64_t> LibdwarfUnit::number(const Die& die, DwarfAttribute attribute) const {
  const Attribute found = attribute_of(die, attribute);
  return found ? number_in(found) : std::nullopt;
}

/// The operand of DW_OP_plus_uconst, the way gcc before 4.4 and DWARF 2 say where a member is.
std::optional<std::uint64_t> plus_uconst(Bytes expression) {
  if (expression.size() < 2 || std::to_integer<std::uint8_t>(expression[0]) != op_plus_uconst)
    return std::nullopt;
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (const std::byte byte : expression.subspan(1)) {
    if (shift >= 63) return std::nullopt;
    value |= std::to_integer<std::uint64_t>(byte & std::byte{0x7f}) << shift;
    shift += 7;
  }
  return value;
}

Result<std::uint64_t> LibdwarfUnit::member_location(const Die& member) const {
  const Attribute location = attribute_of(member, DwarfAttribute::data_member_location);
  if (!location) return 0;
  const auto constant = number_in(location);
  if (constant && *constant >= 0) return static_cast<std::uint64_t>(*constant);
  std::optional<std::uint64_t> place;
  Dwarf_Error error = nullptr;
  Dwarf_Unsigned size = 0;
  Dwarf_Ptr start = nullptr;
  Dwarf_Block* block = nullptr;
  if (constant) {
    // A negative place: nothing to be read from.
  } else if (dwarf_formexprloc(location.get(), &size, &start, &error) == DW_DLV_OK) {
    place = plus_uconst({static_cast<const std::byte*>(start), size});
  } else {
    forget(std::exchange(error, nullptr));
    if (dwarf_formblock(location.get(), &block, &error) == DW_DLV_OK) {
      place = plus_uconst({static_cast<const std::byte*>(block->bl_data), block->bl_len});
      dwarf_dealloc(debug_.get(), block, DW_DLA_BLOCK);
    } else {
      forget(error);
    }
  }
  if (place) return *place;
  return Error{Errc::corrupt,
               fmt::format(".debug_info: unit at {:#x}: member {} has no constant place", header_.offset,
                           name(member)),
               {}};
}

Result<Die> LibdwarfUnit::follow(const Die& die, DwarfAttribute attribute) const {
  const Attribute reference = attribute_of(die, attribute);
  if (!reference) return Die();
  const Dwarf_Half form = form_of(reference);
  if (form == form_ref_sig8) {
    return Error{
        Errc::unsupported,
        fmt::format(".debug_info: the unit at {:#x} refers to units of types (-fdebug-types-section)",
                    header_.offset),
        {}};
  }
  auto target = reference_in(reference);
  if (!target) return std::move(target).error();
  if (leads_to_alternate(form)) {
    auto alternate = file_.alternate();
    if (!alternate) return std::move(alternate).error();
    return (*alternate)->entry_at(*target);
  }
  if (form != form_ref_addr) return at(*target);
  // Counted from the start of .debug_info, not of the unit.
  const std::uint64_t within = *target - header_.offset;
  if (within < provider_.info.size()) return at(within);
  return file_.entry_at(*target);
}

}  // namespace

void DieDeleter::operator()(Dwarf_Die_s* die) const { dwarf_dealloc_die(die); }

Result<std::unique_ptr<UnitDies>> UnitDies::open(DwarfFile& file, const UnitHeader& header, Extent extent) {
  auto unit = std::make_unique<LibdwarfUnit>(file, header);
  if (auto loaded = unit->load(extent); !loaded) return std::move(loaded).error();
  return std::unique_ptr<UnitDies>(std::move(unit));
}

}  // namespace memsect
