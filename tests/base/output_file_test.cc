#include "base/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace memsect {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() : folder_(fs::temp_directory_path() / ("memsect-output-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(OutputFileTest, HasItsNameOnlyWhenItIsComplete) {
  auto file = OutputFile::create(path("out"));
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->write(6, bytes("world")));
  ASSERT_TRUE((*file)->write(0, bytes("hello")));
  EXPECT_EQ((*file)->size(), 11U);
  EXPECT_FALSE(fs::exists(path("out")));
  ASSERT_TRUE((*file)->commit(13));
  EXPECT_EQ(content(path("out")), std::string("hello\0world\0\0", 13));
  EXPECT_EQ(fs::status(path("out")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  file->reset();
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, LeavesNothingBehindAndTheOldFileAloneWhenItIsGivenUp) {
  std::ofstream(path("out")) << "old";
  {
    auto file = OutputFile::create(path("out"));
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write(0, bytes("new")));
  }
  EXPECT_EQ(content(path("out")), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, ReplacesWhatALinkPointsTo) {
  std::ofstream(path("old")) << "old";
  fs::create_symlink(path("old"), path("link"));
  auto file = OutputFile::create(path("link"));
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(0, bytes("new")));
  ASSERT_TRUE((*file)->commit(3));
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(content(path("old")), "new");
}

TEST_F(OutputFileTest, RefusesWhatIsNoRegularFile) {
  const auto folder = OutputFile::create(folder_.string());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, Errc::usage);
  EXPECT_EQ(OutputFile::create("/dev/null").error().code, Errc::usage);
  const auto nowhere = OutputFile::create(path("no/such/folder/out"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Errc::io);
  EXPECT_EQ(nowhere.error().message,
            path("no/such/folder/out") + ": cannot be written: No such file or directory");
}

}  // namespace
}  // namespace memsect
