// One file with DWARF: its units by their place, and the other files that they refer to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/elf_sections.h"
#include "types/dwarf_die.h"
#include "types/dwarf_units.h"

namespace memsect {

/// Part of a section: all of it, but in a .dwp, which has the sections of many .dwo one after the other.
struct SectionPart {
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Gives out units, each read once and kept. Used by one thread.
class DwarfFile {
 public:
  /// `suffix`: ".dwo" where the sections are called .debug_info.dwo and so on.
  explicit DwarfFile(std::shared_ptr<ElfSections> sections, std::string_view suffix = {});
  ~DwarfFile();

  ElfSections& sections() { return *sections_; }
  /// "abbrev": the part of .debug_abbrev, or of .debug_abbrev.dwo, that units of this file use.
  const SectionPart& part(std::string_view name) const;
  bool is_dwo() const { return !suffix_.empty(); }
  std::string_view suffix() const { return suffix_; }

  /// The unit that begins at `offset` of .debug_info; where it is a skeleton, the one that it stands for.
  Result<const UnitDies*> unit_at(std::uint64_t offset);
  /// The entry at `offset` of .debug_info, in whichever unit that is.
  Result<Die> entry_at(std::uint64_t offset);
  /// The text at `offset` of .debug_str.
  Result<std::string_view> string_at(std::uint64_t offset);
  /// The text number `index` of a unit whose part of .debug_str_offsets begins at `base`.
  Result<std::string_view> indexed_string(std::uint64_t index, std::uint64_t base, unsigned offset_size);
  /// False when no unit can have that name. True is no promise.
  Result<bool> may_have_name(std::string_view name);
  /// All units, in order. Read once.
  Result<const std::vector<UnitHeader>*> units();

  /// The file that dwz moved what several files share to (.gnu_debugaltlink); the error when it is not there.
  Result<DwarfFile*> alternate();
  bool names_alternate() const { return sections_->size_of(".gnu_debugaltlink") != 0; }
  /// Opens the alternate file, and the .dwp beside this one, where they are: the sandbox lets nothing be opened later.
  void open_other_files();
  /// Whether the unit at `offset` stands for one in a .dwo file.
  bool is_skeleton_at(std::uint64_t offset);
  /// Opens the .dwo file of the unit at `skeleton`, where it is one.
  void open_dwo_of(std::uint64_t skeleton);

 private:
  Result<const UnitDies*> split_unit(const UnitDies& skeleton);
  Result<DwarfFile*> dwo_of(const UnitDies& skeleton);
  Result<void> narrow_to(std::uint64_t id);

  std::shared_ptr<ElfSections> sections_;
  std::string suffix_;
  mutable std::map<std::string, SectionPart, std::less<>> parts_;
  std::map<std::uint64_t, std::unique_ptr<UnitDies>> units_;
  std::optional<std::vector<UnitHeader>> headers_;
  std::unique_ptr<DwarfFile> alternate_;
  std::optional<Error> no_alternate_;
  std::shared_ptr<const File> package_;  ///< the .dwp
  std::shared_ptr<ElfSections> package_sections_;
  std::map<std::uint64_t, std::unique_ptr<DwarfFile>> dwos_;  ///< by the place of the skeleton
};

}  // namespace memsect
