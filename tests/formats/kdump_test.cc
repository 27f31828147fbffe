#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <thread>

#include "formats/format.h"
#include "support/dump_builder.h"

namespace memsect::test {
namespace {

using testing::HasSubstr;

constexpr ByteOrder both_orders[] = {ByteOrder::little, ByteOrder::big};

/// "" when page `pfn` reads as page_of_text(text), else what is wrong.
std::string page_differs(const PhysicalMemory& memory, std::uint64_t pfn, std::string_view text,
                         std::size_t size = 4096) {
  Buffer out(size);
  const auto read = memory.read(PhysAddr(pfn * size), out);
  if (!read) return read.error().message;
  return out == page_of_text(text, size) ? "" : "other bytes";
}

Error page_error(const PhysicalMemory& memory, std::uint64_t pfn) {
  const auto view = memory.view(PhysAddr(pfn * 4096), 1);
  return view ? Error{Errc::usage, "the page can be read", {}} : view.error();
}

/// Pages 2 to 4 hold their names; `change` spoils page 3.
template <class Change>
Result<Dump> dump_with_bad_page(const Change& change) {
  KdumpRecipe recipe;
  recipe.pages[2] = stored_page("two", Codec::zlib);
  recipe.pages[3] = stored_page("three", Codec::zlib);
  recipe.pages[4] = stored_page("four", Codec::zlib);
  change(recipe.pages[3]);
  return open_dump(build_kdump(recipe).bytes);
}

Error open_error(const Buffer& bytes) {
  auto dump = open_dump(bytes);
  return dump ? Error{Errc::usage, "the dump opens", {}} : std::move(dump).error();
}

TEST(Kdump, ReadsEveryVersionInEitherByteOrderWithEveryCodec) {
  const std::optional<Codec> codecs[] = {std::nullopt, Codec::zlib, Codec::lzo, Codec::snappy, Codec::zstd};
  for (std::uint32_t version = 1; version <= 6; ++version) {
    for (const ByteOrder order : both_orders) {
      KdumpRecipe recipe;
      recipe.version = version;
      recipe.order = order;
      recipe.machine = "s390x";
      recipe.dump_level = 17;
      recipe.vmcoreinfo = "OSRELEASE=6.1\n";
      std::uint64_t pfn = 0x100;
      for (const auto& codec : codecs) {
        recipe.pages[pfn] = stored_page("page " + std::to_string(pfn), codec);
        ++pfn;
      }
      const auto dump = open_dump(build_kdump(recipe).bytes);
      ASSERT_TRUE(dump) << dump.error().message;
      EXPECT_EQ(dump->info.format, "kdump");
      EXPECT_EQ(dump->info.order, order);
      EXPECT_EQ(dump->info.utsname_machine, "s390x");
      EXPECT_EQ(dump->info.level, 17U);
      EXPECT_EQ(dump->info.parts, 1U);
      EXPECT_FALSE(dump->info.truncated);
      EXPECT_EQ(dump->vmcoreinfo, version >= 3 ? "OSRELEASE=6.1\n" : "") << "version " << version;
      EXPECT_THAT(*dump->memory->ranges(),
                  testing::ElementsAre(PhysRange{PhysAddr(0x100000), std::uint64_t{5} * 4096}));
      pfn = 0x100;
      for (const auto& codec : codecs) {
        const std::string text = "page " + std::to_string(pfn);
        if (!codec || codec_built_in(*codec)) {
          EXPECT_EQ(page_differs(*dump->memory, pfn, text), "") << "version " << version << ", page " << pfn;
        } else {
          EXPECT_EQ(page_error(*dump->memory, pfn).code, Errc::unsupported);
          EXPECT_THAT(page_error(*dump->memory, pfn).message, HasSubstr(codec_name(*codec)));
        }
        ++pfn;
      }
    }
  }
}

TEST(Kdump, ReadsEveryPageSize) {
  for (const std::uint32_t size : {4096U, 8192U, 16384U, 65536U, 262144U}) {
    for (const ByteOrder order : both_orders) {
      KdumpRecipe recipe;
      recipe.order = order;
      recipe.block_size = size;
      recipe.pages[5] = stored_page("five", Codec::zlib, size);
      recipe.pages[7] = stored_page("seven", std::nullopt, size);
      const auto dump = open_dump(build_kdump(recipe).bytes);
      ASSERT_TRUE(dump) << size << ": " << dump.error().message;
      EXPECT_EQ(page_differs(*dump->memory, 5, "five", size), "");
      EXPECT_EQ(page_differs(*dump->memory, 7, "seven", size), "");
    }
  }
}

TEST(Kdump, TellsExcludedPagesFromThoseThatNeverWere) {
  KdumpRecipe recipe;
  recipe.pages[2] = stored_page("two");
  recipe.pages[3] = excluded_page();
  recipe.pages[5] = stored_page("five");
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  EXPECT_EQ(page_error(*dump->memory, 3).code, Errc::excluded);
  EXPECT_THAT(page_error(*dump->memory, 3).message, HasSubstr("0x3000"));
  EXPECT_EQ(page_error(*dump->memory, 4).code, Errc::not_in_dump);
  EXPECT_EQ(page_error(*dump->memory, 6).code, Errc::not_in_dump);
  EXPECT_EQ(page_error(*dump->memory, std::uint64_t{1} << 51).code, Errc::not_in_dump);
  EXPECT_EQ(page_differs(*dump->memory, 2, "two"), "");
  EXPECT_EQ(page_differs(*dump->memory, 5, "five"), "");
  EXPECT_THAT(*dump->memory->ranges(),
              testing::ElementsAre(PhysRange{PhysAddr(0x2000), 0x2000}, PhysRange{PhysAddr(0x5000), 0x1000}));
}

TEST(Kdump, FindsEachPageAmongMany) {
  KdumpRecipe recipe;
  std::uint64_t pfn = 0;
  for (int i = 0; i < 600; ++i, pfn += 1 + static_cast<std::uint64_t>(i) % 50) {
    recipe.pages[pfn] = i % 7 == 3 ? excluded_page() : stored_page(std::to_string(pfn), Codec::zlib);
  }
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  for (int round = 0; round < 2; ++round) {  // 600 pages do not fit the cache
    for (const auto& [number, page] : recipe.pages) {
      if (page.kind == KdumpPage::Kind::excluded) {
        EXPECT_EQ(page_error(*dump->memory, number).code, Errc::excluded);
      } else {
        ASSERT_EQ(page_differs(*dump->memory, number, std::to_string(number)), "") << number;
      }
    }
  }
}

TEST(Kdump, ViewsEndWithThePageAndReadsGoOn) {
  KdumpRecipe recipe;
  recipe.pages[2] = stored_page("two", Codec::zlib);
  recipe.pages[3] = stored_page("three");
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  EXPECT_EQ(dump->memory->view(PhysAddr(0x2ff8), 100)->bytes.size(), 8U);
  EXPECT_EQ(dump->memory->view(PhysAddr(0x2000), 100)->bytes.size(), 100U);
  Buffer out(16);
  ASSERT_TRUE(dump->memory->read(PhysAddr(0x2ff8), out));
  const Buffer two = page_of_text("two");
  const Buffer three = page_of_text("three");
  Buffer expected(two.end() - 8, two.end());
  expected.insert(expected.end(), three.begin(), three.begin() + 8);
  EXPECT_EQ(out, expected);
}

TEST(Kdump, ServesThreadsAtOnce) {
  KdumpRecipe recipe;
  const Codec codec = codec_built_in(Codec::zstd) ? Codec::zstd : Codec::zlib;
  for (std::uint64_t pfn = 0; pfn < 40; ++pfn) recipe.pages[pfn] = stored_page(std::to_string(pfn), codec);
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(wrong.size());
    for (int& count : wrong) {
      threads.emplace_back([&dump, &count] {
        for (std::uint64_t pfn = 0; pfn < 40; ++pfn) {
          count += page_differs(*dump->memory, pfn, std::to_string(pfn)).empty() ? 0 : 1;
        }
      });
    }
  }
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST(Kdump, TakesVmcoreinfoFromTheNotesWhenTheSubHeaderHasNone) {
  for (const ByteOrder order : both_orders) {
    KdumpRecipe recipe;
    recipe.order = order;
    recipe.vmcoreinfo = "OSRELEASE=6.1\n";
    recipe.vmcoreinfo_in_notes = true;
    recipe.pages[1] = stored_page("one");
    EXPECT_EQ(open_dump(build_kdump(recipe).bytes)->vmcoreinfo, "OSRELEASE=6.1\n");
  }
}

TEST(Kdump, OpensWithoutVmcoreinfoWhenItCannotBeRead) {
  KdumpRecipe recipe;
  recipe.vmcoreinfo = "OSRELEASE=6.1\n";
  recipe.pages[1] = stored_page("one");
  for (const std::uint64_t offset : {std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    Kdump made = build_kdump(recipe);
    put_unsigned(made.bytes, made.sub_header_at + 32, offset, 8, ByteOrder::little);
    const auto dump = open_dump(made.bytes);
    ASSERT_TRUE(dump);
    EXPECT_EQ(dump->vmcoreinfo, "");
    ASSERT_EQ(dump->notes.all().size(), 1U);
    EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("VMCOREINFO"));
    EXPECT_EQ(page_differs(*dump->memory, 1, "one"), "");
  }
}

TEST(Kdump, NamesTheCodecOfTheHeaderOrOfTheFirstCompressedPage) {
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  EXPECT_EQ(open_dump(build_kdump(recipe).bytes)->info.compression, "none");
  recipe.pages[2] = stored_page("two", Codec::lzo);
  EXPECT_EQ(open_dump(build_kdump(recipe).bytes)->info.compression, "lzo");
  recipe.status = 0x20;
  EXPECT_EQ(open_dump(build_kdump(recipe).bytes)->info.compression, "zstd");
}

TEST(Kdump, TakesQemusUnknownMachineForNone) {
  KdumpRecipe recipe;
  recipe.machine = "Unknown";
  recipe.pages[1] = stored_page("one");
  EXPECT_EQ(open_dump(build_kdump(recipe).bytes)->info.utsname_machine, "");
}

TEST(Kdump, ReadsUtsnameThatIsFourBytesEarly) {  // makedumpfile 1.6.7 of kernels from 5.11 on
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  Buffer dump = build_kdump(recipe).bytes;
  constexpr std::ptrdiff_t utsname_at = 12, utsname_size = 6 * 65;
  std::copy(dump.begin() + utsname_at + 4, dump.begin() + utsname_at + utsname_size,
            dump.begin() + utsname_at);
  EXPECT_EQ(open_dump(dump)->info.utsname_machine, "x86_64");
  dump[utsname_at] = std::byte{'?'};  // then nothing there is believed
  EXPECT_EQ(open_dump(dump)->info.utsname_machine, "");
}

TEST(Kdump, TellsPhysBaseOfItsSubHeader) {
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  auto dump = build_kdump(recipe);
  put_unsigned(dump.bytes, dump.sub_header_at, 0x1c000000, 8, recipe.order);
  EXPECT_EQ(open_dump(dump.bytes)->phys_bases, std::vector<std::uint64_t>{0x1c000000});
}

TEST(Kdump, LeapsOverPagesThatItDoesNotHave) {
  KdumpRecipe recipe;
  recipe.pages[5] = stored_page("five");
  recipe.pages[0x12345] = stored_page("far");
  recipe.max_pfn = 0x20000;
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  const auto next = [&dump](std::uint64_t at) { return dump->memory->next_data(PhysAddr(at)).raw(); };
  EXPECT_EQ(next(0), 0U);
  EXPECT_EQ(next(0x1000000), 0x12000000U);
  EXPECT_EQ(next(0x12345678), 0x12345678U);
  EXPECT_EQ(next(0x13000000), ~std::uint64_t{0});
}

TEST(Kdump, LeavesOutALevelThatIsNone) {
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  recipe.dump_level = 32;
  EXPECT_EQ(open_dump(build_kdump(recipe).bytes)->info.level, std::nullopt);
}

TEST(Kdump, SaysWhenTheHeaderCallsItIncomplete) {
  KdumpRecipe recipe;
  recipe.status = 0x8;
  recipe.pages[1] = stored_page("one");
  recipe.pages[2] = stored_page("two");
  recipe.pages[2].offset = 0;  // reserved, and never written
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("incomplete"));
  EXPECT_EQ(page_differs(*dump->memory, 1, "one"), "");
  EXPECT_EQ(page_error(*dump->memory, 2).code, Errc::truncated);
}

TEST(Kdump, NotesAFilteredVmemmap) {
  KdumpRecipe recipe;
  recipe.status = 0x10;
  recipe.pages[1] = stored_page("one");
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  ASSERT_EQ(dump->notes.all().size(), 1U);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("memmap"));
}

