#include "memory/recording_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "support/fake_memory.h"

namespace memsect {
namespace {

using testing::ElementsAre;

TEST(RecordingMemory, NotesTheBytesThatWereGivenOutAndNoOthers) {
  test::FakeMemory memory;
  memory.add({PhysAddr(0x1000), 0x2000});
  AccessRecord record;
  const RecordingMemory recording(memory, record.data, record.failed);
  std::array<std::byte, 0x20> bytes{};
  ASSERT_TRUE(recording.read(PhysAddr(0x1ff0), bytes));  // over the end of a page
  ASSERT_TRUE(recording.view(PhysAddr(0x2800), 8));
  EXPECT_THAT(record.data.ranges(),
              ElementsAre(PhysRange{PhysAddr(0x1ff0), 0x20}, PhysRange{PhysAddr(0x2800), 8}));
  EXPECT_TRUE(record.failed.empty());
}

TEST(RecordingMemory, NotesWhereReadingFailedAndWhy) {
  test::FakeMemory memory;
  memory.add({PhysAddr(0x1000), 0x1000});
  memory.exclude({PhysAddr(0x2000), 0x1000});
  AccessRecord record;
  const RecordingMemory recording(memory, record.data, record.failed);
  std::array<std::byte, 0x20> bytes{};
  EXPECT_FALSE(recording.read(PhysAddr(0x1ff0), bytes));
  EXPECT_FALSE(recording.view(PhysAddr(0x5008), 8));
  EXPECT_THAT(record.data.ranges(), ElementsAre(PhysRange{PhysAddr(0x1ff0), 0x10}));
  EXPECT_THAT(record.failed[Errc::excluded].ranges(), ElementsAre(PhysRange{PhysAddr(0x2000), 0x1000}));
  EXPECT_THAT(record.failed[Errc::not_in_dump].ranges(), ElementsAre(PhysRange{PhysAddr(0x5000), 0x1000}));
  EXPECT_EQ(record.failed.size(), 2U);
}

}  // namespace
}  // namespace memsect
