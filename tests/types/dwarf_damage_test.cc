// A damaged vmlinux: whatever is in it, questions come back, with an answer or an error, in bounded time.
#include <gelf.h>
#include <gtest/gtest.h>
#include <libelf.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "support/type_fixture.h"
#include "symbols/elf_symtab.h"
#include "types/dwarf.h"

namespace memsect {
namespace {

using testing::file_bytes;
using testing::file_of;
using testing::fixture_path;

struct SectionPlace {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t header = 0;  ///< offset of its section header
};

/// Where a section of a fixture is in the file.
SectionPlace place_of(const std::string& path, std::string_view wanted) {
  elf_version(EV_CURRENT);
  const auto file = File::open(path);
  Elf* elf = elf_begin((*file)->descriptor(), ELF_C_READ, nullptr);
  GElf_Ehdr ehdr;
  gelf_getehdr(elf, &ehdr);
  std::size_t names = 0;
  elf_getshdrstrndx(elf, &names);
  SectionPlace place;
  for (Elf_Scn* scn = elf_nextscn(elf, nullptr); scn != nullptr; scn = elf_nextscn(elf, scn)) {
    GElf_Shdr header;
    gelf_getshdr(scn, &header);
    if (elf_strptr(elf, names, header.sh_name) != wanted) continue;
    place = {header.sh_offset, header.sh_size, ehdr.e_shoff + elf_ndxscn(scn) * ehdr.e_shentsize};
  }
  elf_end(elf);
  return place;
}

/// Asks for all there is; returns how many answers came.
int ask_everything(const std::shared_ptr<const File>& file) {
  auto table = open_elf_symtab(file);
  std::shared_ptr<SymbolSource> symbols;
  if (table) symbols = std::move(*table);
  auto types = open_dwarf(file, [symbols](std::string_view name) -> std::optional<VirtAddr> {
    return symbols ? symbols->address_of(name) : std::nullopt;
  });
  if (!types) return 0;
  int answers = 0;
  for (const char* name : {"mem_section", "mem_section_usage", "page", "zone", "pglist_data", "memory_block",
                           "xa_node", "arrays", "bits", "nested", "scalars"}) {
    if ((*types)->find_struct(name)) ++answers;
  }
  if ((*types)->find_enumerator("migratetype", "MIGRATE_ISOLATE")) ++answers;
  if ((*types)->find_enumerator("", "SECTION_IS_ONLINE_BIT")) ++answers;
  if ((*types)->parameter_count("get_pfnblock_flags_mask")) ++answers;
  return answers;
}

class DamagedSection : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Each, DamagedSection,
                         ::testing::Values(".debug_info", ".debug_abbrev", ".debug_aranges", ".debug_str",
                                           ".symtab"),
                         [](const auto& param_info) { return testing::test_name(param_info.param); });

TEST_P(DamagedSection, NeverTakesTheProgramWithIt) {
  for (const char* fixture : {"kernel_6-dwarf5", "kernel_4_14-dwarf4", "shapes-dwarf5"}) {
    const std::string whole = file_bytes(fixture_path(fixture));
    ASSERT_GT(ask_everything(file_of(whole)), 3) << fixture;
    const SectionPlace place = place_of(fixture_path(fixture), GetParam());
    ASSERT_GT(place.size, 0U);
    std::mt19937 random(20240229);  // the same damage every time
    for (int round = 0; round < 120; ++round) {
      std::string damaged = whole;
      for (int flips = 1 + round % 4; flips > 0; --flips) {
        damaged[place.offset + random() % place.size] = static_cast<char>(random());
      }
      ask_everything(file_of(damaged));
    }
  }
}

TEST(DamagedVmlinux, CutOffAnywhereIsAnErrorOrAnAnswer) {
  const std::string whole = file_bytes(fixture_path("kernel_6-dwarf5"));
  for (std::size_t size = 0; size < whole.size(); size += 211) ask_everything(file_of(whole.substr(0, size)));
  EXPECT_EQ(ask_everything(file_of(whole.substr(0, whole.size() / 2))), 0);
}

TEST(DamagedVmlinux, WithASectionLargerThanTheFileIsTruncated) {
  const std::string path = fixture_path("kernel_6-dwarf5");
  std::string bytes = file_bytes(path);
  const SectionPlace place = place_of(path, ".debug_str");
  for (std::size_t i = 0; i < 7; ++i) bytes[place.header + 32 + i] = '\x7f';  // sh_size
  const auto types = open_dwarf(file_of(bytes), {});
  ASSERT_FALSE(types);
  EXPECT_EQ(types.error().code, Errc::truncated);
  EXPECT_NE(types.error().message.find(".debug_str"), std::string::npos);
}

TEST(DamagedVmlinux, WhoseUnitLiesAboutItsLengthSaysWhichUnit) {
  const std::string path = fixture_path("kernel_6-dwarf5");
  std::string bytes = file_bytes(path);
  const SectionPlace place = place_of(path, ".debug_info");
  for (std::size_t i = 0; i < 4; ++i) bytes[place.offset + i] = '\x70';
  const auto types = open_dwarf(file_of(bytes), {});
  ASSERT_TRUE(types);
  const auto layout = (*types)->find_struct("page");
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code, Errc::corrupt);
  EXPECT_NE(layout.error().message.find("0x0"), std::string::npos);
}

TEST(DamagedVmlinux, OfBytesThatAreNoElfFileIsBadFormat) {
  EXPECT_EQ(open_dwarf(file_of("no ELF file at all, only words"), {}).error().code, Errc::bad_format);
}

}  // namespace
}  // namespace memsect
