#include "formats/known_containers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;

struct Head {
  std::size_t offset;
  std::string_view bytes;
  const char* what;
  const char* hint;
};

TEST(KnownContainers, AreNamedWithTheWayToADump) {
  for (const Head& head : {
           Head{0, "\xa8\x19\x01\x73\x61\x8f\x23\xfd"sv, "s390", "zgetdump"},
           Head{0, "\xed\x23\x8f\x61\x73\x01\x19\xa8"sv, "LKCD", "crash"},
           Head{0, "DISKDUMP\2"sv, "diskdump", "crash"},
           Head{0, "sadump\0\0"sv, "sadump", "makedumpfile"},
           Head{4086, "S1SUSPEND\0"sv, "hibernation", "kdump"},
           Head{0, "PAGEDU64"sv, "Windows", "--format elf"},
           Head{0, "EVF\x09\x0d\x0a\xff\0"sv, "E01", "ewfexport"},
           Head{0, "QFI\xfb"sv, "qcow2", "virsh dump"},
           Head{0, "KDMV"sv, "vmdk", "virsh dump"},
           Head{257, "ustar"sv, "tar", "unpack"},
           Head{0, "PK\3\4"sv, "zip", "unpack"},
           Head{0, "7z\xbc\xaf\x27\x1c"sv, "7z", "unpack"},
           Head{0, "\xed\xab\xee\xdb"sv, "rpm", "rpm2cpio"},
           Head{0, "[    0.000000] Linux version 6.1"sv, "kernel log", "vmcore"},
           Head{0, "<5>[   12.345678] x"sv, "kernel log", "vmcore"},
           Head{0, ""sv, "begins with zeros", "vmcore"},
       }) {
    Buffer bytes(sniff_size);
    const Buffer magic = to_bytes(head.bytes);
    std::copy(magic.begin(), magic.end(), bytes.begin() + static_cast<std::ptrdiff_t>(head.offset));
    const KnownContainer* const known = known_container(bytes);
    ASSERT_NE(known, nullptr) << head.what;
    EXPECT_THAT(std::string(known->what), HasSubstr(head.what));
    EXPECT_THAT(std::string(known->hint), HasSubstr(head.hint));
  }
}

TEST(KnownContainers, AreNoneOfOurFormatsAndNoOtherText) {
  KdumpRecipe kdump;
  kdump.pages[0] = stored_page("page");
  ElfRecipe elf;
  elf.segments.push_back(load_segment(0, page_of_text("x")));
  for (const Buffer& bytes :
       {build_kdump(kdump).bytes, build_elf_core(elf), build_flattened(flat_recipe(to_bytes("x"))),
        to_bytes("Hello"), to_bytes("[abc] def"), to_bytes("[12] x"), Buffer(), Buffer(100)}) {
    const Bytes head = Bytes(bytes).first(std::min<std::size_t>(bytes.size(), sniff_size));
    EXPECT_EQ(known_container(head), nullptr);
  }
}

}  // namespace
}  // namespace memsect::test
