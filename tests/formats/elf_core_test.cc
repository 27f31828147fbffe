#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format.h"
#include "support/dump_builder.h"

namespace memsect::test {
namespace {

using testing::HasSubstr;

ElfSegment load(std::uint64_t phys, std::string_view text) {
  ElfSegment segment;
  segment.phys = phys;
  segment.bytes = to_bytes(text);
  return segment;
}

/// One character for each address from `start`: the byte, or a sign for the reason there is none.
std::string memory_map(const PhysicalMemory& memory, std::uint64_t start, std::uint64_t size) {
  std::string map;
  for (std::uint64_t at = start; at < start + size; ++at) {
    const auto byte = memory.view(PhysAddr(at), 1);
    if (byte) {
      map += static_cast<char>(byte->bytes[0]);
    } else {
      map += byte.error().code == Errc::not_in_dump ? '.' : byte.error().code == Errc::truncated ? '!' : '?';
    }
  }
  return map;
}

/// The memory map of a dump with these segments.
std::string memory_map(const std::vector<ElfSegment>& segments, std::uint64_t start, std::uint64_t size) {
  ElfRecipe recipe;
  recipe.segments = segments;
  const auto dump = open_dump(build_elf_core(recipe));
  return dump ? memory_map(*dump->memory, start, size) : dump.error().message;
}

Errc open_error(const ElfRecipe& recipe) {
  const auto dump = open_dump(build_elf_core(recipe));
  EXPECT_FALSE(dump);
  return dump ? Errc::usage : dump.error().code;
}

TEST(ElfCore, ReadsSegmentsInEitherByteOrder) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    ElfRecipe recipe;
    recipe.order = order;
    recipe.machine = 21;
    recipe.segments = {load(0x2000, "later"), load(0x1000, "first")};
    const auto dump = open_dump(build_elf_core(recipe));
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_EQ(memory_map(*dump->memory, 0xfff, 7), ".first.");
    EXPECT_EQ(memory_map(*dump->memory, 0x1fff, 7), ".later.");
    EXPECT_EQ(dump->info.format, "elf-core");
    EXPECT_EQ(dump->info.compression, "none");
    EXPECT_EQ(dump->info.elf_machine, 21);
    EXPECT_EQ(dump->info.order, order);
    EXPECT_FALSE(dump->info.truncated);
    EXPECT_FALSE(dump->info.level);
    EXPECT_TRUE(dump->notes.all().empty());
  }
}

TEST(ElfCore, RangesAreSortedAndMerged) {
  ElfRecipe recipe;
  recipe.segments = {load(0x3000, "xx"), load(0x1004, "cd"), load(0x1000, "abcd"), load(0x3001, "yyy")};
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_TRUE(dump);
  EXPECT_THAT(*dump->memory->ranges(),
              testing::ElementsAre(PhysRange{PhysAddr(0x1000), 6}, PhysRange{PhysAddr(0x3000), 4}));
}

TEST(ElfCore, ReadsAcrossTouchingSegments) {
  ElfRecipe recipe;
  recipe.segments = {load(0x1000, "abcd"), load(0x1004, "efgh")};
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_TRUE(dump);
  std::array<std::byte, 6> out{};
  ASSERT_TRUE(dump->memory->read(PhysAddr(0x1001), out));
  EXPECT_EQ(Buffer(out.begin(), out.end()), to_bytes("bcdefg"));
  EXPECT_EQ(dump->memory->read(PhysAddr(0x1003), out).error().code, Errc::not_in_dump);
}