TEST(Kdump, ReadsNewerVersionsAsTheNewestKnown) {
  KdumpRecipe recipe;
  recipe.version = 7;
  recipe.pages[1] = stored_page("one");
  const auto dump = open_dump(build_kdump(recipe).bytes);
  ASSERT_TRUE(dump);
  EXPECT_EQ(page_differs(*dump->memory, 1, "one"), "");
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("version 7"));
}

TEST(Kdump, OneBadPageSpoilsNoOther) {
  const struct {
    const char* what;
    void (*change)(KdumpPage&);
    Errc expected;
  } rows[] = {
      {"damaged data", [](KdumpPage& page) { page.packed = Buffer(50, std::byte{0x55}); }, Errc::corrupt},
      {"less than a page", [](KdumpPage& page) { page.packed = compress(Codec::zlib, Buffer(4095)); },
       Errc::corrupt},
      {"more than a page", [](KdumpPage& page) { page.packed = compress(Codec::zlib, Buffer(4097)); },
       Errc::corrupt},
      {"size 0", [](KdumpPage& page) { page.size = 0; }, Errc::corrupt},
      {"size above a page", [](KdumpPage& page) { page.size = 4097; }, Errc::corrupt},
      {"largest size", [](KdumpPage& page) { page.size = 0xffffffff; }, Errc::corrupt},
      {"raw and short", [](KdumpPage& page) { page.flags = 0; }, Errc::corrupt},
      {"two codecs", [](KdumpPage& page) { page.flags = 3; }, Errc::corrupt},
      {"unknown codec", [](KdumpPage& page) { page.flags = 0x40; }, Errc::corrupt},
      {"never written", [](KdumpPage& page) { page.offset = 0; }, Errc::truncated},
      {"beyond the file", [](KdumpPage& page) { page.offset = 0x100000000; }, Errc::truncated},
      {"offset -1", [](KdumpPage& page) { page.offset = ~std::uint64_t{0}; }, Errc::truncated},
  };
  for (const auto& row : rows) {
    const auto dump = dump_with_bad_page(row.change);
    ASSERT_TRUE(dump) << row.what;
    const Error error = page_error(*dump->memory, 3);
    EXPECT_EQ(error.code, row.expected) << row.what << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr("0x3000")) << row.what;
    EXPECT_EQ(page_differs(*dump->memory, 2, "two"), "") << row.what;
    EXPECT_EQ(page_differs(*dump->memory, 4, "four"), "") << row.what;
  }
}

