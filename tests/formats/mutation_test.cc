// Hundreds of spoilt dumps. Whatever is wrong with a file, opening it and reading it end in an answer: bytes
// or an error that may stand for a page. Where only the length was changed, bytes that come are the right
// ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "formats/format.h"
#include "support/dump_builder.h"
#include "support/range_builder.h"

namespace memsect::test {
namespace {

constexpr std::uint64_t page_size = 4096;

/// A kdump of raw, compressed and excluded pages, with VMCOREINFO.
KdumpRecipe small_recipe(ByteOrder order, unsigned word_bits = 64) {
  KdumpRecipe recipe;
  recipe.order = order;
  recipe.word_bits = word_bits;
  recipe.vmcoreinfo = "OSRELEASE=6.1\nPAGESIZE=4096\n";
  recipe.pages[0] = stored_page("zero");
  recipe.pages[3] = stored_page("three", Codec::zlib);
  recipe.pages[4] = stored_page("four", Codec::lzo);
  recipe.pages[5] = excluded_page();
  recipe.pages[9] = stored_page("nine", Codec::snappy);
  recipe.pages[100] = stored_page("hundred", Codec::zstd);
  return recipe;
}
Kdump small_kdump(ByteOrder order, unsigned word_bits = 64) {
  return build_kdump(small_recipe(order, word_bits));
}

Buffer small_elf(ByteOrder order, std::uint8_t elf_class = 2) {
  ElfRecipe recipe;
  recipe.order = order;
  recipe.elf_class = elf_class;
  recipe.extended_count = true;
  recipe.segments.push_back(note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n", order)));
  for (const std::uint64_t phys : {0x3000U, 0x0U, 0x3800U, 0x64000U}) {
    ElfSegment segment;
    segment.phys = phys;
    segment.bytes = page_of_text(std::to_string(phys), page_size);
    recipe.segments.push_back(segment);
  }
  return build_elf_core(recipe);
}

bool may_stand_for_a_page(Errc code) {
  return code == Errc::excluded || code == Errc::not_in_dump || code == Errc::truncated ||
         code == Errc::corrupt || code == Errc::unsupported || code == Errc::io;
}

bool may_stand_for_a_dump(Errc code) {
  return code == Errc::bad_format || code == Errc::truncated || code == Errc::corrupt ||
         code == Errc::unsupported || code == Errc::usage;  // usage: parts that do not belong together
}

/// The pages of the small dumps and some around them: their bytes, or nothing where there is an error.
using Pages = std::vector<std::optional<Buffer>>;
constexpr std::array<std::uint64_t, 12> read_pfns = {0, 1, 3, 4, 5, 8, 9, 10, 99, 100, 101, 127};
Pages read_pages(const PhysicalMemory& memory) {
  Pages pages(read_pfns.size());
  for (std::size_t i = 0; i < pages.size(); ++i) {
    Buffer out(page_size);
    const auto read = memory.read(PhysAddr(read_pfns[i] * page_size), out);
    if (read) {
      pages[i] = std::move(out);
    } else {
      EXPECT_TRUE(may_stand_for_a_page(read.error().code)) << read.error().message;
      EXPECT_FALSE(read.error().message.empty());
    }
  }
  return pages;
}

/// The pages of the dump with these parts, or nothing when it does not open.
std::optional<Pages> try_parts(const std::vector<Buffer>& parts) {
  const auto dump = open_split_dump(parts);
  if (!dump) {
    EXPECT_TRUE(may_stand_for_a_dump(dump.error().code)) << dump.error().message;
    EXPECT_FALSE(dump.error().message.empty());
    return std::nullopt;
  }
  const auto claimed = dump->memory->ranges();
  const std::vector<PhysRange> ranges = claimed ? *claimed : std::vector<PhysRange>();
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_FALSE(ranges[i].empty());
    if (i > 0) {
      EXPECT_LT(ranges[i - 1].end(), ranges[i].start) << "disjoint, sorted and merged";
    }
  }
  return read_pages(*dump->memory);
}

std::optional<Pages> try_dump(const Buffer& bytes) { return try_parts({bytes}); }

/// Every field of `width` bytes from `start` to `end` is set to telling values. `others` are the other parts.
void try_fields(const Buffer& good, std::uint64_t start, std::uint64_t end, std::size_t width,
                ByteOrder order, const std::vector<Buffer>& others = {}) {
  for (std::uint64_t at = start; at + width <= end; at += width) {
    const std::uint64_t value = load_unsigned(Bytes(good).subspan(at, width), order);
    const std::uint64_t top = std::uint64_t{1} << (8 * width - 1);
    for (const std::uint64_t other :
         std::array{std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, top, top - 1, value - 1, value + 1,
                    value * 2, std::uint64_t{good.size()}, std::uint64_t{good.size()} - 1}) {
      SCOPED_TRACE("offset " + std::to_string(at) + ", value " + std::to_string(other));
      std::vector<Buffer> parts = others;
      parts.push_back(good);
      put_unsigned(parts.back(), at, other, width, order);
      try_parts(parts);
    }
  }
}

/// Cut at every `step` and next to it, the pages that still come are those of the whole file.
void try_cuts(const Buffer& good, std::size_t step) {
  const auto whole = try_dump(good);
  ASSERT_TRUE(whole);
  for (std::size_t at = 0; at < good.size(); at += step) {
    for (const std::size_t size : {at, at + 1, at + step - 1}) {
      if (size >= good.size()) continue;
      SCOPED_TRACE("cut at " + std::to_string(size));
      const auto pages = try_dump(Buffer(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
      if (!pages) continue;
      for (std::size_t i = 0; i < pages->size(); ++i) {
        if ((*pages)[i]) {
          EXPECT_EQ((*pages)[i], (*whole)[i]) << "page " << read_pfns[i];
        }
      }
    }
  }
}

TEST(MutatedKdump, AnySpoiltHeaderFieldEndsInAnAnswer) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const Kdump good = small_kdump(order);
    try_fields(good.bytes, 0, 16, 4, order);
    try_fields(good.bytes, 408, 464, 4, order);
    try_fields(good.bytes, good.sub_header_at, good.sub_header_at + 104, 8, order);
    try_fields(good.bytes, good.sub_header_at + 8, good.sub_header_at + 16, 4, order);
  }
}

TEST(MutatedKdump, ASpoiltDescriptorHarmsItsPageOnly) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const Kdump good = small_kdump(order);
    const auto whole = try_dump(good.bytes);
    ASSERT_TRUE(whole);
    const std::array<std::uint64_t, 5> stored = {0, 3, 4, 9, 100};
    for (std::size_t spoilt = 0; spoilt < stored.size(); ++spoilt) {
      for (std::size_t at = 0; at < 16; at += 4) {
        for (const std::uint64_t value : {0x0U, 0x1U, 0xffffffffU, 0x80000000U}) {
          Buffer bad = good.bytes;
          put_unsigned(bad, good.descriptors_at + 24 * spoilt + at, value, 4, order);
          const auto pages = try_dump(bad);
          ASSERT_TRUE(pages);
          for (std::size_t i = 0; i < pages->size(); ++i) {
            if (read_pfns[i] != stored[spoilt]) {
              EXPECT_EQ((*pages)[i], (*whole)[i]) << "page " << read_pfns[i];
            }
          }
        }
      }
    }
  }
}

