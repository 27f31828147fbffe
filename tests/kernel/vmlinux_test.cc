#include "kernel/vmlinux.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::HasSubstr;
using ::testing::Not;

/// A folder that is gone when the object is.
struct TempFolder {
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "memsect-search-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path = pattern;
  }
  ~TempFolder() { std::filesystem::remove_all(path); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string path;
};

TEST(SearchVmlinux, TakesTheOneBesideTheDumpWithTheRightBuildId) {
  const FakeKernel right("fake_6");
  const FakeKernel wrong("fake_7");
  const TempFolder folder;
  const std::string dump = folder.path + "/vmcore";
  std::filesystem::copy_file(wrong.vmlinux(), folder.path + "/vmlinux");
  const std::string build_id = right.vmcoreinfo.at("BUILD-ID");
  auto search = search_vmlinux(dump, build_id, "9.9.9-fake");
  EXPECT_EQ(search.found, nullptr);
  const std::string places = list_places(search.tried);
  EXPECT_THAT(places, HasSubstr(folder.path + "/vmlinux (another build), "));
  EXPECT_THAT(places, HasSubstr("/usr/lib/debug/.build-id/" + build_id.substr(0, 2) + "/" +
                                build_id.substr(2) + ".debug (not there)"));
  EXPECT_THAT(places, HasSubstr("/usr/lib/debug/lib/modules/9.9.9-fake/vmlinux (not there)"));
  EXPECT_EQ(search.of_other_build, nullptr);  // nothing says that it is of this release

  std::filesystem::copy_file(right.vmlinux(), folder.path + "/vmlinux-9.9.9-fake");
  search = search_vmlinux(dump, build_id, "9.9.9-fake");
  ASSERT_NE(search.found, nullptr);
  EXPECT_EQ(search.found->path(), folder.path + "/vmlinux-9.9.9-fake");
}

TEST(SearchVmlinux, DoesNotTakeADumpForAVmlinux) {
  const FakeKernel fake("fake_6");
  const TempFolder folder;
  const test::Buffer bytes = fake.elf_core();
  std::ofstream(folder.path + "/vmlinux", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  EXPECT_EQ(search_vmlinux(folder.path + "/vmcore", "", "9.9.9-fake").found, nullptr);
}

TEST(SearchVmlinux, DoesNotLetAReleaseLeadOutOfItsFolders) {
  EXPECT_THAT(list_places(search_vmlinux("/dumps/vmcore", "", "../../tmp").tried), Not(HasSubstr("/../")));
}

TEST(SearchVmlinux, KeepsTheOneOfTheReleaseWhoseBuildIdIsAnother) {
  const FakeKernel other("fake_7");
  const TempFolder folder;
  std::filesystem::copy_file(other.vmlinux(), folder.path + "/vmlinux-9.9.9-fake");
  const auto search =
      search_vmlinux(folder.path + "/vmcore", "0123456789abcdef0123456789abcdef01234567", "9.9.9-fake");
  EXPECT_EQ(search.found, nullptr);
  ASSERT_NE(search.of_other_build, nullptr);
  EXPECT_EQ(search.of_other_build->path(), folder.path + "/vmlinux-9.9.9-fake");
}

}  // namespace
}  // namespace memsect