TEST(Kdump, KeepsThePagesBeforeACut) {
  KdumpRecipe recipe;
  for (std::uint64_t pfn = 0; pfn < 20; ++pfn) recipe.pages[pfn] = stored_page(std::to_string(pfn));
  Kdump made = build_kdump(recipe);
  made.bytes.resize(made.data_at + std::uint64_t{10} * 4096 + 100);
  const auto dump = open_dump(made.bytes);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("cut off"));
  for (std::uint64_t pfn = 0; pfn < 10; ++pfn)
    EXPECT_EQ(page_differs(*dump->memory, pfn, std::to_string(pfn)), "");
  for (std::uint64_t pfn = 10; pfn < 20; ++pfn)
    EXPECT_EQ(page_error(*dump->memory, pfn).code, Errc::truncated);
}

/// Pages with data, then pages of zeros that share the first page's data, as makedumpfile and QEMU write
/// them.
Kdump dump_that_ends_in_zeros(std::uint64_t data_pages, std::uint64_t zero_pages) {
  KdumpRecipe recipe;
  recipe.pages[0].bytes = Buffer(4096);
  for (std::uint64_t pfn = 1; pfn <= data_pages; ++pfn)
    recipe.pages[pfn] = stored_page(std::to_string(pfn), Codec::zlib);
  KdumpPage zeros;
  zeros.packed = Buffer();
  zeros.size = 4096;
  for (std::uint64_t i = 1; i <= zero_pages; ++i) recipe.pages[data_pages + i] = zeros;
  const std::uint64_t shared = build_kdump(recipe).data_at;
  for (std::uint64_t i = 1; i <= zero_pages; ++i) recipe.pages[data_pages + i].offset = shared;
  return build_kdump(recipe);
}

