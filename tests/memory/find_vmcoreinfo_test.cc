#include "memory/find_vmcoreinfo.h"

#include <gtest/gtest.h>

#include "support/fake_memory.h"

namespace memsect {
namespace {

using test::FakeMemory;

std::string text_of(const std::string& release, const std::string& stext = "ffffffff81000000") {
  return "OSRELEASE=" + release +
         "\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff82a13a40\nSYMBOL(_stext)=" + stext + "\n";
}

/// As vmcoreinfo_note has it.
std::string note_of(const std::string& text) {
  const std::string head("\x0b\0\0\0\0\x10\0\0\0\0\0\0VMCOREINFO\0\0", 24);
  return head + text;
}

FakeMemory some_memory() {
  FakeMemory memory;
  memory.add({PhysAddr(0), 0x40000});
  memory.add({PhysAddr(0x100000), 0x40000});
  return memory;
}

TEST(FindVmcoreinfo, FindsTheTextAtTheStartOfAPage) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x11000), "OSRELEASE=a leaflet about it");
  memory.write_text(PhysAddr(0x12800), text_of("not at the start of a page"));
  memory.write_text(PhysAddr(0x117000), text_of("6.1"));
  const auto finds = find_vmcoreinfo(memory, {});
  ASSERT_TRUE(finds) << finds.error().message;
  ASSERT_EQ(finds->found.size(), 1U);
  EXPECT_EQ(finds->found[0].text, text_of("6.1"));
  EXPECT_EQ(finds->found[0].at, PhysAddr(0x117000));
  EXPECT_EQ(finds->found[0].copies, 1U);
  EXPECT_TRUE(finds->complete);
  EXPECT_EQ(finds->searched, 0x80000U);
}

TEST(FindVmcoreinfo, FindsTheTextOfTheNote) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x3f000), note_of(text_of("6.1")));
  const auto finds = find_vmcoreinfo(memory, {});
  ASSERT_TRUE(finds) << finds.error().message;
  EXPECT_EQ(finds->found[0].text, text_of("6.1"));
  EXPECT_EQ(finds->found[0].at, PhysAddr(0x3f018));
}

TEST(FindVmcoreinfo,
     FindsTextsThatLieInSeveralBlocks) {  // as in QEMU's ELF cores: pages begin anywhere in the file
  for (const std::string& text : {text_of("6.12"), note_of(text_of("6.12"))}) {
    FakeMemory memory(ByteOrder::little, 8);
    memory.add({PhysAddr(0), 0x2000});
    memory.write_text(PhysAddr(0x1000), text);
    const auto finds = find_vmcoreinfo(memory, {});
    ASSERT_TRUE(finds) << finds.error().message;
    EXPECT_EQ(finds->found[0].text, text_of("6.12"));
  }
}

TEST(FindVmcoreinfo, CountsCopiesAndPutsThemFirst) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x1000), text_of("5.10"));
  memory.write_text(PhysAddr(0x5000), text_of("6.1"));
  memory.write_text(PhysAddr(0x6000), note_of(text_of("6.1")));
  const auto finds = find_vmcoreinfo(memory, {});
  ASSERT_TRUE(finds);
  ASSERT_EQ(finds->found.size(), 2U);
  EXPECT_EQ(finds->found[0].text, text_of("6.1"));
  EXPECT_EQ(finds->found[0].at, PhysAddr(0x5000));
  EXPECT_EQ(finds->found[0].copies, 2U);
  EXPECT_EQ(finds->found[1].text, text_of("5.10"));
}

TEST(FindVmcoreinfo, StopsAtTheOneThatBelongs) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x1000), text_of("5.10"));
  memory.write_text(PhysAddr(0x2000), note_of(text_of("5.10")));
  memory.write_text(PhysAddr(0x5000), text_of("6.1"));
  memory.write_text(PhysAddr(0x9000), text_of("6.12"));
  VmcoreinfoSearch search;
  search.belongs = [](const Vmcoreinfo& info) { return info.release() == "6.1"; };
  const auto finds = find_vmcoreinfo(memory, search);
  ASSERT_TRUE(finds);
  ASSERT_EQ(finds->found.size(), 2U);
  EXPECT_EQ(finds->found[0].text, text_of("6.1"));
  EXPECT_TRUE(finds->found[0].belongs);
  EXPECT_FALSE(finds->found[1].belongs);
  EXPECT_FALSE(finds->complete);
  EXPECT_FALSE(finds->out_of_time);
}

TEST(FindVmcoreinfo, LeavesOutWhatTheKernelDidNotWrite) {
  for (const std::string& text :
       {std::string("OSRELEASE=6.1\nPAGESIZE=4096\n"), std::string("OSRELEASE=6.1\n"), "x" + text_of("6.1"),
        text_of(""), text_of("6.1\x80"), text_of("6.1", "no address")}) {
    FakeMemory memory = some_memory();
    memory.write_text(PhysAddr(0x5000), text);
    const auto finds = find_vmcoreinfo(memory, {});
    ASSERT_FALSE(finds) << text;
    EXPECT_EQ(finds.error().code, Errc::not_in_dump);
    EXPECT_EQ(finds.error().message, "no VMCOREINFO was found in 512K of memory");
  }
}

TEST(FindVmcoreinfo, ReadsATextOfSeveralPages) {
  FakeMemory memory = some_memory();
  std::string text = text_of("6.1");
  while (text.size() < 9000) text += "NUMBER(number_" + std::to_string(text.size()) + ")=1\n";
  memory.write_text(PhysAddr(0x5000), text);
  EXPECT_EQ(find_vmcoreinfo(memory, {})->found[0].text, text);
  memory.exclude({PhysAddr(0x6000), 0x1000});  // then what there is of it
  EXPECT_EQ(find_vmcoreinfo(memory, {})->found[0].text, text.substr(0, 4096));
}

TEST(FindVmcoreinfo, PassesOverPagesThatCannotBeRead) {
  FakeMemory memory = some_memory();
  memory.exclude({PhysAddr(0x1000), 0x4000});
  memory.write_text(PhysAddr(0x5000), text_of("6.1"));
  EXPECT_EQ(find_vmcoreinfo(memory, {})->found[0].at, PhysAddr(0x5000));
}

TEST(FindVmcoreinfo, EndsInTimeAndTellsHowFarItCame) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x5000), text_of("6.1"));
  VmcoreinfoSearch search;
  search.at_most = std::chrono::milliseconds(0);
  const auto finds = find_vmcoreinfo(memory, search);
  ASSERT_FALSE(finds);
  EXPECT_EQ(finds.error().message,
            "no VMCOREINFO was found in the first 0 of 512K of memory, then time was up");
}

TEST(FindVmcoreinfo, TellsItsProgress) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x5000), text_of("6.1"));
  std::vector<std::uint64_t> done;
  VmcoreinfoSearch search;
  search.progress = [&](std::uint64_t at, std::uint64_t total) {
    EXPECT_EQ(total, 0x80000U);
    done.push_back(at);
  };
  ASSERT_TRUE(find_vmcoreinfo(memory, search));
  EXPECT_EQ(done, (std::vector<std::uint64_t>{0, 0x40000, 0x80000}));
}

}  // namespace
}  // namespace memsect
