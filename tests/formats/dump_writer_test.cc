#include "formats/dump_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/dump_builder.h"

namespace memsect {
namespace {

using test::Buffer;

constexpr std::uint64_t page_size = 4096;

/// Page 0x100 and 0x101 with contents, 0x102 filtered, 0x103 lost, 0x9000 zeros, 0x9001 noise.
NewDump small_dump() {
  NewDump dump;
  dump.page_size = page_size;
  dump.elf_machine = 62;
  dump.machine = "x86_64";
  dump.release = "6.1.0-test";
  dump.vmcoreinfo = "OSRELEASE=6.1.0-test\nPAGESIZE=4096\n";
  dump.direct_map = 0xffff888000000000;
  dump.runs = {{PageRun::State::stored, Pfn(0x100), 2},
               {PageRun::State::filtered, Pfn(0x102), 1},
               {PageRun::State::lost, Pfn(0x103), 1},
               {PageRun::State::stored, Pfn(0x9000), 2}};
  dump.read_page = [](Pfn pfn, std::span<std::byte> page) -> Result<void> {
    for (const std::byte b : page) EXPECT_EQ(b, std::byte{}) << "the page does not come zeroed";
    if (pfn == Pfn(0x9000)) return {};
    std::uint64_t noise = pfn.raw();
    const Buffer text = test::page_of_text("page " + std::to_string(pfn.raw()));
    for (std::size_t i = 0; i < page.size(); ++i) {
      noise = noise * 6364136223846793005U + 1442695040888963407U;
      page[i] = pfn == Pfn(0x9001) ? static_cast<std::byte>(noise >> 56) : text[i];
    }
    return {};
  };
  return dump;
}

using Write = Result<void> (*)(const NewDump&, OutputFile&);

/// A path of this process alone: tests run side by side.
std::string own_path() { return testing::TempDir() + "memsect-written-" + std::to_string(::getpid()); }

Buffer written(const NewDump& dump, Write write) {
  const std::string path = own_path();
  auto out = OutputFile::create(path);
  EXPECT_TRUE(out) << out.error().message;
  const auto done = write(dump, **out);
  EXPECT_TRUE(done) << done.error().message;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  return test::to_bytes(text);
}

void expect_pages(const Dump& read, const NewDump& dump) {
  for (const std::uint64_t pfn : {0x100, 0x101, 0x9000, 0x9001}) {
    std::array<std::byte, page_size> want{}, got{};
    ASSERT_TRUE(dump.read_page(Pfn(pfn), want));
    const auto done = read.memory->read(PhysAddr(pfn * page_size), got);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(want, got) << pfn;
  }
}

TEST(KdumpWriter, IsReadBackPageByPage) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    NewDump dump = small_dump();
    dump.order = order;
    const Buffer bytes = written(dump, write_kdump);
    const auto read = test::open_dump(bytes);
    ASSERT_TRUE(read) << read.error().message;
    expect_pages(*read, dump);
    EXPECT_EQ(read->vmcoreinfo, dump.vmcoreinfo.substr(0, dump.vmcoreinfo.size()));
    EXPECT_EQ(read->info.order, order);
    EXPECT_EQ(read->info.utsname_machine, "x86_64");
    EXPECT_EQ(read->info.compression, "zlib");
    EXPECT_FALSE(read->info.truncated);
  }
}

TEST(KdumpWriter, KeepsTheReasonsOfAbsentPages) {
  const auto read = test::open_dump(written(small_dump(), write_kdump));
  ASSERT_TRUE(read) << read.error().message;
  const auto reason = [&](std::uint64_t pfn) {
    return read->memory->view(PhysAddr(pfn * page_size), 1).error().code;
  };
  EXPECT_EQ(reason(0x102), Errc::excluded);
  EXPECT_EQ(reason(0x103), Errc::truncated);
  EXPECT_EQ(reason(0x104), Errc::not_in_dump);
}

TEST(KdumpWriter, StoresOnePageOfZeros) {
  NewDump dump = small_dump();
  dump.runs = {{PageRun::State::stored, Pfn(0), 1000}};
  dump.read_page = [](Pfn, std::span<std::byte>) -> Result<void> { return {}; };
  const Buffer bytes = written(dump, write_kdump);
  EXPECT_LT(bytes.size(), 4 * page_size + 1000 * 24 + 100);
  ASSERT_TRUE(test::open_dump(bytes)->memory->view(PhysAddr(999 * page_size), 1));
}

TEST(ElfCoreWriter, IsReadBackPageByPage) {
  NewDump dump = small_dump();
  dump.image = {0xffffffff81000000, 0x101000, 0x1000};
  const Buffer bytes = written(dump, write_elf_core);
  const auto read = test::open_dump(bytes);
  ASSERT_TRUE(read) << read.error().message;
  expect_pages(*read, dump);
  EXPECT_EQ(read->vmcoreinfo, dump.vmcoreinfo);
  EXPECT_EQ(read->info.elf_machine, 62);
  for (const std::uint64_t pfn : {0x102, 0x103, 0x104}) {
    EXPECT_EQ(read->memory->view(PhysAddr(pfn * page_size), 1).error().code, Errc::not_in_dump) << pfn;
  }
  // note, image, and the two runs: what is at 0x101000 has two virtual addresses
  std::uint16_t headers = 0;
  std::memcpy(&headers, bytes.data() + 56, sizeof headers);
  EXPECT_EQ(headers, 4);
}

TEST(ElfCoreWriter, CountsManySegmentsInSectionHeaderZero) {
  NewDump dump = small_dump();
  dump.runs.clear();
  for (std::uint64_t i = 0; i < 65'600; ++i) dump.runs.push_back({PageRun::State::stored, Pfn(2 * i), 1});
  dump.page_size = 512;  // no machine's, to keep the test small
  dump.read_page = [](Pfn pfn, std::span<std::byte> page) -> Result<void> {
    page[0] = static_cast<std::byte>(pfn.raw());
    return {};
  };
  const auto read = test::open_dump(written(dump, write_elf_core));
  ASSERT_TRUE(read) << read.error().message;
  const auto view = read->memory->view(PhysAddr(2 * 65'599 * 512), 1);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->bytes[0], std::byte{(2 * 65'599) & 0xff});
  EXPECT_EQ(read->vmcoreinfo, dump.vmcoreinfo);
}

TEST(DumpWriters, LeaveNoFileWhenAPageCannotBeRead) {
  NewDump dump = small_dump();
  dump.read_page = [](Pfn, std::span<std::byte>) -> Result<void> { return Error{Errc::io, "gone", {}}; };
  for (const Write write : {write_kdump, write_elf_core}) {
    const std::string path = own_path();
    auto out = OutputFile::create(path);
    ASSERT_TRUE(out);
    const auto done = write(dump, **out);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "gone");
    EXPECT_FALSE(std::ifstream(path));
  }
}

}  // namespace
}  // namespace memsect
