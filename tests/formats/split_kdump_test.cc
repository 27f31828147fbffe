#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "formats/format.h"
#include "support/dump_builder.h"

namespace memsect::test {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t page_count = 60;

KdumpRecipe small_recipe() {
  KdumpRecipe recipe;
  recipe.vmcoreinfo = "OSRELEASE=6.1\nCRASHTIME=1\n";
  for (std::uint64_t pfn = 0; pfn < page_count; ++pfn) {
    if (pfn % 5 == 4) continue;
    recipe.pages[pfn] = pfn % 7 == 3 ? excluded_page() : stored_page(std::to_string(pfn), Codec::zlib);
  }
  return recipe;
}

/// What each page is: its number where it reads right, else a sign for the reason.
std::string map_of(const Dump& dump) {
  std::string map;
  for (std::uint64_t pfn = 0; pfn < page_count; ++pfn) {
    Buffer page(4096);
    const auto read = dump.memory->read(PhysAddr(pfn * 4096), page);
    if (read) {
      map += page == page_of_text(std::to_string(pfn)) ? '#' : 'X';
    } else {
      map += read.error().code == Errc::excluded ? '-' : read.error().code == Errc::truncated ? '!' : '.';
    }
  }
  return map;
}

Error open_error(const std::vector<Buffer>& parts) {
  auto dump = open_split_dump(parts);
  return dump ? Error{Errc::io, "the dump opens", {}} : std::move(dump).error();
}

TEST(SplitKdump, GivesTheSamePagesAsTheWholeInAnyOrderOfItsParts) {
  for (const std::uint32_t version : {2U, 5U, 6U}) {
    KdumpRecipe recipe = small_recipe();
    recipe.version = version;
    const auto whole = open_dump(build_kdump(recipe).bytes);
    ASSERT_TRUE(whole);
    std::vector<Buffer> parts = build_split_kdump(recipe, {0, 13, 40});
    for (int turn = 0; turn < 3; ++turn) {
      std::rotate(parts.begin(), parts.begin() + 1, parts.end());
      const auto split = open_split_dump(parts);
      ASSERT_TRUE(split) << split.error().message;
      EXPECT_EQ(map_of(*split), map_of(*whole));
      EXPECT_EQ(split->info.parts, 3U);
      EXPECT_FALSE(split->info.truncated);
      EXPECT_EQ(split->vmcoreinfo, version >= 3 ? recipe.vmcoreinfo : "");
      EXPECT_EQ(split->info.compression, "zlib");
      EXPECT_TRUE(split->notes.all().empty());
    }
  }
}

TEST(SplitKdump, TellsThePagesOfAMissingPartFromFilteredOnes) {
  const std::vector<Buffer> parts = build_split_kdump(small_recipe(), {0, 10, 20, 30});
  const std::string whole = map_of(*open_split_dump(parts));
  const auto dump = open_split_dump({parts[3], parts[1]});
  ASSERT_TRUE(dump);
  std::string expected = whole;
  for (std::size_t pfn = 0; pfn < expected.size(); ++pfn) {
    if ((pfn < 10 || (pfn >= 20 && pfn < 30)) && expected[pfn] == '#') expected[pfn] = '!';
  }
  EXPECT_EQ(map_of(*dump), expected);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_EQ(dump->info.parts, 2U);
  ASSERT_EQ(dump->notes.all().size(), 1U);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("0x0 up to 0xa, 0x14 up to 0x1e"));
  EXPECT_THAT(dump->notes.all()[0].hint, HasSubstr("all parts"));
  EXPECT_THAT(dump->memory->view(PhysAddr(0), 1).error().message, HasSubstr("not named"));
}

TEST(SplitKdump, OnePartAloneOpens) {
  const std::vector<Buffer> parts = build_split_kdump(small_recipe(), {0, 30});
  const auto dump = open_dump(parts[1]);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("0x0 up to 0x1e"));
}

TEST(SplitKdump, MayHaveEmptyParts) {
  // makedumpfile --split with more parts than it can fill: start and end are max_mapnr.
  const KdumpRecipe recipe = small_recipe();
  const std::uint64_t end = recipe.pages.rbegin()->first + 1;
  const std::vector<Buffer> parts = build_split_kdump(recipe, {0, end, end});
  const auto dump = open_split_dump({parts[2], parts[0], parts[1]});
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(map_of(*dump), map_of(*open_dump(build_kdump(recipe).bytes)));
  EXPECT_FALSE(dump->info.truncated);
}

TEST(SplitKdump, IsReadFlattenedToo) {
  std::vector<Buffer> parts = build_split_kdump(small_recipe(), {0, 13, 40});
  const std::string whole = map_of(*open_split_dump(parts));
  for (Buffer& part : parts) part = build_flattened(flat_recipe(part));
  const auto dump = open_split_dump(parts);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(map_of(*dump), whole);
  EXPECT_TRUE(dump->info.flattened);
  EXPECT_EQ(dump->info.format, "kdump");
}