TEST(MutatedKdump, EveryByteOfBitmapsAndDataMayBeSpoilt) {
  const Kdump good = small_kdump(ByteOrder::little);
  for (std::uint64_t at = good.existing_at; at < good.existing_at + 16; ++at) {
    for (const std::uint64_t start : {at, at + (good.stored_at - good.existing_at)}) {
      for (const std::byte mask : {std::byte{0x01}, std::byte{0x80}, std::byte{0xff}}) {
        Buffer bad = good.bytes;
        bad[start] ^= mask;
        EXPECT_TRUE(try_dump(bad));
      }
    }
  }
  for (std::uint64_t at = good.data_at + page_size; at < good.bytes.size(); at += 3) {
    Buffer bad = good.bytes;
    bad[at] ^= std::byte{0xff};
    EXPECT_TRUE(try_dump(bad));
  }
}

TEST(MutatedKdump, CutAnywhereGivesNoWrongBytes) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const Kdump good = small_kdump(order);
    try_cuts(good.bytes, 128);
  }
}

TEST(MutatedKdump, Of32BitMachinesEndsInAnAnswer) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const Kdump good = small_kdump(order, 32);
    try_fields(good.bytes, 404, 444, 4, order);
    try_fields(good.bytes, good.sub_header_at, good.sub_header_at + 104, 4, order);
    try_cuts(good.bytes, 512);
  }
}

