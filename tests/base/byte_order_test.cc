#include "base/byte_order.h"

#include <gtest/gtest.h>

#include <array>

namespace memsect {
namespace {

constexpr std::array<std::byte, 8> bytes{std::byte{0x01}, std::byte{0x02}, std::byte{0x03}, std::byte{0x04},
                                         std::byte{0x05}, std::byte{0x06}, std::byte{0x07}, std::byte{0xf8}};

TEST(ByteOrder, LoadsEveryWidthInBothOrders) {
  struct Case {
    std::size_t size;
    std::uint64_t little, big;
  };
  const std::array<Case, 6> cases{{{1, 0x01, 0x01},
                                   {2, 0x0201, 0x0102},
                                   {3, 0x030201, 0x010203},
                                   {4, 0x04030201, 0x01020304},
                                   {7, 0x07060504030201, 0x01020304050607},
                                   {8, 0xf807060504030201, 0x01020304050607f8}}};
  for (const Case& c : cases) {
    EXPECT_EQ(load_unsigned(std::span(bytes).first(c.size), ByteOrder::little), c.little);
    EXPECT_EQ(load_unsigned(std::span(bytes).first(c.size), ByteOrder::big), c.big);
  }
}

TEST(ByteOrder, KnowsTheHost) {
  const std::uint16_t one = 1;
  EXPECT_EQ(load_unsigned(std::as_bytes(std::span(&one, 1)), host_byte_order), 1U);
}

TEST(ByteOrder, ExtendsTheSignOfEveryWidth) {
  EXPECT_EQ(sign_extend(0x7f, 1), 127);
  EXPECT_EQ(sign_extend(0x80, 1), -128);
  EXPECT_EQ(sign_extend(0x8000, 2), -32768);
  EXPECT_EQ(sign_extend(0x8000, 4), 32768);
  EXPECT_EQ(sign_extend(0xffffffff, 4), -1);
  EXPECT_EQ(sign_extend(0xfffffffffffffffe, 8), -2);
  EXPECT_EQ(sign_extend(0xffffff7f, 1), 127) << "higher bits do not count";
}

}  // namespace
}  // namespace memsect
