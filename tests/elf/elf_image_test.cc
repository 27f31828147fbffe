#include "elf/elf_image.h"

#include <elf.h>
#include <gtest/gtest.h>

#include "support/type_fixture.h"

namespace memsect {
namespace {

using testing::file_bytes;
using testing::file_of;
using testing::fixture_path;

ElfImage image_of(const std::string& fixture) {
  const auto file = File::open(fixture_path(fixture));
  EXPECT_TRUE(file);
  auto image = read_elf_image(**file);
  EXPECT_TRUE(image);
  return image ? *image : ElfImage{};
}

TEST(ElfImage, SaysWhatAVmlinuxIs) {
  const ElfImage image = image_of("kernel_6-dwarf5");
  EXPECT_EQ(image.type, ET_EXEC);
  EXPECT_NE(image.machine, EM_NONE);
  EXPECT_EQ(image.order, host_byte_order);
  EXPECT_EQ(image.is_64, sizeof(void*) == 8);
  EXPECT_EQ(image.build_id.size(), 40U);
  EXPECT_TRUE(image.has_symtab);
  EXPECT_TRUE(image.has_dwarf);
}

TEST(ElfImage, TellsWhatIsMissing) {
  EXPECT_FALSE(image_of("shapes-without-debug").has_dwarf);
  EXPECT_TRUE(image_of("shapes-without-debug").has_symtab);
  EXPECT_FALSE(image_of("shapes-stripped").has_symtab);
}

TEST(ElfImage, KnowsCompressedDebugInformationForWhatItIs) {
  EXPECT_TRUE(image_of("shapes-zlib").has_dwarf);
  EXPECT_TRUE(image_of("shapes-zlib-gnu").has_dwarf);
}

TEST(ElfImage, FindsTheBuildIdWithoutSectionHeaders) {
  const ElfImage whole = image_of("kernel_6-dwarf5");
  std::string bytes = file_bytes(fixture_path("kernel_6-dwarf5"));
  for (std::size_t i = 0; i < 8; ++i) bytes[offsetof(Elf64_Ehdr, e_shoff) + i] = '\0';
  for (std::size_t i = 0; i < 4; ++i) bytes[offsetof(Elf64_Ehdr, e_shnum) + i] = '\0';
  const auto image = read_elf_image(*file_of(bytes));
  ASSERT_TRUE(image);
  EXPECT_FALSE(image->has_symtab);
  EXPECT_EQ(image->build_id, whole.build_id);
}

TEST(ElfImage, OfSomethingElseIsBadFormat) {
  EXPECT_EQ(read_elf_image(*file_of("makedumpfile")).error().code, Errc::bad_format);
  EXPECT_EQ(read_elf_image(*file_of("")).error().code, Errc::bad_format);
  EXPECT_EQ(read_elf_image(*file_of("\x7f"
                                    "ELF"))
                .error()
                .code,
            Errc::bad_format);
}

TEST(ElfImage, OfACutFileDoesNotCrash) {
  const std::string whole = file_bytes(fixture_path("kernel_6-dwarf5"));
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    const auto image = read_elf_image(*file_of(whole.substr(0, size)));
    EXPECT_FALSE(image) << size;  // the section headers are the last thing in the file
    EXPECT_TRUE(image || image.error().code == Errc::bad_format || image.error().code == Errc::truncated)
        << size;
    if (size < sizeof(Elf64_Ehdr)) {
      EXPECT_FALSE(image) << size;
    }
  }
}

}  // namespace
}  // namespace memsect