TEST(ElfCore, OverlapsAreServedByTheFirstSegmentThatHasTheBytes) {
  ElfSegment tail = load(0x1000, "aa");  // four bytes of memory, two in the file
  tail.memory_size = 4;
  const struct {
    const char* what;
    std::vector<ElfSegment> segments;
    const char* expected;
  } rows[] = {
      {"second begins inside first", {load(0x1000, "aaaa"), load(0x1002, "bbbb")}, "aaaabb.."},
      {"second begins before first", {load(0x1002, "aaaa"), load(0x1000, "bbbb")}, "bbaaaa.."},
      {"second around first", {load(0x1002, "aa"), load(0x1000, "bbbbbb")}, "bbaabb.."},
      {"second inside first", {load(0x1000, "aaaaaa"), load(0x1002, "bb")}, "aaaaaa.."},
      {"the same twice", {load(0x1000, "aa"), load(0x1000, "bb")}, "aa......"},
      {"three deep", {load(0x1003, "a"), load(0x1001, "bbbb"), load(0x1000, "cccccccc")}, "cbbabccc"},
      {"empty ones", {load(0x1000, ""), load(0x1001, "b"), load(0x1001, "")}, ".b......"},
      {"memory without bytes is not zero", {tail}, "aa......"},
      {"memory without bytes hides no bytes", {tail, load(0x1001, "bbb")}, "aabb...."},
  };
  for (const auto& row : rows) EXPECT_EQ(memory_map(row.segments, 0x1000, 8), row.expected) << row.what;
}

TEST(ElfCore, ReadsHeadersOf32BitMachines) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    for (const bool extended : {false, true}) {
      ElfRecipe recipe;
      recipe.order = order;
      recipe.elf_class = 1;
      recipe.machine = 3;
      recipe.extended_count = extended;
      ElfSegment vmalloc = load(0xffffffff, "v");
      vmalloc.virt = 0xf8000000;
      recipe.segments = {note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n", order)), vmalloc,
                         load(0x2000, "later"), load(0xfffff000, "last")};
      const auto dump = open_dump(build_elf_core(recipe));
      ASSERT_TRUE(dump) << dump.error().message;
      EXPECT_EQ(dump->info.word_bits, 32U);
      EXPECT_EQ(dump->info.elf_machine, 3);
      EXPECT_EQ(dump->vmcoreinfo, "OSRELEASE=6.1\n");
      EXPECT_EQ(memory_map(*dump->memory, 0x1fff, 7), ".later.");
      EXPECT_EQ(memory_map(*dump->memory, 0xffffefff, 7), ".last..");
    }
  }
}

TEST(ElfCore, TakesWhatAnyHeaderStatesOfMemoryThatAnotherLeavesOut) {
  // As QEMU -p writes it: one stretch of addresses over two blocks of RAM, the first block's bytes stated; and what is
  // mapped once more elsewhere.
  ElfSegment direct_map = load(0x1000, "aaaa");
  direct_map.virt = 0xffff888000001000;
  direct_map.memory_size = 12;
  ElfSegment image = load(0x1006, "bb");
  image.virt = 0xffffffff81000000;
  ElfRecipe recipe;
  recipe.segments = {direct_map, image};
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_TRUE(dump);
  EXPECT_EQ(memory_map(*dump->memory, 0x1000, 14), "aaaa..bb......");
  EXPECT_THAT(dump->memory->view(PhysAddr(0x1009), 1).error().message, HasSubstr("p_memsz"));
  EXPECT_THAT(dump->memory->view(PhysAddr(0x100d), 1).error().message, HasSubstr("no segment"));
  EXPECT_THAT(dump->info.advice, HasSubstr("without -p"));
}

TEST(ElfCore, NotesMemoryThatIsNotInTheFile) {
  ElfRecipe recipe;
  recipe.segments = {load(0x1000, "aa")};
  recipe.segments[0].memory_size = 0x1000;
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_TRUE(dump);
  EXPECT_FALSE(dump->info.truncated);
  ASSERT_EQ(dump->notes.all().size(), 1U);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("p_memsz"));
}

TEST(ElfCore, BytesBehindTheEndOfTheFileAreTruncated) {
  ElfRecipe recipe;
  recipe.segments = {load(0x1000, "aaaa"), load(0x2000, "bbbb")};
  Buffer bytes = build_elf_core(recipe);
  bytes.resize(bytes.size() - 3);
  const auto dump = open_dump(bytes);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  EXPECT_EQ(dump->notes.all().size(), 1U);
  EXPECT_EQ(memory_map(*dump->memory, 0x1000, 6), "aaaa..");
  EXPECT_EQ(memory_map(*dump->memory, 0x2000, 6), "b!!!..");
  EXPECT_THAT(*dump->memory->ranges(),
              testing::ElementsAre(PhysRange{PhysAddr(0x1000), 4}, PhysRange{PhysAddr(0x2000), 4}));
}

