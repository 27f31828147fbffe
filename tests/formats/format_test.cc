#include "formats/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

std::string_view sniffed(Bytes bytes) {
  const TempFile temp(bytes);
  const auto file = File::open(temp.path());
  if (!file) return "cannot be opened";
  const auto format = sniff_format(**file);
  if (!format) return "cannot be read";
  return *format == nullptr ? "none" : (*format)->name;
}

TEST(SniffFormat, KnowsEachFormatByItsContent) {
  EXPECT_EQ(sniffed(build_kdump({}).bytes), "kdump");
  EXPECT_EQ(sniffed(build_elf_core({})), "elf-core");
  Buffer flattened = to_bytes("makedumpfile");
  flattened.resize(5000);
  EXPECT_EQ(sniffed(flattened), "flattened");
}

TEST(SniffFormat, IsNoneForWhatIsNoDump) {
  EXPECT_EQ(sniffed({}), "none");
  EXPECT_EQ(sniffed(to_bytes("K")), "none");
  EXPECT_EQ(sniffed(to_bytes("KDUMP  ")), "none");
  EXPECT_EQ(sniffed(to_bytes("makedumpfile is a tool of the crash kernel")), "none");
  EXPECT_EQ(sniffed(to_bytes("\177ELF")), "none");
  EXPECT_EQ(sniffed(Buffer(10000)), "none");
}

TEST(Sniff, NeverReadsBeyondAShortHead) {
  for (const Buffer& whole : {build_kdump({}).bytes, build_elf_core({}), to_bytes("makedumpfile")}) {
    for (std::size_t size = 0; size <= std::min<std::size_t>(whole.size(), 64); ++size) {
      const Buffer head(whole.begin(),
                        whole.begin() + static_cast<std::ptrdiff_t>(size));  // its own allocation
      for (const FormatDriver* driver : format_drivers()) {
        if (size < 8) {
          EXPECT_FALSE(driver->sniff(head)) << driver->name << " with " << size << " bytes";
        } else {
          driver->sniff(head);  // the sanitizers watch
        }
      }
    }
  }
}

TEST(OpenDump, OfAFormatWithoutPartsTakesOneFile) {
  ElfRecipe recipe;
  recipe.segments.push_back(load_segment(0x1000, to_bytes("x")));
  const Buffer elf = build_elf_core(recipe);
  const auto two = open_split_dump({elf, elf});
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, Errc::usage);
  EXPECT_THAT(two.error().message, testing::HasSubstr("are both dumps"));
}

}  // namespace
}  // namespace memsect::test
