#include "formats/page_bitmap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

/// A bitmap in a file, behind `offset` bytes of ones, and with ones behind it.
struct BitmapFile {
  BitmapFile(std::uint64_t bits, const std::function<bool(std::uint64_t)>& is_set, std::uint64_t offset = 100)
      : set(static_cast<std::size_t>(bits)) {
    Buffer bytes(static_cast<std::size_t>(offset + bits / 8 + 2), std::byte{0xff});
    for (std::uint64_t i = 0; i < bits; ++i) {
      set[static_cast<std::size_t>(i)] = is_set(i);
      std::byte& b = bytes[static_cast<std::size_t>(offset + i / 8)];
      if (!is_set(i)) b &= ~static_cast<std::byte>(1U << (i % 8));
    }
    const TempFile temp(bytes);
    bitmap = {File::open(temp.path()).value(), offset, bits};
  }
  std::vector<bool> set;
  PageBitmap bitmap;
};

std::vector<PhysRange> naive_ranges(const std::vector<bool>& set, std::uint64_t page_size) {
  std::vector<PhysRange> ranges;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (!set[i]) continue;
    if (i > 0 && set[i - 1]) {
      ranges.back().size += page_size;
    } else {
      ranges.push_back({PhysAddr(i * page_size), page_size});
    }
  }
  return ranges;
}

struct Pattern {
  const char* name;
  std::uint64_t bits;
  std::function<bool(std::uint64_t)> is_set;
};

std::vector<Pattern> patterns() {
  const auto hashed = [](std::uint64_t i) { return (i * 0x9e3779b97f4a7c15 >> 61) == 0; };
  return {
      {"no page", 1000, [](std::uint64_t) { return false; }},
      {"every page", 1000, [](std::uint64_t) { return true; }},
      {"one bit", 1, [](std::uint64_t) { return true; }},
      {"a last byte in part", 12289, [](std::uint64_t i) { return i > 12280; }},
      {"runs that end at words", 4096, [](std::uint64_t i) { return i / 64 % 2 == 0; }},
      {"runs that end at bytes", 4104, [](std::uint64_t i) { return i / 8 % 3 == 0; }},
      {"every other page", 9001, [](std::uint64_t i) { return i % 2 == 1; }},
      {"one page in eight, scattered", 70000, hashed},
      {"memory with a hole", 20000,
       [](std::uint64_t i) { return i < 159 || (i >= 256 && i < 17000) || i >= 18432; }},
  };
}

TEST(PageBitmap, AnswersForEachPageAndNotBeyond) {
  for (const Pattern& pattern : patterns()) {
    const BitmapFile made(pattern.bits, pattern.is_set);
    for (std::uint64_t i = 0; i < pattern.bits; ++i) {
      ASSERT_EQ(made.bitmap.test(Pfn(i)).value(), made.set[static_cast<std::size_t>(i)])
          << pattern.name << ", bit " << i;
    }
    EXPECT_FALSE(made.bitmap.test(Pfn(pattern.bits)).value()) << pattern.name;
    EXPECT_FALSE(made.bitmap.test(Pfn(~std::uint64_t{0})).value()) << pattern.name;
  }
}

TEST(PageRanges, AreTheRunsOfSetBits) {
  for (const Pattern& pattern : patterns()) {
    const BitmapFile made(pattern.bits, pattern.is_set);
    EXPECT_EQ(page_ranges(made.bitmap, 4096).value(), naive_ranges(made.set, 4096)) << pattern.name;
  }
}

TEST(PageRanges, RefuseBitmapsOfNoise) {
  const BitmapFile made(9001, [](std::uint64_t i) { return i % 2 == 1; });
  EXPECT_TRUE(page_ranges(made.bitmap, 4096, 4500));
  const auto refused = page_ranges(made.bitmap, 4096, 4000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::bad_format);
}

TEST(PageRanks, CountThePagesBefore) {
  for (const Pattern& pattern : patterns()) {
    // The offset puts groups across the blocks a file is read in.
    const BitmapFile made(pattern.bits, pattern.is_set, 32768 - 300);
    const auto ranks = PageRanks::build(made.bitmap);
    ASSERT_TRUE(ranks) << pattern.name;
    std::uint64_t before = 0;
    for (std::uint64_t i = 0; i < pattern.bits; ++i) {
      ASSERT_EQ(ranks->rank(Pfn(i)).value(), before) << pattern.name << ", page " << i;
      before += made.set[static_cast<std::size_t>(i)] ? 1 : 0;
    }
    EXPECT_EQ(ranks->total(), before) << pattern.name;
    EXPECT_EQ(ranks->rank(Pfn(pattern.bits)).value(), before) << pattern.name;
  }
}

TEST(PageRanks, ReadLargeBitmapsInPieces) {
  const std::uint64_t bits =
      (std::uint64_t{8} << 20) + (std::uint64_t{8} << 20) + 4097;  // two pieces and a bit
  Buffer bytes(bits / 8 + 1);
  for (std::uint64_t i = 999; i < bits; i += 1000) bytes[i / 8] |= static_cast<std::byte>(1U << (i % 8));
  const TempFile temp(bytes);
  const PageBitmap bitmap{File::open(temp.path()).value(), 0, bits};
  const auto ranks = PageRanks::build(bitmap);
  ASSERT_TRUE(ranks);
  EXPECT_EQ(ranks->total(), bits / 1000);
  for (std::uint64_t i = 0; i <= bits; i += 123457) EXPECT_EQ(ranks->rank(Pfn(i)).value(), i / 1000) << i;
  EXPECT_EQ(page_ranges(bitmap, 4096)->size(), bits / 1000);
}

TEST(PageBitmap, BeyondTheFileIsTruncated) {
  const TempFile temp(Buffer(100));
  const PageBitmap bitmap{File::open(temp.path()).value(), 50, 1000};
  EXPECT_EQ(bitmap.test(Pfn(900)).error().code, Errc::truncated);
  EXPECT_EQ(page_ranges(bitmap, 4096).error().code, Errc::truncated);
  EXPECT_EQ(PageRanks::build(bitmap).error().code, Errc::truncated);
}

}  // namespace
}  // namespace memsect::test