TEST(Kdump, SeesTheCutBehindPagesOfZeros) {
  for (const std::uint64_t zero_pages : {0U, 3000U, 140000U}) {
    Kdump made = dump_that_ends_in_zeros(300, zero_pages);
    const auto whole = open_dump(made.bytes);
    ASSERT_TRUE(whole);
    EXPECT_FALSE(whole->info.truncated) << zero_pages << " pages of zeros";
    EXPECT_EQ(page_differs(*whole->memory, 300 + zero_pages / 2, zero_pages == 0 ? "300" : ""), "");
    made.bytes.resize(made.bytes.size() - (made.bytes.size() - made.data_at) / 4);
    const auto cut = open_dump(made.bytes);
    ASSERT_TRUE(cut);
    EXPECT_TRUE(cut->info.truncated) << zero_pages << " pages of zeros";
  }
}

TEST(Kdump, CutAmongDescriptorsKeepsTheOthers) {
  KdumpRecipe recipe;
  for (std::uint64_t pfn = 0; pfn < 20; ++pfn) recipe.pages[pfn] = stored_page(std::to_string(pfn));
  recipe.pages[0].offset = 4096;  // somewhere that stays
  Kdump made = build_kdump(recipe);
  made.bytes.resize(made.descriptors_at + std::uint64_t{10} * 24 + 7);
  const auto dump = open_dump(made.bytes);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_TRUE(dump->memory->view(PhysAddr(0), 1));
  for (std::uint64_t pfn = 1; pfn < 20; ++pfn)
    EXPECT_EQ(page_error(*dump->memory, pfn).code, Errc::truncated);
}