TEST(MutatedSplitKdump, AnySpoiltHeaderFieldOfAPartEndsInAnAnswer) {
  const std::vector<Buffer> good = build_split_kdump(small_recipe(ByteOrder::little), {0, 4, 9});
  ASSERT_TRUE(try_parts(good));
  try_fields(good[1], 400, 464, 4, ByteOrder::little, {good[0], good[2]});
  try_fields(good[1], 4096, 4096 + 104, 8, ByteOrder::little, {good[0], good[2]});
  try_fields(good[0], 4096, 4096 + 104, 4, ByteOrder::little, {good[1], good[2]});
}

TEST(MutatedSplitKdump, CutAnywhereGivesNoWrongBytes) {
  const std::vector<Buffer> good = build_split_kdump(small_recipe(ByteOrder::little), {0, 4, 9});
  const auto whole = try_parts(good);
  ASSERT_TRUE(whole);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    for (std::size_t size = 4096; size < good[cut].size(); size += 101) {
      SCOPED_TRACE("part " + std::to_string(cut) + " cut at " + std::to_string(size));
      std::vector<Buffer> parts = good;
      parts[cut].resize(size);
      const auto pages = try_parts(parts);
      if (!pages) continue;
      for (std::size_t i = 0; i < pages->size(); ++i) {
        if ((*pages)[i]) {
          EXPECT_EQ((*pages)[i], (*whole)[i]) << "page " << read_pfns[i];
        }
      }
    }
  }
}

/// A flattened file, and where its record headers are.
struct Flat {
  Buffer bytes;
  std::vector<std::uint64_t> records;
};
Flat small_flat(const Buffer& dump) {
  const FlatRecipe recipe = flat_recipe(dump, 777);
  Flat flat{build_flattened(recipe), {}};
  std::uint64_t at = 4096;
  for (const FlatRecord& record : recipe.records) {
    flat.records.push_back(at);
    at += 16 + record.bytes.size();
  }
  flat.records.push_back(at);  // the end mark
  return flat;
}

TEST(MutatedFlattened, AnySpoiltHeaderFieldEndsInAnAnswer) {
  for (const Buffer& dump : {small_kdump(ByteOrder::little).bytes, small_elf(ByteOrder::big)}) {
    const Flat good = small_flat(dump);
    ASSERT_TRUE(try_dump(good.bytes));
    try_fields(good.bytes, 0, 32, 8, ByteOrder::big);
    for (const std::uint64_t at : good.records) {
      try_fields(good.bytes, at, at + 16, 8, ByteOrder::big);
    }
  }
}

TEST(MutatedFlattened, CutAnywhereGivesNoWrongBytes) {
  try_cuts(small_flat(small_kdump(ByteOrder::little).bytes).bytes, 128);
  const Flat elf = small_flat(small_elf(ByteOrder::little));
  try_cuts(elf.bytes, 128);
  for (const std::uint64_t at : elf.records) {  // at every boundary and beside it
    for (const std::uint64_t size : {at - 1, at, at + 1, at + 15, at + 16, at + 17}) {
      if (size < elf.bytes.size())
        try_dump(Buffer(elf.bytes.begin(), elf.bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    }
  }
}

TEST(MutatedElfCore, Of32BitMachinesEndsInAnAnswer) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const Buffer good = small_elf(order, 1);
    try_fields(good, 16, 24, 2, order);
    try_fields(good, 24, 36, 4, order);
    try_fields(good, 36, 52, 2, order);
    try_fields(good, 52, 52 + 5 * 32 + 40, 4, order);
    try_cuts(good, 128);
  }
}

