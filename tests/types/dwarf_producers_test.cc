// DWARF as others than gcc's plain -g write it: dwz, -gsplit-dwarf with .dwo and .dwp, clang, link-time optimisation, and
// the versions 2 and 3. All describe testdata/types/kernel_6.c, and all must say what gcc's plain one says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "support/expect_truth.h"
#include "support/type_fixture.h"
#include "symbols/elf_symtab.h"
#include "types/dwarf.h"

namespace memsect {
namespace {

namespace fs = std::filesystem;
using testing::fixture_path;
using ::testing::HasSubstr;

const std::string folder = MEMSECT_PRODUCED "/";

std::vector<std::string> fixture_names() {
  std::istringstream names(MEMSECT_PRODUCED_FIXTURES);
  return {std::istream_iterator<std::string>(names), {}};
}

std::unique_ptr<TypeSource> open_image(const std::string& path, bool with_symbols) {
  auto file = File::open(path);
  EXPECT_TRUE(file) << path;
  AddressLookup lookup;
  if (with_symbols) {
    auto table = open_elf_symtab(*file);
    EXPECT_TRUE(table);
    lookup = [symbols = std::shared_ptr<SymbolSource>(std::move(*table))](std::string_view name) {
      return symbols->address_of(name);
    };
  }
  auto types = open_dwarf(*file, lookup);
  EXPECT_TRUE(types) << types.error().message;
  return std::move(*types);
}

class DwarfProducers : public ::testing::TestWithParam<std::tuple<std::string, bool>> {};
INSTANTIATE_TEST_SUITE_P(All, DwarfProducers,
                         ::testing::Combine(::testing::ValuesIn(fixture_names()), ::testing::Bool()),
                         [](const auto& test) {
                           return std::get<0>(test.param) +
                                  (std::get<1>(test.param) ? "_by_anchors" : "_by_names");
                         });

TEST_P(DwarfProducers, SayWhatTheCompilerLaidOut) {
  const auto& [name, with_symbols] = GetParam();
  const auto types = open_image(folder + name + ".elf", with_symbols);
  testing::expect_truth(*types, "kernel_6-dwarf5");
}

TEST_P(DwarfProducers, KnowEnumeratorsAndParameters) {
  const auto& [name, with_symbols] = GetParam();
  const auto types = open_image(folder + name + ".elf", with_symbols);
  EXPECT_EQ(types->find_enumerator("pageblock_bits", "NR_PAGEBLOCK_BITS"), 4);
  EXPECT_EQ(types->find_enumerator("", "SECTION_MAP_LAST_BIT"), 5);
  EXPECT_TRUE(types->has_enum("migratetype"));
  EXPECT_EQ(types->parameter_count("get_pfnblock_flags_mask"), 3U);
  EXPECT_EQ(types->find_struct("no_such_struct").error().code, Errc::no_type);
  EXPECT_EQ(types->find_enumerator("", "NO_SUCH_ENUMERATOR").error().code, Errc::no_type);
  EXPECT_FALSE(types->has_enum("page"));
}

bool is_produced(const std::string& name) {
  const auto names = fixture_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(DwarfFiles, MissingTheFileOfDwzSaySo) {
  if (!is_produced("dwz_m5")) GTEST_SKIP() << "no dwz";
  const std::string alone = folder + "alone/dwz_m5.elf";
  fs::create_directories(folder + "alone");
  fs::copy_file(folder + "dwz_m5.elf", alone, fs::copy_options::overwrite_existing);
  const auto layout = open_image(alone, true)->find_struct("page");
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code, Errc::unsupported);
  EXPECT_THAT(layout.error().message, HasSubstr("common5.debug"));
}

TEST(DwarfFiles, MissingTheirDwoSaySo) {
  if (!is_produced("split5")) GTEST_SKIP() << "no gcc";
  std::string bytes = testing::file_bytes(folder + "split5.elf");
  for (std::size_t at = 0; (at = bytes.find("kernel_6.dwo", at)) != std::string::npos;) bytes[at] = 'K';
  const auto types = open_dwarf(testing::file_of(bytes), {});
  ASSERT_TRUE(types);
  const auto layout = (*types)->find_struct("page");
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code, Errc::unsupported);
  EXPECT_THAT(layout.error().message, HasSubstr("Kernel_6.dwo"));
}

}  // namespace
}  // namespace memsect