TEST(ElfCore, CutSegmentsGiveWayToWholeOnes) {
  ElfSegment cut = load(0x1000, "");
  cut.file_size = 6;
  cut.offset = 0x100000;
  EXPECT_EQ(memory_map({cut, load(0x1002, "bb")}, 0x1000, 8), "!!bb!!..");
  EXPECT_EQ(memory_map({load(0x1002, "bb"), cut}, 0x1000, 8), "!!bb!!..");
}

TEST(ElfCore, FollowsProgramHeadersWhereQemuPutsThem) {
  ElfRecipe recipe;
  recipe.sections_first = true;
  recipe.segments = {load(0x1000, "guest")};
  const Buffer bytes = build_elf_core(recipe);
  EXPECT_EQ(load_unsigned(Bytes(bytes).subspan(32, 8), ByteOrder::little), 192U);
  EXPECT_EQ(load_unsigned(Bytes(bytes).subspan(52, 2), ByteOrder::little), 8U);
  const auto dump = open_dump(bytes);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(memory_map(*dump->memory, 0x1000, 6), "guest.");
}

TEST(ElfCore, TakesTheCountOfProgramHeadersFromSectionZero) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    ElfRecipe recipe;
    recipe.order = order;
    recipe.extended_count = true;
    for (std::uint64_t i = 0; i < 70000; ++i) recipe.segments.push_back(load(0x1000 + 2 * i, "x"));
    const auto dump = open_dump(build_elf_core(recipe));
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_EQ(dump->memory->ranges()->size(), 70000U);
    EXPECT_EQ(memory_map(*dump->memory, 0x1000 + 2 * 69998, 6), "x.x...");
  }
}

TEST(ElfCore, FindsVmcoreinfoAmongTheNotes) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    ElfRecipe recipe;
    recipe.order = order;
    Buffer notes = elf_note("CORE", 1, std::string(336, 'r'), order);
    for (const Buffer& note : {elf_note("LINUX", 0x700, std::string(100001, 'd'), order),
                               elf_note("VMCOREINFO_XEN", 0, "no=1", order),
                               elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n", order)}) {
      notes.insert(notes.end(), note.begin(), note.end());
    }
    recipe.segments = {note_segment(notes), load(0x1000, "x")};
    const auto dump = open_dump(build_elf_core(recipe));
    ASSERT_TRUE(dump);
    EXPECT_EQ(dump->vmcoreinfo, "OSRELEASE=6.1\n");
    EXPECT_TRUE(dump->notes.all().empty());
  }
}

TEST(ElfCore, WithoutVmcoreinfoHasEmptyText) {
  ElfRecipe recipe;
  recipe.segments = {note_segment(elf_note("CORE", 1, "registers")), load(0x1000, "x")};
  EXPECT_EQ(open_dump(build_elf_core(recipe))->vmcoreinfo, "");
  recipe.segments = {load(0x1000, "x")};
  EXPECT_EQ(open_dump(build_elf_core(recipe))->vmcoreinfo, "");
}

TEST(ElfCore, WarnsOfNotesThatCannotBeRead) {
  ElfRecipe recipe;
  recipe.segments = {load(0x1000, "x"), note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n"))};
  Buffer bytes = build_elf_core(recipe);
  bytes.resize(bytes.size() - 8);
  const auto dump = open_dump(bytes);
  ASSERT_TRUE(dump);
  EXPECT_EQ(dump->vmcoreinfo, "");
  ASSERT_EQ(dump->notes.all().size(), 1U);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("VMCOREINFO"));
  EXPECT_EQ(memory_map(*dump->memory, 0x1000, 2), "x.");
}

