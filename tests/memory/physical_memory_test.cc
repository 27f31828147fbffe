#include "memory/physical_memory.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "support/fake_memory.h"

namespace memsect {
namespace {

TEST(PhysicalMemory, ReadsAcrossTheBlocksOfItsViews) {
  test::FakeMemory memory;
  std::vector<std::byte> written(0x3000);
  for (std::size_t i = 0; i < written.size(); ++i) written[i] = static_cast<std::byte>(i % 251);
  memory.write(PhysAddr(0x10000), written);
  std::vector<std::byte> out(0x2005);
  ASSERT_TRUE(memory.read(PhysAddr(0x10ffb), out));
  EXPECT_TRUE(std::equal(out.begin(), out.end(), written.begin() + 0xffb));
}

TEST(PhysicalMemory, FailsWithTheReasonOfTheFirstByteThatIsNotThere) {
  test::FakeMemory memory;
  memory.add({PhysAddr(0x1000), 0x1000});
  memory.exclude({PhysAddr(0x2000), 0x1000});
  std::vector<std::byte> out(16);
  EXPECT_TRUE(memory.read(PhysAddr(0x1ff0), out));
  EXPECT_EQ(memory.read(PhysAddr(0x1ff8), out).error().code, Errc::excluded);
  EXPECT_EQ(memory.read(PhysAddr(0x5000), out).error().code, Errc::not_in_dump);
}

TEST(PhysicalMemory, ReadsNothingFromAnywhere) {
  const test::FakeMemory memory;
  EXPECT_TRUE(memory.read(PhysAddr(0xdead000), {}));
}

}  // namespace
}  // namespace memsect
