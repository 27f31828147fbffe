#include "kernel/input_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "elf/elf_image.h"
#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using test::TempFile;
using test::to_bytes;
using ::testing::Contains;
using ::testing::HasSubstr;

Result<InputFiles> open_files(std::vector<std::string> files) {
  InputRequest request;
  request.files = std::move(files);
  return open_input_files(request);
}

TEST(InputFiles, AreToldApartByContentInAnyOrder) {
  const FakeKernel fake("fake_6");
  const TempFile elf(fake.elf_core());
  const TempFile kdump(fake.kdump());
  for (const bool dump_first : {false, true}) {
    const auto inputs =
        dump_first ? open_files({elf.path(), fake.vmlinux()}) : open_files({fake.vmlinux(), elf.path()});
    ASSERT_TRUE(inputs) << inputs.error().message;
    EXPECT_EQ(inputs->dump->path(), elf.path());
    EXPECT_EQ(inputs->dump_format->name, "elf-core");
    EXPECT_EQ(inputs->vmlinux->path(), fake.vmlinux());
  }
  const auto alone = open_files({kdump.path()});
  ASSERT_TRUE(alone) << alone.error().message;
  EXPECT_EQ(alone->dump_format->name, "kdump");
  EXPECT_EQ(alone->vmlinux, nullptr);
}

TEST(InputFiles, NamedForTheirPartMustBeOfThatKind) {
  const FakeKernel fake("fake_6");
  const TempFile elf(fake.elf_core());
  InputRequest request;
  request.core = elf.path();
  request.vmlinux = fake.vmlinux();
  EXPECT_TRUE(open_input_files(request));
  request.core = fake.vmlinux();
  request.vmlinux = {};
  const auto wrong = open_input_files(request);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::bad_format);
  request.core = elf.path();
  request.vmlinux = elf.path();
  const auto dump_for_vmlinux = open_input_files(request);
  ASSERT_FALSE(dump_for_vmlinux);
  EXPECT_THAT(dump_for_vmlinux.error().message, HasSubstr(elf.path()));
}

TEST(InputFiles, OfOneKindTwiceAreAUsageError) {
  const FakeKernel fake("fake_6");
  const TempFile first(fake.elf_core());
  const TempFile second(fake.kdump());
  const auto dumps = open_files({first.path(), second.path()});
  ASSERT_FALSE(dumps);
  EXPECT_EQ(dumps.error().code, Errc::usage);
  EXPECT_THAT(dumps.error().message, HasSubstr("both dumps"));
  const auto images = open_files({fake.vmlinux(), FakeKernel("fake_7").vmlinux()});
  ASSERT_FALSE(images);
  EXPECT_EQ(images.error().code, Errc::usage);
}

struct Stranger {
  const char* name;
  std::string content;
  Errc code;
  const char* message;
  const char* hint;
};
class StrangeFile : public ::testing::TestWithParam<Stranger> {};
INSTANTIATE_TEST_SUITE_P(
    All, StrangeFile,
    ::testing::Values(
        Stranger{"text", "Hello, I am no dump.\n", Errc::bad_format, "of no known kind", "vmlinux"},
        Stranger{"short", "x", Errc::bad_format, "of no known kind", ""},
        Stranger{"empty", "", Errc::bad_format, "is empty", ""},
        Stranger{"xz",
                 std::string("\xfd"
                             "7zXZ\0\0\4",
                             8),
                 Errc::unsupported, "xz", "unxz"},
        Stranger{"zstd", "\x28\xb5\x2f\xfd....", Errc::unsupported, "zstd", "unzstd"},
        Stranger{"gzip", "\x1f\x8b\x08.....", Errc::unsupported, "gzip", "gunzip"},
        Stranger{"btf", std::string("\x9f\xeb\x01\0\x18\0\0\0", 8), Errc::unsupported, "BTF", "DWARF"}),
    [](const auto& test) { return test.param.name; });

TEST_P(StrangeFile, IsNamedForWhatItIs) {
  const TempFile file(to_bytes(GetParam().content));
  const auto inputs = open_files({file.path()});
  ASSERT_FALSE(inputs);
  EXPECT_EQ(inputs.error().code, GetParam().code);
  EXPECT_THAT(inputs.error().message, HasSubstr(file.path()));
  EXPECT_THAT(inputs.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(inputs.error().hint, HasSubstr(GetParam().hint));
}

TEST(InputFiles, ThatAreMissingOrFoldersSaySo) {
  const auto missing = open_files({"/nonexistent/vmcore"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::io);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/vmcore"));
  const auto folder = open_files({std::filesystem::temp_directory_path().string()});
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr("directory"));
}

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
  EXPECT_THAT(search.tried, Contains("/usr/lib/debug/.build-id/" + build_id.substr(0, 2) + "/" +
                                     build_id.substr(2) + ".debug"));
  EXPECT_THAT(search.tried, Contains("/usr/lib/debug/lib/modules/9.9.9-fake/vmlinux"));

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
  for (const std::string& place : search_vmlinux("/dumps/vmcore", "", "../../tmp").tried) {
    EXPECT_TRUE(place.find("/../") == std::string::npos) << place;
  }
}

}  // namespace
}  // namespace memsect