TEST(ElfCore, RefusesVmcoreinfoTooLargeToBeTrue) {
  ElfRecipe recipe;
  recipe.segments = {note_segment(elf_note("VMCOREINFO", 0, std::string((1 << 20) + 1, 'x'))),
                     load(0x1000, "x")};
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_TRUE(dump);
  EXPECT_EQ(dump->vmcoreinfo, "");
  EXPECT_EQ(dump->notes.all().size(), 1U);
}

TEST(ElfCore, StopsAtAnEmptyNote) {
  Buffer notes(24);  // as notes of CPUs that never came up
  const Buffer behind = elf_note("VMCOREINFO", 0, "A=1");
  notes.insert(notes.end(), behind.begin(), behind.end());
  ElfRecipe recipe;
  recipe.segments = {note_segment(notes), load(0x1000, "x")};
  EXPECT_EQ(open_dump(build_elf_core(recipe))->vmcoreinfo, "");
}

TEST(ElfCore, LeavesOutSegmentsWithoutPhysicalAddress) {
  ElfSegment vmalloc = load(~std::uint64_t{0}, "v");
  vmalloc.virt = 0xffffc90000000000;
  EXPECT_EQ(memory_map({vmalloc, load(0x1000, "x")}, 0x1000, 2), "x.");
}

TEST(ElfCore, RefusesTheCoreOfAProcess) {
  ElfRecipe recipe;
  recipe.segments = {load(0, "a"), load(0, "b")};
  recipe.segments[0].virt = 0x400000;
  recipe.segments[1].virt = 0x7f0000000000;
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_FALSE(dump);
  EXPECT_EQ(dump.error().code, Errc::bad_format);
  EXPECT_THAT(dump.error().message, HasSubstr("process"));
}

TEST(ElfCore, TakesASegmentAtPhysicalZeroWithAVirtualAddress) {
  ElfSegment low = load(0, "low");
  low.virt = 0xffff888000000000;
  EXPECT_EQ(memory_map({low}, 0, 4), "low.");
}

TEST(ElfCore, LeavesOutSegmentsThatWrapAround) {
  ElfRecipe recipe;
  recipe.segments = {load(~std::uint64_t{0} - 1, "wrap"), load(0x1000, "x"), load(0x3000, "y")};
  recipe.segments[2].file_size = ~std::uint64_t{0} - 0x100;
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_TRUE(dump);
  EXPECT_EQ(memory_map(*dump->memory, 0x1000, 2), "x.");
  EXPECT_EQ(dump->memory->ranges()->size(), 1U);
  ASSERT_EQ(dump->notes.all().size(), 1U);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("2 of 3 segments"));
}

TEST(ElfCore, RefusesHeadersThatCannotBeTrue) {
  ElfRecipe recipe;
  EXPECT_EQ(open_error(recipe), Errc::bad_format);  // no PT_LOAD
  recipe.segments = {load(0x1000, "x")};
  const Buffer good = build_elf_core(recipe);
  const struct {
    const char* what;
    std::size_t at;
    std::size_t size;
    std::uint64_t value;
    Errc expected;
  } rows[] = {
      {"class 0", 4, 1, 0, Errc::bad_format},
      {"class 3", 4, 1, 3, Errc::bad_format},
      {"32-bit, and entries of 64-bit size", 4, 1, 1, Errc::bad_format},
      {"e_phentsize 0", 54, 2, 0, Errc::bad_format},
      {"e_phentsize 57", 54, 2, 57, Errc::bad_format},
      {"e_phnum beyond the file", 56, 2, 3, Errc::truncated},
      {"e_phoff beyond the file", 32, 8, 0x10000, Errc::truncated},
      {"e_phoff at the last address", 32, 8, ~std::uint64_t{0}, Errc::truncated},
      {"e_phnum 0", 56, 2, 0, Errc::bad_format},
      {"PN_XNUM, and e_shoff beyond the file", 56, 2, 0xffff, Errc::truncated},
  };
  for (const auto& row : rows) {
    Buffer bad = good;
    put_unsigned(bad, row.at, row.value, row.size, ByteOrder::little);
    if (row.value == 0xffff) put_unsigned(bad, 40, ~std::uint64_t{0}, 8, ByteOrder::little);
    const auto dump = open_dump(bad);
    ASSERT_FALSE(dump) << row.what;
    EXPECT_EQ(dump.error().code, row.expected) << row.what << ": " << dump.error().message;
  }
}

