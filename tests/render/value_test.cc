#include "render/value.h"

#include <gtest/gtest.h>

namespace memsect {
namespace {

TEST(Value, HasNoAbsenceWhenItIsPlain) {
  for (const Value& value : {Value(), Value(false), Value(0), Value(Hex{0}), Value(Size{0}), Value("?"),
                             Value(List{}), Value(Object{})}) {
    EXPECT_FALSE(value.has_absence());
  }
}

TEST(Value, HasAnAbsenceHoweverDeepItLies) {
  const Value excluded = Absent{"excluded", "the page was left out"};
  EXPECT_TRUE(excluded.has_absence());
  EXPECT_TRUE(Value(List{1, excluded}).has_absence());
  EXPECT_TRUE(Value(Object{{"a", 1}, {"b", List{Object{{"c", excluded}}}}}).has_absence());
}

TEST(Value, DoesNotCountNotApplicableAsAnAbsence) {
  const Value nothing = Absent{"not_applicable", "classic SPARSEMEM has no such map"};
  EXPECT_FALSE(nothing.has_absence());
  EXPECT_FALSE(Value(List{nothing, Object{{"a", nothing}}}).has_absence());
}

TEST(Value, TakesTheReasonOfAnErrorFromItsCode) {
  const Value value = Error{Errc::truncated, "the file ends at 0x1000", {}};
  const auto* absent = std::get_if<Absent>(&value.variant());
  ASSERT_NE(absent, nullptr);
  EXPECT_EQ(absent->reason, "truncated");
  EXPECT_EQ(absent->why, "the file ends at 0x1000");
}

}  // namespace
}  // namespace memsect
