#include "base/file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

namespace memsect {
namespace {

using testing::HasSubstr;

/// A directory of its own for each test.
class FileTest : public testing::Test {
 protected:
  void SetUp() override {  // NOLINT(readability-identifier-naming): GoogleTest's name
    std::string pattern = testing::TempDir() + "memsect-file-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {  // NOLINT(readability-identifier-naming)
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }
  /// A file in which the byte at offset n is pattern(n).
  std::string make(std::string_view name, std::size_t size) const {
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(pattern(i));
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static unsigned char pattern(std::uint64_t offset) { return static_cast<unsigned char>(offset % 251); }

  static void expect_pattern(Bytes bytes, std::uint64_t offset) {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) wrong += bytes[i] != std::byte{pattern(offset + i)};
    EXPECT_EQ(wrong, 0U);
  }

 private:
  std::string directory_;
};

constexpr std::size_t block = std::size_t{32} << 10;

TEST_F(FileTest, ReadsAtAnyOffsetAndOfAnySize) {
  const auto file = File::open(make("dump", 3 * block + 17));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->size(), 3 * block + 17);
  struct Case {
    std::uint64_t offset;
    std::size_t size;
  };
  const std::vector<Case> cases{{0, 0},
                                {0, 1},
                                {5, 100},
                                {block - 3, 7},
                                {block, block - 1},
                                {1, block},
                                {10, 2 * block + 9},
                                {3 * block, 17},
                                {3 * block + 17, 0},
                                {0, 3 * block + 17}};
  for (const Case& c : cases) {
    std::vector<std::byte> out(c.size);
    ASSERT_TRUE((*file)->read(c.offset, out)) << c.offset << " " << c.size;
    expect_pattern(out, c.offset);
  }
}

TEST_F(FileTest, ShowsBytesUpToTheEndOfTheirBlock) {
  const auto file = File::open(make("dump", block + 10));
  ASSERT_TRUE(file);
  const auto middle = (*file)->view(block - 4, 100);
  ASSERT_TRUE(middle);
  EXPECT_EQ(middle->bytes.size(), 4U);
  expect_pattern(middle->bytes, block - 4);
  const auto last = (*file)->view(block + 8, 100);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->bytes.size(), 2U);
  EXPECT_EQ((*file)->view(3, 2)->bytes.size(), 2U);
}

TEST_F(FileTest, KeepsViewsAliveWhenTheirBlocksAreLongGone) {
  constexpr std::size_t blocks = 200;  // more than the cache holds
  const auto file = File::open(make("dump", blocks * block));
  ASSERT_TRUE(file);
  const auto first = (*file)->view(0, 64);
  ASSERT_TRUE(first);
  for (std::size_t i = 1; i < blocks; ++i) expect_pattern((*file)->view(i * block, 8)->bytes, i * block);
  expect_pattern(first->bytes, 0);
}

TEST_F(FileTest, SaysThatItEndsBeforeBytesBeyondTheEnd) {
  const auto file = File::open(make("dump", 100));
  ASSERT_TRUE(file);
  std::vector<std::byte> small(10);
  std::vector<std::byte> large(2 * block);
  for (const std::uint64_t offset : {std::uint64_t{95}, std::uint64_t{100}, std::uint64_t{1} << 40,
                                     std::numeric_limits<std::uint64_t>::max() - 3}) {
    for (std::vector<std::byte>* out : {&small, &large}) {
      const auto read = (*file)->read(offset, *out);
      ASSERT_FALSE(read) << offset;
      EXPECT_EQ(read.error().code, Errc::truncated) << offset;
    }
  }
  EXPECT_THAT((*file)->view(0x80, 1).error().message,
              HasSubstr("ends before offset 0x80 (it had 0x64 bytes"));
}

TEST_F(FileTest, YieldsAnErrorWhereItShrankMeanwhile) {
  const std::string name = make("dump", 4 * block);
  const auto file = File::open(name);
  ASSERT_TRUE(file);
  ASSERT_EQ(::truncate(name.c_str(), block + 5), 0);
  std::vector<std::byte> out(block / 2);
  EXPECT_TRUE((*file)->read(0, out));
  EXPECT_EQ((*file)->read(block, out).error().code, Errc::truncated);
  EXPECT_EQ((*file)->view(2 * block, 1).error().code, Errc::truncated);
  std::vector<std::byte> large(2 * block);
  EXPECT_EQ((*file)->read(0, large).error().code, Errc::truncated);
  EXPECT_EQ((*file)->size(), 4 * block) << "what it was when it was opened";
}

TEST_F(FileTest, HasNothingToReadWhenEmpty) {
  const auto file = File::open(make("empty", 0));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->size(), 0U);
  EXPECT_EQ((*file)->view(0, 1).error().code, Errc::truncated);
}

TEST_F(FileTest, IsReadByManyThreadsAtOnce) {
  constexpr std::size_t blocks = 150;
  const auto file = File::open(make("dump", blocks * block));
  ASSERT_TRUE(file);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&file, t] {
      std::vector<std::byte> out(300);
      for (std::size_t i = 0; i < 400; ++i) {
        const std::uint64_t offset = (i * 7919 + t * 104729) * 131 % (blocks * block - out.size());
        EXPECT_TRUE((*file)->read(offset, out));
        expect_pattern(out, offset);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(FileTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  const auto fifo = File::open(path("fifo"));  // nobody writes to it: must not wait for someone
  ASSERT_FALSE(fifo);
  EXPECT_EQ(fifo.error().code, Errc::unsupported);
  EXPECT_EQ(fifo.error().hint, "save it to a file first");
  EXPECT_EQ(File::open("/dev/null").error().code, Errc::unsupported);

  const auto directory = File::open(path("."));
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, Errc::bad_format);
  EXPECT_EQ(directory.error().message, "is a directory");
}

TEST_F(FileTest, SaysWhyItCannotBeOpened) {
  const auto missing = File::open(path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::io);
  EXPECT_EQ(missing.error().message, "cannot be opened: No such file or directory");
  EXPECT_EQ(missing.error().hint, "");

  if (::geteuid() == 0) return;  // root may read everything
  const std::string name = make("secret", 10);
  ASSERT_EQ(::chmod(name.c_str(), 0), 0);
  EXPECT_THAT(File::open(name).error().hint, HasSubstr("sudo"));
}

}  // namespace
}  // namespace memsect
