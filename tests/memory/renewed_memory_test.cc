#include "memory/renewed_memory.h"

#include <gtest/gtest.h>

#include <array>

#include "support/fake_memory.h"

namespace memsect {
namespace {

using test::FakeMemory;

std::unique_ptr<const PhysicalMemory> memory_with(std::uint8_t content, bool in_flux = false) {
  auto memory = std::make_unique<FakeMemory>();
  const PhysRange page{PhysAddr(0x1000), 4096};
  memory->add(page);
  memory->write_unsigned(page.start, content, 1);
  if (in_flux) memory->withhold(page, Errc::in_flux);
  return memory;
}

unsigned byte_of(const PhysicalMemory& memory) {
  std::array<std::byte, 1> byte{};
  const auto done = memory.read(PhysAddr(0x1000), byte);
  EXPECT_TRUE(done) << done.error().message;
  return std::to_integer<unsigned>(byte[0]);
}

TEST(RenewedMemory, IsOpenedAnewWhereItIsInFlux) {
  int opened = 0;
  const RenewedMemory memory(memory_with(1, true),
                             [&opened]() -> Result<std::unique_ptr<const PhysicalMemory>> {
                               ++opened;
                               return memory_with(2, opened < 3);
                             });
  EXPECT_EQ(byte_of(memory), 2U);
  EXPECT_EQ(opened, 3);
  EXPECT_EQ(byte_of(memory), 2U);
  EXPECT_EQ(opened, 3);
}

TEST(RenewedMemory, GivesUpWhereItStaysInFlux) {
  int opened = 0;
  const RenewedMemory memory(memory_with(1, true),
                             [&opened]() -> Result<std::unique_ptr<const PhysicalMemory>> {
                               ++opened;
                               return memory_with(2, true);
                             });
  EXPECT_EQ(memory.view(PhysAddr(0x1000), 1).error().code, Errc::in_flux);
  EXPECT_LT(opened, 20);
}

TEST(RenewedMemory, KeepsTheOldOneWhereItCannotBeOpened) {
  const RenewedMemory memory(memory_with(1), []() -> Result<std::unique_ptr<const PhysicalMemory>> {
    return Error{Errc::io, "gone", {}};
  });
  EXPECT_EQ(memory.renew().error().code, Errc::io);
  EXPECT_EQ(byte_of(memory), 1U);
}

TEST(RenewedMemory, SaysWhyItCouldNotBeOpenedAnew) {
  const RenewedMemory memory(memory_with(1, true), []() -> Result<std::unique_ptr<const PhysicalMemory>> {
    return Error{Errc::io, "gone", {}};
  });
  EXPECT_EQ(memory.view(PhysAddr(0x1000), 1).error().code, Errc::io);
}

TEST(RenewedMemory, ShowsWhatHasCome) {
  const RenewedMemory memory(
      std::make_unique<FakeMemory>(),
      []() -> Result<std::unique_ptr<const PhysicalMemory>> { return memory_with(3); });
  EXPECT_EQ(memory.view(PhysAddr(0x1000), 1).error().code, Errc::not_in_dump);
  ASSERT_TRUE(memory.renew());
  EXPECT_EQ(byte_of(memory), 3U);
}

}  // namespace
}  // namespace memsect