TEST(ShrinkingFile, GivesErrorsForWhatIsGoneAndNoWrongBytes) {
  for (const Buffer& bytes : {small_kdump(ByteOrder::little).bytes, small_elf(ByteOrder::little),
                              small_flat(small_kdump(ByteOrder::little).bytes).bytes}) {
    const auto whole = try_dump(bytes);
    ASSERT_TRUE(whole);
    for (const std::size_t size : {std::size_t{0}, std::size_t{4096}, bytes.size() / 2, bytes.size() - 100}) {
      const TempFile temp(bytes);
      auto file = File::open(temp.path());
      ASSERT_TRUE(file);
      const auto format = sniff_format(**file);
      const auto dump = (*format)->open({*file});
      ASSERT_TRUE(dump);
      std::filesystem::resize_file(temp.path(), size);
      const Pages pages = read_pages(*dump->memory);
      for (std::size_t i = 0; i < pages.size(); ++i) {
        if (pages[i]) {
          EXPECT_EQ(pages[i], (*whole)[i]) << "page " << read_pfns[i];
        }
      }
    }
  }
}

TEST(MutatedElfCore, AnySpoiltHeaderFieldEndsInAnAnswer) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const Buffer good = small_elf(order);
    try_fields(good, 16, 24, 2, order);
    try_fields(good, 24, 48, 8, order);
    try_fields(good, 48, 64, 2, order);
    try_fields(good, 64, 64 + 5 * 56, 8, order);  // program headers
    try_fields(good, 64, 64 + 5 * 56, 4, order);
    try_fields(good, 344, 344 + 64, 4, order);  // section header 0
    try_fields(good, 408, 408 + 40, 4, order);  // the note
  }
}

/// Of LiME, and of AVML packed and plain.
std::vector<Buffer> small_ranges() {
  const Buffer low = page_of_text("low", 2 * page_size), high = page_of_text("high", 3 * page_size);
  return {lime_range(0, low) + lime_range(3 * page_size, high),
          avml_range(0, low) + avml_range(3 * page_size, high),
          avml_range(0, low, true) + avml_range(3 * page_size, high, true)};
}

TEST(MutatedLime, AnySpoiltHeaderFieldEndsInAnAnswer) {
  for (const Buffer& good : small_ranges()) {
    ASSERT_TRUE(try_dump(good));
    try_fields(good, 0, 32, 4, ByteOrder::little);
    try_fields(good, 8, 24, 8, ByteOrder::little);
    try_fields(good, 32, 64, 4, ByteOrder::little);  // AVML: the heads of the first chunks
  }
}

TEST(MutatedLime, CutAnywhereGivesNoWrongBytes) {
  for (const Buffer& good : small_ranges()) try_cuts(good, 128);
}

TEST(MutatedLime, OfAvmlGivesNoWrongBytesWhereverItIsSpoilt) {
  const Buffer good = small_ranges()[1];
  const auto whole = try_dump(good);
  ASSERT_TRUE(whole);
  for (std::size_t at = 32; at < good.size(); ++at) {
    Buffer bad = good;
    bad[at] ^= std::byte{0x10};
    const auto pages = try_dump(bad);
    if (!pages) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      if (!(*pages)[i]) continue;
      EXPECT_EQ((*pages)[i], (*whole)[i]) << "byte " << at;
    }
  }
}

TEST(MutatedElfCore, CutAnywhereGivesNoWrongBytes) { try_cuts(small_elf(ByteOrder::little), 128); }

TEST(MutatedElfCore, EveryByteOfTheHeadersMayBeSpoilt) {
  const Buffer good = small_elf(ByteOrder::little);
  for (std::size_t at = 0; at < 448; ++at) {
    for (const std::byte mask : {std::byte{0x01}, std::byte{0x80}, std::byte{0xff}}) {
      SCOPED_TRACE(at);
      Buffer bad = good;
      bad[at] ^= mask;
      try_dump(bad);
    }
  }
}

}  // namespace
}  // namespace memsect::test
