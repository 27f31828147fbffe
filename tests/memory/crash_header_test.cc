#include "memory/crash_header.h"

#include <gtest/gtest.h>

#include "base/byte_writer.h"
#include "support/fake_memory.h"

namespace memsect {
namespace {

using test::FakeMemory;

/// As kexec leaves it: a note of a CPU, that of VMCOREINFO, and two ranges of memory.
std::vector<std::byte> header_bytes(std::uint16_t type, std::uint16_t count) {
  ByteWriter bytes(ByteOrder::little);
  bytes.text(std::string_view("\177ELF\2\1\1", 7), 16);
  bytes.u16(type);
  bytes.u16(62);
  bytes.u32(1);
  for (const std::uint64_t value : {0U, 64U, 0U}) bytes.u64(value);  // e_entry, e_phoff, e_shoff
  bytes.u32(0);
  for (const std::uint16_t value : {std::uint16_t{64}, std::uint16_t{56}, count}) bytes.u16(value);
  for (int i = 0; i < 3; ++i) bytes.u16(0);
  const auto entry = [&bytes](std::uint32_t kind, std::uint64_t phys, std::uint64_t size) {
    bytes.u32(kind);
    bytes.u32(0);
    for (const std::uint64_t value : {phys, std::uint64_t{0}, phys, size, size, std::uint64_t{0}})
      bytes.u64(value);
  };
  entry(4, 0x7000, 0x170);
  entry(4, 0x5000, 0x1024);
  entry(1, 0x100000, 0x100000);
  entry(1, 0x400000, 0x100000);
  return {bytes.written().begin(), bytes.written().end()};
}

std::optional<CrashHeader> read(const FakeMemory& memory, PhysAddr at) {
  const auto head = memory.view(at, 64);
  return head ? read_crash_header(memory, at, head->bytes) : std::nullopt;
}

TEST(CrashHeader, NamesTheNotesAndTheMemoryOfTheCrashedKernel) {
  FakeMemory memory;
  memory.write(PhysAddr(0x20000), header_bytes(4, 4));
  const auto header = read(memory, PhysAddr(0x20000));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->notes, (std::vector<PhysAddr>{PhysAddr(0x7000), PhysAddr(0x5000)}));
  EXPECT_TRUE(header->covers(PhysAddr(0x100000)));
  EXPECT_FALSE(header->covers(PhysAddr(0x200000)));
  EXPECT_TRUE(header->covers(PhysAddr(0x4fffff)));
}

TEST(CrashHeader, OfOtherFilesIsNone) {
  FakeMemory memory;
  memory.write(PhysAddr(0x20000), header_bytes(2, 4));       // a program
  memory.write(PhysAddr(0x30000), header_bytes(4, 0));       // no entries
  memory.write(PhysAddr(0x40000), header_bytes(4, 0xffff));  // more than there can be
  memory.write(PhysAddr(0x50ff0), header_bytes(4, 0x2000));  // more than there is memory
  for (const std::uint64_t at : {0x20000U, 0x30000U, 0x40000U, 0x50ff0U})
    EXPECT_FALSE(read(memory, PhysAddr(at)));
}

}  // namespace
}  // namespace memsect
