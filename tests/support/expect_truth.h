// What a compiler laid out, held against a type source.
#pragma once

#include <gtest/gtest.h>

#include "support/type_fixture.h"
#include "types/type_source.h"

namespace memsect::testing {

/// Every size and offset that the fixture `name` carries must be that of `types`.
inline void expect_truth(const TypeSource& types, const std::string& name) {
  const auto truths = truth_of(name);
  ASSERT_GT(truths.size(), 10U);
  for (const Truth& truth : truths) {
    const auto layout = types.find_struct(truth.type);
    ASSERT_TRUE(layout) << truth.type << ": " << layout.error().message;
    if (truth.member.empty()) {
      EXPECT_EQ(layout->size, truth.size) << truth.type;
      continue;
    }
    const auto member = layout->member(truth.member);
    ASSERT_TRUE(member) << member.error().message;
    EXPECT_EQ(member->offset, truth.offset) << truth.type << '.' << truth.member;
    EXPECT_EQ(member->size, truth.size) << truth.type << '.' << truth.member;
  }
}

}  // namespace memsect::testing