TEST(ElfCore, NamesTheDumpsOfXen) {
  ElfRecipe recipe;
  recipe.segments = {load(0x1000, "x")};
  Buffer file = build_elf_core(recipe);
  const std::uint64_t sections = file.size();
  const Buffer names = test::to_bytes(std::string_view("\0.shstrtab\0.xen_pages\0", 23));
  file.resize(sections + 64 + names.size());
  std::copy(names.begin(), names.end(), file.end() - static_cast<std::ptrdiff_t>(names.size()));
  put_unsigned(file, sections + 24, sections + 64, 8, ByteOrder::little);
  put_unsigned(file, sections + 32, names.size(), 8, ByteOrder::little);
  put_unsigned(file, 40, sections, 8, ByteOrder::little);  // e_shoff
  put_unsigned(file, 54, 0, 8, ByteOrder::little);         // e_phentsize, e_phnum, e_shentsize, e_shnum
  put_unsigned(file, 60, 1, 2, ByteOrder::little);         // e_shnum, and e_shstrndx 0
  auto dump = open_dump(file);
  ASSERT_FALSE(dump);
  EXPECT_EQ(dump.error().code, Errc::unsupported);
  EXPECT_NE(dump.error().message.find("Xen"), std::string::npos);
  file[sections + 64 + 12] = std::byte{'?'};
  dump = open_dump(file);
  EXPECT_EQ(dump.error().code, Errc::bad_format);
  EXPECT_NE(dump.error().message.find("without program headers"), std::string::npos);
}

TEST(ElfCore, TellsWhatItsNotesSayOfCpusAndOfSeveralKernels) {
  ElfRecipe recipe;
  Buffer notes = test::elf_note("CORE", 1, "registers");
  for (const Buffer& more :
       {test::elf_note("VMCOREINFO", 0, "A=1\n"), test::elf_note("QEMU", 0, "state"),
        test::elf_note("VMCOREINFO", 0, "B=2\n"), test::elf_note("VMCOREDD", 0, "device")})
    notes.insert(notes.end(), more.begin(), more.end());
  recipe.segments = {test::note_segment(notes), load(0x1000, "x")};
  const auto dump = open_dump(build_elf_core(recipe));
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->vmcoreinfo, "A=1\n");
  EXPECT_EQ(dump->vmcoreinfo_notes(), (std::vector<std::string>{"A=1\n", "B=2\n"}));
  const auto cpus = dump->cpu_notes();
  ASSERT_EQ(cpus.size(), 2U);
  EXPECT_EQ(cpus[0].name, "CORE");
  EXPECT_EQ(cpus[0].type, 1U);
  EXPECT_EQ(cpus[1].bytes, test::to_bytes("state"));
}

TEST(ElfCore, TellsPhysBaseByTheSegmentOfTheImage) {
  ElfRecipe recipe;
  recipe.segments = {load(0x1c000000, "text"), load(0x2000, "x")};
  recipe.segments[0].virt = 0xffffffff81000000;
  recipe.segments[1].virt = 0xffff888000002000;
  EXPECT_EQ(open_dump(build_elf_core(recipe))->phys_bases, std::vector<std::uint64_t>{0x1b000000});
}

TEST(ElfCore, RefusesMoreProgramHeadersThanAnyDumpHas) {
  ElfRecipe recipe;
  recipe.segments = {load(0x1000, "x")};
  recipe.extended_count = true;
  Buffer bytes = build_elf_core(recipe);
  const auto section =
      static_cast<std::size_t>(load_unsigned(Bytes(bytes).subspan(40, 8), ByteOrder::little));
  put_unsigned(bytes, section + 44, 0xffffffff, 4, ByteOrder::little);
  EXPECT_EQ(open_dump(bytes).error().code, Errc::bad_format);
}

}  // namespace
}  // namespace memsect::test
