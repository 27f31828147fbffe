#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "formats/format.h"
#include "support/dump_builder.h"

namespace memsect::test {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t page_count = 40;

Kdump small_kdump() {
  KdumpRecipe recipe;
  recipe.vmcoreinfo = "OSRELEASE=6.1\n";
  for (std::uint64_t pfn = 0; pfn < page_count; ++pfn) {
    if (pfn % 5 != 4) recipe.pages[pfn] = stored_page(std::to_string(pfn), Codec::zlib);
  }
  return build_kdump(recipe);
}

Buffer small_elf() {
  ElfRecipe recipe;
  recipe.segments = {note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n"))};
  for (std::uint64_t pfn = 0; pfn < page_count; ++pfn) {
    if (pfn % 5 == 4) continue;
    recipe.segments.push_back(load_segment(pfn * 4096, page_of_text(std::to_string(pfn))));
  }
  return build_elf_core(recipe);
}

/// The pages that read right are '#', wrong ones 'X', the others a sign for the reason.
std::string map_of(const Dump& dump) {
  std::string map;
  for (std::uint64_t pfn = 0; pfn < page_count; ++pfn) {
    Buffer page(4096);
    const auto read = dump.memory->read(PhysAddr(pfn * 4096), page);
    if (read) {
      map += page == page_of_text(std::to_string(pfn)) ? '#' : 'X';
    } else {
      map += read.error().code == Errc::truncated ? '!' : '.';
    }
  }
  return map;
}
const std::string whole_map = "####.####.####.####.####.####.####.####.";

Error open_error(const FlatRecipe& recipe) {
  auto dump = open_dump(build_flattened(recipe));
  return dump ? Error{Errc::usage, "the dump opens", {}} : std::move(dump).error();
}

void expect_whole(const FlatRecipe& recipe, std::string_view what) {
  const auto dump = open_dump(build_flattened(recipe));
  ASSERT_TRUE(dump) << what << ": " << dump.error().message;
  EXPECT_EQ(map_of(*dump), whole_map) << what;
  EXPECT_EQ(dump->vmcoreinfo, "OSRELEASE=6.1\n") << what;
  EXPECT_TRUE(dump->info.flattened) << what;
  EXPECT_FALSE(dump->info.truncated) << what;
  EXPECT_TRUE(dump->notes.all().empty()) << what;
}

TEST(Flattened, GivesTheSameAsTheDumpInIt) {
  for (const std::size_t size : {7U, 100U, 4096U, 100000U, 10000000U}) {
    expect_whole(flat_recipe(small_kdump().bytes, size), "kdump in records of " + std::to_string(size));
    expect_whole(flat_recipe(small_elf(), size), "ELF in records of " + std::to_string(size));
  }
  EXPECT_EQ(open_dump(build_flattened(flat_recipe(small_kdump().bytes)))->info.format, "kdump");
  EXPECT_EQ(open_dump(build_flattened(flat_recipe(small_elf())))->info.format, "elf-core");
}

TEST(Flattened, TakesRecordsInAnyOrder) {
  std::mt19937 random(1);
  FlatRecipe recipe = flat_recipe(small_kdump().bytes, 333);
  std::reverse(recipe.records.begin(), recipe.records.end());
  expect_whole(recipe, "back to front");
  for (int round = 0; round < 5; ++round) {
    std::shuffle(recipe.records.begin(), recipe.records.end(), random);
    expect_whole(recipe, "shuffled");
  }
}

TEST(Flattened, OfRecordsThatOverlapTheLaterOneCounts) {
  // makedumpfile writes its header twice, the second time at the end.
  const Buffer dump = small_kdump().bytes;
  FlatRecipe recipe = flat_recipe(dump, 4096);
  recipe.records[0].bytes.assign(4096, std::byte{0xee});
  recipe.records.push_back({0, {dump.begin(), dump.begin() + 4096}, std::nullopt});
  expect_whole(recipe, "header last");
  // Stretches of nonsense under, around and across what comes later.
  std::mt19937 random(2);
  for (int round = 0; round < 20; ++round) {
    FlatRecipe spoilt;
    for (int i = 0; i < 10; ++i)
      spoilt.records.push_back(
          {random() % dump.size(), Buffer(random() % 5000, std::byte{0xee}), std::nullopt});
    FlatRecipe good = flat_recipe(dump, 1 + random() % 3000);
    std::shuffle(good.records.begin(), good.records.end(), random);
    spoilt.records.insert(spoilt.records.end(), good.records.begin(), good.records.end());
    // Nonsense beyond the end makes the file longer, and changes nothing else.
    expect_whole(spoilt, "nonsense below, round " + std::to_string(round));
  }
}

TEST(Flattened, AHoleInACompleteFileIsZeros) {
  // makedumpfile -R would leave one there; QEMU does not write the padding of its headers.
  ElfRecipe elf;
  elf.segments = {load_segment(0x1000, Buffer(12288))};
  const Buffer dump = build_elf_core(elf);
  FlatRecipe recipe;
  recipe.records.push_back({0, {dump.begin(), dump.begin() + 200}, std::nullopt});
  recipe.records.push_back({dump.size() - 1, Buffer(1, std::byte{7}), std::nullopt});
  const auto whole = open_dump(build_flattened(recipe));
  ASSERT_TRUE(whole);
  Buffer read(12288, std::byte{1});
  ASSERT_TRUE(whole->memory->read(PhysAddr(0x1000), read));
  Buffer expected(12288);
  expected.back() = std::byte{7};
  EXPECT_EQ(read, expected);
  EXPECT_FALSE(whole->info.truncated);

  recipe.end_mark = false;
  const auto cut = open_dump(build_flattened(recipe));
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->info.truncated);
  EXPECT_EQ(cut->memory->view(PhysAddr(0x2000), 1).error().code, Errc::truncated);
  EXPECT_EQ(cut->memory->read(PhysAddr(0x1000), read).error().code, Errc::truncated);
  EXPECT_THAT(cut->notes.all()[0].text, HasSubstr("cut off"));
}

TEST(Flattened, WithoutItsEndIsReadAsFarAsItGoes) {
  const Buffer file = build_flattened(flat_recipe(small_elf(), 1000));
  std::size_t before = 0;
  for (std::size_t size = 4096 + 8000; size < file.size(); size += 997) {
    const auto dump = open_dump(Bytes(file).first(size));
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_TRUE(dump->info.truncated);
    EXPECT_FALSE(dump->notes.all().empty());
    const std::string map = map_of(*dump);
    EXPECT_EQ(map.find('X'), std::string::npos) << map;
    const auto right = static_cast<std::size_t>(std::count(map.begin(), map.end(), '#'));
    EXPECT_GE(right, before) << "no page is lost where more of the file is there";
    before = right;
  }
  EXPECT_GT(before, 30U);
}

TEST(Flattened, GoesNoFurtherThanARecordThatMakesNoSense) {
  FlatRecipe recipe = flat_recipe(small_elf(), 1000);
  recipe.records[60].offset = std::uint64_t{1} << 63;
  const auto dump = open_dump(build_flattened(recipe));
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_THAT(dump->notes.all().back().text, HasSubstr("makes no sense"));
  EXPECT_THAT(map_of(*dump), testing::AllOf(testing::StartsWith("####.####."), HasSubstr("!")));
}

TEST(Flattened, PassesOverEmptyRecords) {
  FlatRecipe recipe = flat_recipe(small_kdump().bytes, 500);
  for (std::size_t i = 0; i < 40; i += 3) {
    recipe.records.insert(recipe.records.begin() + static_cast<std::ptrdiff_t>(i),
                          FlatRecord{i * 777, {}, {}});
  }
  expect_whole(recipe, "empty records");
}

TEST(Flattened, RefusesOtherTypesAndVersions) {
  FlatRecipe recipe = flat_recipe(small_elf());
  recipe.type = 2;
  EXPECT_EQ(open_error(recipe).code, Errc::unsupported);
  EXPECT_THAT(open_error(recipe).message, HasSubstr("type 0x2"));
  recipe.type = 1;
  recipe.version = 2;
  EXPECT_EQ(open_error(recipe).code, Errc::unsupported);
  EXPECT_THAT(open_error(recipe).hint, HasSubstr("makedumpfile -R"));
}

TEST(Flattened, RefusesWhatHoldsNoDump) {
  FlatRecipe recipe;
  EXPECT_EQ(open_error(recipe).code, Errc::bad_format);
  recipe.end_mark = false;
  EXPECT_EQ(open_error(recipe).code, Errc::truncated);
  recipe.records.push_back({0, to_bytes("nothing that is known"), std::nullopt});
  EXPECT_EQ(open_error(recipe).code, Errc::bad_format);
  recipe = flat_recipe(build_flattened(flat_recipe(small_elf())));
  EXPECT_EQ(open_error(recipe).code, Errc::bad_format);
  EXPECT_THAT(open_error(recipe).message, HasSubstr("flattened twice"));
}

TEST(Flattened, ClaimsOfHugeOffsetsCostNothing) {
  // A kdump of 2^40 pages, whose bitmaps are holes of a file of 2^62 bytes: counted in no time.
  KdumpRecipe kdump;
  kdump.pages[1] = stored_page("one");
  Kdump made = build_kdump(kdump);
  const std::uint64_t blocks = std::uint64_t{1} << 25;
  const std::uint64_t bitmap = blocks / 2 * 4096;
  const std::uint64_t pages = std::uint64_t{1} << 39;
  put_unsigned(made.bytes, 436, blocks, 4, ByteOrder::little);
  put_unsigned(made.bytes, made.sub_header_at + 96, pages, 8, ByteOrder::little);
  FlatRecipe recipe = flat_recipe(Bytes(made.bytes).first(made.existing_at + 1), 4096);
  const Buffer second(made.bytes.begin() + static_cast<std::ptrdiff_t>(made.stored_at),
                      made.bytes.begin() + static_cast<std::ptrdiff_t>(made.stored_at) + 1);
  recipe.records.push_back({made.existing_at + bitmap, second, std::nullopt});
  recipe.records.push_back({std::uint64_t{1} << 62, Buffer(1), std::nullopt});
  const auto dump = open_dump(build_flattened(recipe));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->memory->view(PhysAddr(pages * 4096 - 1), 1).error().code, Errc::not_in_dump);
  EXPECT_EQ(dump->memory->view(PhysAddr(4096), 1).error().code, Errc::truncated);  // its descriptor is a hole
  EXPECT_EQ(dump->memory->ranges()->size(), 1U);
}

