#include <gtest/gtest.h>

#include <array>

#include "types/type_source.h"

namespace memsect {
namespace {

StructLayout example() {
  StructLayout layout;
  layout.name = "example";
  layout.size = 24;
  layout.members = {{"word", 0, 8, 8, 1, "", 0, 0},
                    {"half", 8, 4, 4, 1, "", 0, 0},
                    {"three", 12, 3, 1, 3, "", 0, 0},
                    {"bits", 16, 4, 4, 1, "", 5, 16 * 8 + 3}};
  return layout;
}

TEST(StructLayout, AnswersForMembersItHasAndNamesThoseItLacks) {
  const StructLayout layout = example();
  EXPECT_TRUE(layout.has("half"));
  EXPECT_FALSE(layout.has("hal"));
  EXPECT_EQ(layout.member("half")->offset, 8U);
  EXPECT_EQ(layout.member("nope").error().code, Errc::no_member);
  EXPECT_NE(layout.member("nope").error().message.find("nope"), std::string::npos);
}

TEST(StructLayout, BindsIntegersOnly) {
  const StructLayout layout = example();
  EXPECT_TRUE(layout.field("word"));
  EXPECT_EQ(layout.field("three").error().code, Errc::no_member);
  EXPECT_EQ(layout.field("bits").error().code, Errc::no_member);
  EXPECT_EQ(layout.field("nope").error().code, Errc::no_member);
}

TEST(StructLayout, ReadsBitFieldsAsTheMachineAllocatesThem) {
  StructLayout layout = example();
  std::array<std::byte, 24> bytes{};
  bytes[16] =
      std::byte{0xb8};  // of the lowest byte bits 3 to 7, of the highest the five after the first three
  EXPECT_EQ(layout.bit_field("bits")->get(bytes), 0x17U);
  EXPECT_EQ(layout.bit_field("bits")->in_unit(), 0xf8U);
  layout.order = ByteOrder::big;
  bytes[16] = std::byte{0x17};
  EXPECT_EQ(layout.bit_field("bits")->get(bytes), 0x17U);
  EXPECT_EQ(layout.bit_field("bits")->in_unit(), 0x1f000000U);
  EXPECT_EQ(layout.bit_field("half").error().code, Errc::no_member);
  layout.members[3].bit_size = 30;  // more than the integer has left
  EXPECT_EQ(layout.bit_field("bits").error().code, Errc::corrupt);
  layout.members[3].bit_size = 5;
  layout.members[3].first_bit = 8;  // before the integer
  EXPECT_EQ(layout.bit_field("bits").error().code, Errc::corrupt);
}

TEST(Field, ReadsInTheLayoutsByteOrder) {
  StructLayout layout = example();
  std::array<std::byte, 24> bytes{};
  bytes[8] = std::byte{0xff};
  EXPECT_EQ(layout.field("half")->get(bytes), 0xffU);
  EXPECT_EQ(layout.field("half")->end(), 12U);
  layout.order = ByteOrder::big;
  EXPECT_EQ(layout.field("half")->get(bytes), 0xff000000U);
  EXPECT_EQ(layout.field("half")->get_signed(bytes), -0x1000000);
}

}  // namespace
}  // namespace memsect
