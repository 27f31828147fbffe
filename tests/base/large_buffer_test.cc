#include "base/large_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace memsect {
namespace {

TEST(LargeBuffer, HasTheRoomThatWasAskedFor) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{2} << 20, (std::size_t{2} << 20) + 1}) {
    const LargeBuffer buffer(size);
    ASSERT_EQ(buffer.span().size(), size);
    std::fill(buffer.span().begin(), buffer.span().end(), std::byte{1});
    EXPECT_EQ(std::count(buffer.span().begin(), buffer.span().end(), std::byte{1}),
              static_cast<std::ptrdiff_t>(size));
  }
}

TEST(LargeBuffer, FromTwoMebibytesOnBeginsWhereAHugePageDoes) {
  const LargeBuffer buffer(std::size_t{3} << 20);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % (std::size_t{2} << 20), 0U);
}

TEST(LargeBuffer, MovesWithItsBytes) {
  LargeBuffer first(8);
  first.data()[0] = std::byte{7};
  const std::byte* const data = first.data();
  const LargeBuffer second = std::move(first);
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(second.span()[0], std::byte{7});
}

}  // namespace
}  // namespace memsect
