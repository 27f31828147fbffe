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
  const auto images = open_files({fake.vmlinux(), fake.vmlinux()});
  ASSERT_FALSE(images);
  EXPECT_EQ(images.error().code, Errc::usage);
}

TEST(InputFiles, OfTwoKernelsDoNotBelongTogether) {
  const auto images = open_files({FakeKernel("fake_6").vmlinux(), FakeKernel("fake_7").vmlinux()});
  ASSERT_FALSE(images);
  EXPECT_EQ(images.error().code, Errc::mismatch);
  EXPECT_THAT(images.error().message, HasSubstr("different builds"));
}

TEST(InputFiles, KnowSymbolListsAndBtfByTheirContent) {
  const TempFile list(to_bytes("ffffffff81000000 T _text\nffffffff81000000 T _stext\n"));
  const TempFile btf(to_bytes(std::string("\x9f\xeb\x01\0\x18\0\0\0", 8)));
  const TempFile big_endian_btf(to_bytes(std::string("\xeb\x9f\x01\0\0\0\0\x18", 8)));
  const auto inputs = open_files({list.path(), btf.path()});
  ASSERT_TRUE(inputs) << inputs.error().message;
  EXPECT_EQ(inputs->symbols->path(), list.path());
  EXPECT_EQ(inputs->btf->path(), btf.path());
  EXPECT_EQ(open_files({big_endian_btf.path()})->btf->path(), big_endian_btf.path());
  EXPECT_EQ(open_files({btf.path(), big_endian_btf.path()}).error().code, Errc::usage);
  EXPECT_EQ(open_files({list.path(), list.path()}).error().code, Errc::usage);

  InputRequest request;
  request.symbols = btf.path();
  EXPECT_EQ(open_input_files(request).error().code, Errc::bad_format);
  request.symbols = list.path();
  request.btf = list.path();
  EXPECT_EQ(open_input_files(request).error().code, Errc::bad_format);
  request.btf = btf.path();
  EXPECT_TRUE(open_input_files(request));
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
    ::testing::Values(Stranger{"text", "Hello, I am no dump.\n", Errc::bad_format, "not a recognised file",
                               "vmlinux"},
                      Stranger{"short", "x", Errc::bad_format, "not a recognised file", ""},
                      Stranger{"empty", "", Errc::bad_format, "is empty", ""},
                      Stranger{"zstd", "\x28\xb5\x2f\xfd....", Errc::corrupt, "zstd", "unzstd"},
                      Stranger{"gzip", "\x1f\x8b.....", Errc::corrupt, "gzip", "gunzip"},
                      Stranger{"lz4", "\x04\x22\x4d\x18.....", Errc::unsupported, "lz4", "unlz4"},
                      Stranger{"tar", std::string(257, 'x') + "ustar", Errc::unsupported, "tar", "unpack"}),
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

}  // namespace
}  // namespace memsect
