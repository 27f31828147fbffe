#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/range_builder.h"

namespace memsect::test {
namespace {

using ::testing::HasSubstr;

Buffer read_at(const Dump& dump, std::uint64_t at, std::size_t size) {
  Buffer out(size);
  const auto done = dump.memory->read(PhysAddr(at), out);
  EXPECT_TRUE(done) << done.error().message;
  return out;
}
Errc error_at(const Dump& dump, std::uint64_t at) {
  Buffer out(1);
  const auto done = dump.memory->read(PhysAddr(at), out);
  EXPECT_FALSE(done);
  return done ? Errc::usage : done.error().code;
}

const Buffer low = page_of_text("low", 0x3000), high = page_of_text("high", 200000);

TEST(Lime, ReadsRanges) {
  const auto dump = open_dump(lime_range(0x1000, low) + lime_range(0x100000000, high));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->info.format, "lime");
  EXPECT_FALSE(dump->info.truncated);
  EXPECT_EQ(read_at(*dump, 0x1000, low.size()), low);
  EXPECT_EQ(read_at(*dump, 0x100000000, high.size()), high);
  EXPECT_EQ(error_at(*dump, 0xfff), Errc::not_in_dump);
  EXPECT_EQ(error_at(*dump, 0x4000), Errc::not_in_dump);
  const auto ranges = dump->memory->ranges();
  ASSERT_TRUE(ranges);
  EXPECT_EQ(*ranges, (std::vector<PhysRange>{{PhysAddr(0x1000), 0x3000}, {PhysAddr(0x100000000), 200000}}));
}

TEST(Lime, OfAvmlIsUnpackedWhereItIsRead) {
  if (!codec_built_in(Codec::snappy)) GTEST_SKIP();
  for (const bool plain : {false, true}) {
    const auto dump = open_dump(avml_range(0x1000, low, plain) + avml_range(0x100000000, high, plain));
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_EQ(dump->info.format, "avml");
    EXPECT_EQ(dump->info.compression, "snappy");
    EXPECT_EQ(read_at(*dump, 0x1000, low.size()), low);
    EXPECT_EQ(read_at(*dump, 0x100000000, high.size()), high) << "over the border of a chunk";
    EXPECT_EQ(read_at(*dump, 0x100000000 + 65530, 12), Buffer(high.begin() + 65530, high.begin() + 65542));
    EXPECT_EQ(error_at(*dump, 0x4000), Errc::not_in_dump);
  }
}

TEST(Lime, OfAvmlFindsItsWayInLongStreams) {
  if (!codec_built_in(Codec::snappy)) GTEST_SKIP();
  Buffer bytes(std::size_t{40} << 20);  // 640 chunks
  for (std::size_t at = 0; at < bytes.size(); at += 4096) put_unsigned(bytes, at, at, 8, ByteOrder::little);
  const auto dump = open_dump(avml_range(0, bytes));
  ASSERT_TRUE(dump);
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{255} << 16, std::size_t{256} << 16, bytes.size() - 4096})
    EXPECT_EQ(load_unsigned(read_at(*dump, at, 8), ByteOrder::little), at);
}

TEST(Lime, OfAvmlNeverTakesALeftOutBlockForZeros) {
  const auto dump = open_dump(avml_range(0, low) + avml_range(0x2000000, low));
  ASSERT_TRUE(dump);
  Buffer out(1);
  const auto between = dump->memory->read(PhysAddr(0x1000000), out);
  ASSERT_FALSE(between);
  EXPECT_EQ(between.error().code, Errc::not_in_dump);
  EXPECT_THAT(between.error().message, HasSubstr("AVML leaves out what is all zeros"));
}

TEST(Lime, DamagedOfAvmlIsToldByItsChecksum) {
  Buffer bytes = avml_range(0, low, true);
  bytes[bytes.size() - 100] ^= std::byte{1};
  const auto dump = open_dump(bytes);
  ASSERT_TRUE(dump);
  EXPECT_EQ(error_at(*dump, 0), Errc::corrupt);
}

TEST(Lime, CutOffIsReadAsFarAsItGoes) {
  Buffer bytes = lime_range(0, low) + lime_range(0x10000, high);
  bytes.resize(bytes.size() - 100);
  const auto dump = open_dump(bytes);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_EQ(read_at(*dump, 0x10000, high.size() - 100), Buffer(high.begin(), high.end() - 100));
  EXPECT_EQ(error_at(*dump, 0x10000 + high.size() - 1), Errc::truncated);
}

TEST(Lime, OfNonsenseBehindARangeIsCutOffThere) {
  const auto dump = open_dump(lime_range(0, low) + page_of_text("nonsense", 100));
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_EQ(read_at(*dump, 0, low.size()), low);
}

TEST(Lime, WithoutAnyRangeIsRefused) {
  for (const Buffer& bytes : {lime_range(0x2000, low, 0x1000), lime_range(0, low, ~std::uint64_t{0})}) {
    const auto dump = open_dump(bytes);
    ASSERT_FALSE(dump);
    EXPECT_EQ(dump.error().code, Errc::bad_format);
  }
}

}  // namespace
}  // namespace memsect::test