TEST(Flattened, ManyShortRecordsShareWhatIsKeptOfThem) {
  // A million records of one byte and more, which follow each other in runs: more than the pieces that are kept.
  const std::uint64_t count = 1200000;
  ElfRecipe elf;
  elf.segments = {load_segment(0x1000, Buffer(count - 120))};
  Buffer dump = build_elf_core(elf);
  ASSERT_EQ(dump.size(), count);
  std::mt19937 random(3);
  for (std::size_t i = 120; i < dump.size(); ++i) dump[i] = static_cast<std::byte>(random());
  Buffer file = build_flattened({});
  file.resize(4096 + count * 17 + 16);
  for (std::uint64_t i = 0; i < count; ++i) {
    put_unsigned(file, 4096 + i * 17, i, 8, ByteOrder::big);
    put_unsigned(file, 4096 + i * 17 + 8, 1, 8, ByteOrder::big);
    file[4096 + i * 17 + 16] = dump[i];
  }
  put_unsigned(file, file.size() - 16, ~std::uint64_t{0}, 8, ByteOrder::big);
  put_unsigned(file, file.size() - 8, ~std::uint64_t{0}, 8, ByteOrder::big);
  const auto opened = open_dump(file);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(opened->info.truncated);
  for (std::uint64_t at = 0; at < count - 120; at += 9973) {
    const auto view = opened->memory->view(PhysAddr(0x1000 + at), 1);
    ASSERT_TRUE(view);
    ASSERT_EQ(view->bytes[0], dump[120 + at]) << at;
  }
  // The same records, each in a place of its own: nothing to share.
  for (std::uint64_t i = 200; i < count; ++i) {
    put_unsigned(file, 4096 + i * 17, i * 2, 8, ByteOrder::big);
  }
  const auto scattered = open_dump(file);
  ASSERT_FALSE(scattered);
  EXPECT_EQ(scattered.error().code, Errc::unsupported);
  EXPECT_THAT(scattered.error().hint, HasSubstr("makedumpfile -R"));
}

}  // namespace
}  // namespace memsect::test