TEST(Kdump, RefusesFilesCutBeforeThePages) {
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  const Kdump made = build_kdump(recipe);
  for (const std::uint64_t size :
       {std::uint64_t{8}, std::uint64_t{463}, made.sub_header_at, made.sub_header_at + 50, made.existing_at,
        made.stored_at, made.descriptors_at - 1}) {
    Buffer cut = made.bytes;
    cut.resize(size);
    EXPECT_EQ(open_error(cut).code, Errc::truncated) << "cut at " << size;
  }
}

TEST(Kdump, RefusesHeadersThatCannotBeTrue) {
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  const Kdump made = build_kdump(recipe);
  const struct {
    const char* what;
    std::size_t at;
    std::size_t size;
    std::uint64_t value;
    Errc expected;
    const char* named;
  } rows[] = {
      {"block_size 0", 428, 4, 0, Errc::bad_format, "block_size"},
      {"block_size 3000", 428, 4, 3000, Errc::bad_format, "block_size"},
      {"block_size 1M", 428, 4, 1 << 20, Errc::bad_format, "block_size"},
      {"version 0", 8, 4, 0, Errc::bad_format, "version"},
      {"sub_hdr_size 0", 432, 4, 0, Errc::bad_format, "sub_hdr_size"},
      {"sub_hdr_size -1", 432, 4, 0xffffffff, Errc::truncated, "beyond the end"},
      {"bitmap_blocks 0", 436, 4, 0, Errc::bad_format, "bitmap_blocks"},
      {"bitmap_blocks odd", 436, 4, 3, Errc::bad_format, "bitmap_blocks"},
      {"bitmap_blocks huge", 436, 4, 0xfffffffe, Errc::truncated, "beyond the end"},
      {"max_mapnr beyond the bitmap", 4096 + 96, 8, std::uint64_t{4096} * 8 + 1, Errc::bad_format,
       "max_mapnr"},
      {"max_mapnr huge", 4096 + 96, 8, ~std::uint64_t{0}, Errc::bad_format, "max_mapnr"},
  };
  for (const auto& row : rows) {
    Buffer bad = made.bytes;
    put_unsigned(bad, row.at, row.value, row.size, ByteOrder::little);
    const Error error = open_error(bad);
    EXPECT_EQ(error.code, row.expected) << row.what << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr(row.named)) << row.what;
  }
}

