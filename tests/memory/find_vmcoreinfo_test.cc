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
  EXPECT_EQ(finds->found[0].at, std::vector{PhysAddr(0x117000)});
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
  EXPECT_EQ(finds->found[0].at, std::vector{PhysAddr(0x3f018)});
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

TEST(FindVmcoreinfo, CountsCopiesAndTellsWhereTheyLie) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x1000), text_of("5.10"));
  memory.write_text(PhysAddr(0x5000), text_of("6.1"));
  memory.write_text(PhysAddr(0x6000), note_of(text_of("6.1")));
  const auto finds = find_vmcoreinfo(memory, {});
  ASSERT_TRUE(finds);
  ASSERT_EQ(finds->found.size(), 2U);
  EXPECT_EQ(finds->found[0].text, text_of("5.10"));
  EXPECT_EQ(finds->found[0].copies, 1U);
  EXPECT_EQ(finds->found[1].text, text_of("6.1"));
  EXPECT_EQ(finds->found[1].at, (std::vector{PhysAddr(0x5000), PhysAddr(0x6018)}));
  EXPECT_EQ(finds->found[1].copies, 2U);
}

TEST(FindVmcoreinfo, AfterTheOneThatBelongsLooksForOthersForAWhile) {
  FakeMemory memory = some_memory();
  memory.write_text(PhysAddr(0x1000), text_of("5.10"));
  memory.write_text(PhysAddr(0x5000), text_of("6.1"));
  memory.write_text(PhysAddr(0x9000), text_of("6.12"));
  memory.write_text(PhysAddr(0x100000), text_of("6.19"));
  VmcoreinfoSearch search;
  search.belongs = [](const Vmcoreinfo& info) { return info.release() == "6.1"; };
  search.afterwards = std::chrono::hours(1);
  auto finds = find_vmcoreinfo(memory, search);
  ASSERT_TRUE(finds);
  EXPECT_EQ(finds->found.size(), 4U);
  EXPECT_TRUE(finds->complete);
  search.afterwards = std::chrono::hours(0);  // up when the next range begins
  finds = find_vmcoreinfo(memory, search);
  ASSERT_TRUE(finds);
  EXPECT_EQ(finds->found.size(), 3U);
  EXPECT_FALSE(finds->complete);
  EXPECT_EQ(finds->searched, 0x40000U);
  EXPECT_EQ(finds->total, 0x80000U);
}

TEST(FindVmcoreinfo, LeapsOverHoles) {
  class Holey : public FakeMemory {
   public:
    mutable std::uint64_t looks = 0;
    Result<View> view(PhysAddr at, std::size_t want) const override {
      ++looks;
      return FakeMemory::view(at, want);
    }
    Result<std::vector<PhysRange>> ranges() const override {
      return std::vector<PhysRange>{{PhysAddr(0), std::uint64_t{1} << 50}};
    }
    PhysAddr next_data(PhysAddr at) const override {
      constexpr std::uint64_t data = (std::uint64_t{1} << 49) + 0x5000;
      return at.raw() <= data ? PhysAddr(data) : PhysAddr(~std::uint64_t{0});
    }
  };
  Holey memory;
  memory.write_text(PhysAddr((std::uint64_t{1} << 49) + 0x5000), text_of("6.1"));
  const auto finds = find_vmcoreinfo(memory, {});
  ASSERT_TRUE(finds) << finds.error().message;
  EXPECT_EQ(finds->found[0].text, text_of("6.1"));
  EXPECT_LT(memory.looks, 100U);
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
  EXPECT_EQ(find_vmcoreinfo(memory, {})->found[0].at, std::vector{PhysAddr(0x5000)});
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