TEST(SplitKdump, SaysWhichPartIsCutOff) {
  std::vector<Buffer> parts = build_split_kdump(small_recipe(), {0, 30});
  parts[1].resize(parts[1].size() - 500);
  const auto dump = open_split_dump(parts);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  ASSERT_EQ(dump->notes.all().size(), 1U);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("memsect-test"));
  EXPECT_THAT(map_of(*dump),
              testing::StartsWith(map_of(*open_dump(build_kdump(small_recipe()).bytes)).substr(0, 30)));
  EXPECT_THAT(map_of(*dump), HasSubstr("!"));
  parts[1].resize(5000);
  const Error error = open_error(parts);
  EXPECT_EQ(error.code, Errc::truncated);
  EXPECT_THAT(error.message, HasSubstr("memsect-test"));
}

TEST(SplitKdump, RefusesTheSamePartTwice) {
  const std::vector<Buffer> parts = build_split_kdump(small_recipe(), {0, 30});
  const Error error = open_error({parts[1], parts[0], parts[1]});
  EXPECT_EQ(error.code, Errc::usage);
  EXPECT_THAT(error.message, HasSubstr("are the same part"));
}

TEST(SplitKdump, RefusesPartsThatOverlap) {
  const std::vector<Buffer> some = build_split_kdump(small_recipe(), {0, 30});
  const std::vector<Buffer> others = build_split_kdump(small_recipe(), {0, 20});
  const Error error = open_error({some[0], others[1]});
  EXPECT_EQ(error.code, Errc::usage);
  EXPECT_THAT(error.message, HasSubstr("overlapping parts"));
}

TEST(SplitKdump, RefusesPartsOfDifferentDumps) {
  const struct {
    const char* what;
    void (*change)(KdumpRecipe&);
  } rows[] = {
      {"VMCOREINFO", [](KdumpRecipe& recipe) { recipe.vmcoreinfo = "OSRELEASE=6.1\nCRASHTIME=2\n"; }},
      {"max_mapnr", [](KdumpRecipe& recipe) { recipe.max_pfn = 100; }},
      {"bitmap_blocks", [](KdumpRecipe& recipe) { recipe.max_pfn = 100; }},
      {"block_size", [](KdumpRecipe& recipe) { recipe.block_size = 8192; }},
      {"dump_level", [](KdumpRecipe& recipe) { recipe.dump_level = 1; }},
      {"utsname", [](KdumpRecipe& recipe) { recipe.release = "6.1.1"; }},
      {"the machine", [](KdumpRecipe& recipe) { recipe.word_bits = 32; }},
  };
  const std::vector<Buffer> parts = build_split_kdump(small_recipe(), {0, 30});
  for (const auto& row : rows) {
    KdumpRecipe recipe = small_recipe();
    row.change(recipe);
    Buffer other = build_split_kdump(recipe, {0, 30})[1];
    if (std::string_view(row.what) == "bitmap_blocks") {  // larger than max_mapnr needs
      other = parts[1];
      put_unsigned(other, 436, 4, 4, ByteOrder::little);
      other.resize(other.size() + 3 * 4096);
    }
    const Error error = open_error({parts[0], other});
    EXPECT_EQ(error.code, Errc::usage) << row.what;
    EXPECT_THAT(error.message, HasSubstr(std::string("they differ in ") + row.what));
  }
}

TEST(SplitKdump, RefusesAWholeDumpAmongItsParts) {
  const std::vector<Buffer> parts = build_split_kdump(small_recipe(), {0, 30});
  const Buffer whole = build_kdump(small_recipe()).bytes;
  for (const auto& files :
       {std::vector{parts[0], whole}, std::vector{whole, parts[0]}, std::vector{whole, whole}}) {
    const Error error = open_error(files);
    EXPECT_EQ(error.code, Errc::usage);
    EXPECT_THAT(error.message, HasSubstr("are both dumps"));
  }
}

TEST(SplitKdump, RefusesMorePartsThanAnybodyMakes) {
  const std::vector<Buffer> parts(257, build_split_kdump(small_recipe(), {0, 30})[0]);
  const Error error = open_error(parts);
  EXPECT_EQ(error.code, Errc::usage);
  EXPECT_THAT(error.message, HasSubstr("256"));
}

TEST(SplitKdump, RefusesAPartThatEndsBeforeItBegins) {
  KdumpRecipe recipe = small_recipe();
  recipe.split = 1;
  recipe.start_pfn = 20;
  recipe.end_pfn = 10;
  EXPECT_EQ(open_error({build_kdump(recipe).bytes}).code, Errc::bad_format);
}

}  // namespace
}  // namespace memsect::test