TEST(Kdump, RefusesMorePhysicalAddressesThanMachinesHave) {
  // 2^48 pages in a sparse file of two times 32 TiB cannot be made here; the header alone is refused before
  // the size.
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  Kdump made = build_kdump(recipe);
  put_unsigned(made.bytes, 436, 0xfffffffe, 4, ByteOrder::little);
  put_unsigned(made.bytes, 4096 + 96, (std::uint64_t{1} << 40) + 1, 8, ByteOrder::little);
  const Error error = open_error(made.bytes);
  EXPECT_EQ(error.code, Errc::bad_format);
  EXPECT_THAT(error.message, HasSubstr("52 bits"));
}

TEST(Kdump, UsesTheOldMaximumWhenTheNewOneIsMissing) {
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  Kdump made = build_kdump(recipe);
  put_unsigned(made.bytes, made.sub_header_at + 96, 0, 8, ByteOrder::little);
  const auto dump = open_dump(made.bytes);
  ASSERT_TRUE(dump);
  EXPECT_EQ(page_differs(*dump->memory, 1, "one"), "");
}

TEST(Kdump, ReadsTheHeadersOf32BitMachinesInEveryLayout) {
  for (const ByteOrder order : both_orders) {
    for (const unsigned alignment : {4U, 8U}) {
      for (std::uint32_t version = 1; version <= 6; ++version) {
        KdumpRecipe recipe;
        recipe.version = version;
        recipe.order = order;
        recipe.word_bits = 32;
        recipe.alignment = alignment;
        recipe.machine = "i686";
        recipe.vmcoreinfo = "OSRELEASE=6.1\n";
        recipe.vmcoreinfo_in_notes = version >= 4;
        recipe.pages[1] = stored_page("one", Codec::zlib);
        recipe.pages[5] = excluded_page();
        const auto dump = open_dump(build_kdump(recipe).bytes);
        ASSERT_TRUE(dump) << dump.error().message;
        EXPECT_EQ(dump->info.word_bits, 32U);
        EXPECT_EQ(dump->info.utsname_machine, "i686");
        EXPECT_EQ(dump->info.level, 31U);
        EXPECT_EQ(dump->vmcoreinfo, version >= 3 ? "OSRELEASE=6.1\n" : "")
            << "version " << version << ", alignment " << alignment;
        EXPECT_EQ(page_differs(*dump->memory, 1, "one"), "");
        EXPECT_EQ(page_error(*dump->memory, 5).code, Errc::excluded);
      }
    }
  }
}

TEST(Kdump, OpensWithoutAListOfItsRanges) {
  // Every other page exists: more runs than any machine's memory has. That is no reason to refuse the pages.
  KdumpRecipe recipe;
  recipe.pages[1] = stored_page("one");
  recipe.max_pfn = std::uint64_t{5} << 20;
  Kdump made = build_kdump(recipe);
  std::fill(made.bytes.begin() + static_cast<std::ptrdiff_t>(made.existing_at),
            made.bytes.begin() + static_cast<std::ptrdiff_t>(made.stored_at), std::byte{0xaa});
  const auto dump = open_dump(made.bytes);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(page_differs(*dump->memory, 1, "one"), "");
  EXPECT_EQ(dump->memory->ranges().error().code, Errc::bad_format);
}

}  // namespace
}  // namespace memsect::test
