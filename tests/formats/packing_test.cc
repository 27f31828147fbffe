#include "formats/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "support/memory_file.h"
#include "support/pack_builder.h"

namespace memsect::test {
namespace {

using ::memsect::testing::file_of;
using ::testing::HasSubstr;

std::shared_ptr<const File> file_of_bytes(const Buffer& bytes) {
  return file_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

constexpr std::uint64_t plenty = std::uint64_t{1} << 30;

Result<std::shared_ptr<const File>> unpack(const Buffer& bytes, std::uint64_t at_most = plenty) {
  const auto packing = packing_of(bytes);
  if (!packing) return Error{Errc::bad_format, "is not packed", {}};
  return unpack_file(*file_of_bytes(bytes), *packing, {at_most, {}});
}

Buffer contents(const File& file) {
  Buffer bytes(file.size());
  EXPECT_TRUE(file.read(0, bytes));
  return bytes;
}

/// Text that compresses, noise that does not, zeros.
Buffer some_bytes() {
  Buffer bytes = page_of_text("some", 300000);
  std::uint32_t noise = 1;
  for (std::size_t i = 100000; i < 200000; ++i) {
    noise = noise * 1664525 + 1013904223;
    bytes[i] = static_cast<std::byte>(noise >> 24);
  }
  bytes.resize(bytes.size() + 50000);
  return bytes;
}

TEST(Packing, IsToldByTheFirstBytesAndUndone) {
  const Buffer bytes = some_bytes();
  for (const Packing packing : packings) {
    SCOPED_TRACE(packing_name(packing));
    const Buffer packed = pack(packing, bytes);
    if (!packing_built_in(packing)) continue;
    ASSERT_EQ(packing_of(packed), packing);
    const auto file = unpack(packed);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(contents(**file), bytes);
    EXPECT_TRUE((*file)->remarks()->all().empty());
  }
}

TEST(Packing, OfSeveralStreamsInOneFileGivesThemAll) {
  const Buffer first = page_of_text("first", 70000), second = page_of_text("second", 1000);
  for (const Packing packing : packings) {
    SCOPED_TRACE(packing_name(packing));
    if (!packing_built_in(packing)) continue;
    Buffer packed = pack(packing, first), more = pack(packing, second), both = first;
    packed.insert(packed.end(), more.begin(), more.end());
    both.insert(both.end(), second.begin(), second.end());
    const auto file = unpack(packed);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(contents(**file), both);
  }
}

TEST(Packing, CutAnywhereGivesTheBeginningAndSaysSo) {
  const Buffer bytes = some_bytes();
  for (const Packing packing : packings) {
    if (!packing_built_in(packing)) continue;
    const Buffer whole = pack(packing, bytes);
    std::size_t most = 0;
    std::vector<std::size_t> sizes;
    for (std::size_t size = 10; size < whole.size(); ++size) {
      if (size < 200 || size % 1999 == 0 || size + 40 > whole.size()) sizes.push_back(size);
    }
    for (const std::size_t size : sizes) {
      SCOPED_TRACE(::testing::Message() << packing_name(packing) << " cut at " << size);
      const auto file = unpack(Buffer(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      ASSERT_TRUE(file) << file.error().message;
      const Buffer part = contents(**file);
      ASSERT_LE(part.size(), bytes.size());
      EXPECT_TRUE(std::equal(part.begin(), part.end(), bytes.begin()));
      ASSERT_EQ((*file)->remarks()->all().size(), 1U);
      EXPECT_THAT((*file)->remarks()->all().front().text, HasSubstr("cut off"));
      EXPECT_GE(part.size(), most) << "more of the file gives no less";
      most = std::max(most, part.size());
    }
    EXPECT_GT(most, 100000U) << packing_name(packing);
  }
}

TEST(Packing, DamagedAnywhereGivesNoWrongBytes) {
  const Buffer bytes = page_of_text("some", 30000);
  for (const Packing packing : packings) {
    if (!packing_built_in(packing)) continue;
    const Buffer whole = pack(packing, bytes);
    unsigned refused = 0;
    for (std::size_t at = 9; at < whole.size(); ++at) {
      for (const std::byte mask : {std::byte{0x01}, std::byte{0x80}, std::byte{0xff}}) {
        SCOPED_TRACE(::testing::Message() << packing_name(packing) << ", byte " << at);
        Buffer bad = whole;
        bad[at] ^= mask;
        const auto file = unpack(bad, std::uint64_t{16} << 20);
        if (!file) {
          ++refused;
          EXPECT_TRUE(file.error().code == Errc::corrupt || file.error().code == Errc::unsupported);
        } else if ((*file)->remarks()->all().empty()) {
          EXPECT_EQ(contents(**file), bytes);
        }
      }
    }
    EXPECT_GT(refused, whole.size()) << packing_name(packing);
  }
}

TEST(Packing, OfMoreThanTheLimitIsRefused) {
  const Buffer zeros(std::size_t{8} << 20);
  for (const Packing packing : packings) {
    SCOPED_TRACE(packing_name(packing));
    if (!packing_built_in(packing)) continue;
    const Buffer packed = pack(packing, zeros);
    EXPECT_TRUE(unpack(packed, zeros.size()));
    const auto file = unpack(packed, zeros.size() - 1);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::unsupported);
    EXPECT_THAT(file.error().hint, HasSubstr("--unpack-limit"));
  }
}

TEST(Packing, OfZerosTakesNoRoom) {
  Buffer bytes(std::size_t{8} << 20);
  bytes[5000] = std::byte{1};
  const auto file = unpack(pack(Packing::gzip, bytes));
  ASSERT_TRUE(file);
  EXPECT_EQ(contents(**file), bytes);
  struct stat status {};
  ASSERT_EQ(::fstat((*file)->descriptor(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
}

TEST(Packing, WithoutRoomForItSaysHowToGetSome) {
  const Buffer packed = pack(Packing::gzip, some_bytes());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 65536;
  const auto source = file_of_bytes(packed);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto file = unpack_file(*source, Packing::gzip, {plenty, {}});
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::io);
  EXPECT_THAT(file.error().message, HasSubstr("temporary file in"));
  EXPECT_THAT(file.error().hint, HasSubstr("TMPDIR"));
}

TEST(Packing, TellsHowFarItIs) {
  const Buffer packed = pack(Packing::gzip, some_bytes());
  const auto source = file_of_bytes(packed);
  std::uint64_t last = 0;
  ASSERT_TRUE(unpack_file(*source, Packing::gzip, {plenty, [&](std::uint64_t done, std::uint64_t total) {
                                                     EXPECT_GE(done, last);
                                                     EXPECT_EQ(total, packed.size());
                                                     last = done;
                                                   }}));
  EXPECT_EQ(last, packed.size());
}

TEST(Packing, CutOffLeavesADumpThatIsTruncated) {
  KdumpRecipe recipe;
  recipe.vmcoreinfo = "OSRELEASE=6.1\n";
  for (std::uint64_t pfn = 0; pfn < 100; ++pfn) recipe.pages[pfn] = stored_page(std::to_string(pfn));
  Buffer packed = pack(Packing::gzip, build_kdump(recipe).bytes);
  packed.resize(packed.size() - packed.size() / 4);
  const auto file = unpack(packed);
  ASSERT_TRUE(file);
  const auto format = sniff_format(**file);
  ASSERT_TRUE(format);
  ASSERT_NE(*format, nullptr);
  const auto dump = (*format)->open({*file});
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_TRUE(dump->info.truncated);
  ASSERT_FALSE(dump->notes.all().empty());
  Buffer page(4096);
  EXPECT_TRUE(dump->memory->read(PhysAddr(0), page));
  const auto last = dump->memory->read(PhysAddr(99 * 4096), page);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Errc::truncated);
}

}  // namespace
}  // namespace memsect::test
