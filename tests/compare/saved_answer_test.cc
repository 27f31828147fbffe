#include "compare/saved_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare/compared_fields.h"

namespace memsect {
namespace {

using testing::HasSubstr;

const std::string whole =
    R"({"schema": "memsect/1", "command": "sections", "source": {"release": "6.1"}, "notes": [],
        "data": [{"section": 3, "node": {"absent": "excluded", "why": "filtered out"}, "usage": {"phys": "0x10"}}]})";

TEST(SavedAnswer, IsReadBack) {
  const auto answer = read_saved_answer(whole);
  ASSERT_TRUE(answer) << answer.error().message;
  const Report& report = (*answer)->report;
  EXPECT_EQ(report.command, "sections");
  const auto& rows = std::get<List>(report.data.variant());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(number_in(*member(rows[0], "section")), 3U);
  EXPECT_EQ(std::get<std::string>(member_at(rows[0], "usage.phys")->variant()), "0x10");
  EXPECT_TRUE(member(rows[0], "node")->has_absence());
}

TEST(SavedAnswer, OfWhichAPartIsMissingIsNone) {
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const auto answer = read_saved_answer(std::string_view(whole).substr(0, size));
    ASSERT_FALSE(answer) << size;
    EXPECT_EQ(answer.error().code, Errc::bad_format);
  }
}

TEST(SavedAnswer, OfAnotherKindIsNone) {
  for (const char* text :
       {"{}", "[]", "3", R"({"schema": "other/1", "command": "x", "source": {}, "data": []})",
        R"({"schema": "memsect/1", "command": 3, "source": {}, "data": []})",
        R"({"schema": "memsect/1", "command": "x", "source": [], "data": []})",
        R"({"schema": "memsect/1", "command": "x", "source": {}})"}) {
    const auto answer = read_saved_answer(text);
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().code, Errc::bad_format);
  }
}

TEST(SavedAnswer, IsNotFollowedIntoTheDepths) {
  const auto answer = read_saved_answer("{\"a\":" + std::string(1'000'000, '['));
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("nested deeper"));
}

TEST(SavedAnswer, IsToldByItsBeginning) {
  EXPECT_TRUE(looks_like_saved_answer("\n  {\"schema\""));
  EXPECT_FALSE(looks_like_saved_answer(""));
  EXPECT_FALSE(looks_like_saved_answer("KDUMP   {"));
}

}  // namespace
}  // namespace memsect
