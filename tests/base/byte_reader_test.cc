#include "base/byte_reader.h"

#include <gtest/gtest.h>

namespace memsect {
namespace {

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

TEST(ByteReader, ReadsFieldAfterField) {
  constexpr std::string_view text(
      "\x01\x02\x03\x04\x05\x06\x07\xff\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff", 19);
  ByteReader reader(bytes_of(text), ByteOrder::little);
  EXPECT_EQ(reader.u8(), 0x01U);
  EXPECT_EQ(reader.u16(), 0x0302U);
  EXPECT_EQ(reader.u32(), 0x07060504U);
  EXPECT_EQ(reader.i32(), -1);
  EXPECT_EQ(reader.i64(), -2);
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.finish("header"));
}

TEST(ByteReader, ReadsWordsOfTheDumpedMachineInItsOrder) {
  ByteReader reader(bytes_of("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"), ByteOrder::big);
  EXPECT_EQ(reader.word(4), 0x01020304U);
  EXPECT_EQ(reader.word(8), 0x05060708090a0b0cU);
  EXPECT_EQ(reader.order(), ByteOrder::big);
}

TEST(ByteReader, FailsForGoodAtTheFirstReadPastTheEnd) {
  ByteReader reader(bytes_of("\xff\xff\xff"), ByteOrder::little);
  EXPECT_EQ(reader.u32(), 0U) << "not the three bytes that are there";
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0U) << "a later read that would fit";
  reader.seek(0);
  EXPECT_EQ(reader.u8(), 0U);
  const auto finished = reader.finish("the dump header");
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, Errc::truncated);
  EXPECT_EQ(finished.error().message, "the dump header ends after 3 bytes");
}

TEST(ByteReader, TakesNoHugeCountForASmallOne) {
  ByteReader reader(bytes_of("abcdef"), ByteOrder::little);
  reader.skip(4);
  EXPECT_TRUE(reader.bytes(static_cast<std::size_t>(-1)).empty());  // 4 + count would wrap around
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, EndsTextFieldsAtTheirNulOrTheirWidth) {
  ByteReader reader(bytes_of(std::string_view("ab\0cdefgh", 9)), ByteOrder::little);
  EXPECT_EQ(reader.text(4), "ab");
  EXPECT_EQ(reader.text(4), "defg");
  EXPECT_EQ(reader.position(), 8U);
  EXPECT_EQ(reader.text(2), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, AlignsFromTheFirstByte) {
  ByteReader reader(bytes_of("abcdefghij"), ByteOrder::little);
  reader.align(4);
  EXPECT_EQ(reader.position(), 0U);
  reader.skip(5);
  reader.align(4);
  EXPECT_EQ(reader.position(), 8U);
  reader.skip(1);
  reader.align(4);
  EXPECT_FALSE(reader.ok()) << "12 lies beyond the end";
}

TEST(ByteReader, SeeksUpToTheEndAndNotBeyond) {
  ByteReader reader(bytes_of("abc"), ByteOrder::little);
  reader.seek(3);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
  reader.seek(1);
  EXPECT_EQ(reader.text(1), "b");
  reader.seek(4);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, ReadsNothingFromNothing) {
  ByteReader reader({}, ByteOrder::little);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.text(0), "");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.u8(), 0U);
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace memsect
