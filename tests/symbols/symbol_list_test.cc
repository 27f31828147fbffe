#include "symbols/symbol_list.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "support/memory_file.h"

namespace memsect {
namespace {

using testing::file_of;

std::string line(std::uint64_t address, std::string_view name) {
  return fmt::format("{:016x} T {}\n", address, name);
}

std::string error_of(const std::string& text) {
  const auto list = parse_symbol_list(text);
  return list ? "none" : list.error().message;
}

TEST(SymbolList, ReadsASystemMap) {
  const auto list = open_symbol_list(
      *file_of("0000000000000000 D __per_cpu_start\nffffffff81000000 T _text\nffffffff81000000 T _stext\n"
               "ffffffff82a00040 D mem_section\nffffffff82a00048 d mem_section_usage_size\n"));
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ((*list)->origin(), "system.map");
  EXPECT_EQ((*list)->address_of("_stext"), VirtAddr(0xffffffff81000000));
  EXPECT_EQ((*list)->address_of("mem_section"), VirtAddr(0xffffffff82a00040));
  EXPECT_EQ((*list)->address_of("__per_cpu_start"), VirtAddr(0));
  for (const char* name : {"mem_sectio", "mem_section_", "em_section", "D mem_section", ""})
    EXPECT_EQ((*list)->address_of(name), std::nullopt) << name;
}

TEST(SymbolList, KnowsTheFunctionsOfAddresses) {
  const auto list = parse_symbol_list(
      "ffffffff81000100 t second\nffffffff81000000 T first\nffffffff81000000 T alias\n"
      "ffffffff81000180 d data\nffffffff81000300 W weak\n");
  ASSERT_TRUE(list);
  const std::vector<VirtAddr> addresses{VirtAddr(0xffffffff81000300), VirtAddr(0xffffffff81000190),
                                        VirtAddr(0xffffffff81000001), VirtAddr(0xffffffff80ffffff)};
  const auto found = (*list)->code_at(addresses);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0]->name, "weak");
  EXPECT_EQ(found[1]->name, "second");
  EXPECT_EQ(found[1]->offset, 0x90U);
  EXPECT_EQ(found[2]->name, "first");
  EXPECT_FALSE(found[3]);
}

TEST(SymbolList, LeavesModulesOut) {
  const auto list = parse_symbol_list(
      "ffffffffb1000000 T _text\nffffffffc0001000 t mem_section\t[nosy]\nffffffffc0002000 t "
      "bpf_prog\t[bpf]\n");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ((*list)->origin(), "kallsyms");
  EXPECT_EQ((*list)->address_of("_text"), VirtAddr(0xffffffffb1000000));
  EXPECT_EQ((*list)->address_of("mem_section"), std::nullopt);
  EXPECT_EQ((*list)->address_of("bpf_prog"), std::nullopt);
}

TEST(SymbolList, TakesTheFirstOfSeveral) {
  std::string text = line(1, "twice");
  for (unsigned i = 0; i < 5000; ++i) text += line(i, fmt::format("filler_{}", i));
  text += line(2, "twice");
  const auto list = parse_symbol_list(text);
  EXPECT_EQ((*list)->address_of("twice"), VirtAddr(1));
  EXPECT_EQ((*list)->address_of("filler_4999"), VirtAddr(4999));
}

TEST(SymbolList, FindsNamesOfEveryLength) {
  std::string text;
  for (std::size_t length = 1; length < 70; ++length) text += line(length, std::string(length, 'a'));
  const auto list = parse_symbol_list(text);
  for (std::size_t length = 1; length < 70; ++length)
    EXPECT_EQ((*list)->address_of(std::string(length, 'a')), VirtAddr(length));
}

TEST(SymbolList, TakesLinesOfOtherSystemsAndEmptyOnes) {
  const auto list = parse_symbol_list("ffffffff81000000 T _text\r\n\r\n\nffffffff81000010 T _stext\r\n");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ((*list)->address_of("_stext"), VirtAddr(0xffffffff81000010));
  const auto narrow = parse_symbol_list("c1000000 T _text\n");
  ASSERT_TRUE(narrow) << narrow.error().message;
  EXPECT_EQ((*narrow)->address_of("_text"), VirtAddr(0xc1000000));
}

TEST(SymbolList, LeavesOutALastLineThatMayBeCut) {
  const auto list = parse_symbol_list(line(1, "whole") + "ffffffff81000000 T mem_section");  // ..._usage_size
  ASSERT_TRUE(list);
  EXPECT_EQ((*list)->address_of("whole"), VirtAddr(1));
  EXPECT_EQ((*list)->address_of("mem_section"), std::nullopt);
}

TEST(SymbolList, OfHiddenAddressesSaysWhatToDo) {
  const auto list = parse_symbol_list("0000000000000000 T _text\n0000000000000000 t helper\t[module]\n");
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::no_symbol);
  EXPECT_NE(list.error().hint.find("kptr_restrict"), std::string::npos);
}

TEST(SymbolList, NamesTheLineThatIsNone) {
  const std::string first = line(1, "first");
  for (const std::string& bad :
       {std::string("nonsense"), std::string("ffffffff8100000g T name"), std::string("ffffffff81000000 T "),
        std::string("ffffffff81000000  name"), std::string("ffffffff81000000 TT name"),
        std::string("fffffff81000000 T name"), std::string("ffffffff81000000 T name\tmodule"),
        std::string("ffffffff81000000 T name\t[]"), fmt::format("ffffffff81000000 T {:x<2049}", ""),
        std::string("                 U undefined"), std::string(1 << 20, 'f')}) {
    const std::string error = error_of(fmt::format("{}{}\n{}", first, bad, first));
    EXPECT_TRUE(error.starts_with("line 2 is none of a symbol list"))
        << error << " for " << bad.substr(0, 50);
  }
  EXPECT_EQ(error_of(""), "holds no symbols");
  EXPECT_EQ(error_of("no line feed"), "holds no symbols");
}

TEST(SymbolList, OfModulesOnlySaysThatTheKernelIsMissing) {
  const auto list = parse_symbol_list("ffffffffc0001000 t helper\t[module]\n");
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::bad_format);
  EXPECT_EQ(list.error().message, "holds symbols of modules only");
  EXPECT_NE(list.error().hint.find("a whole /proc/kallsyms"), std::string::npos);
}

TEST(SymbolList, OfAMachineWithOtherWordsIsAMismatch) {
  const auto narrow = file_of("c1000000 T _text\n");
  const auto wide = file_of("ffffffff81000000 T _text\n");
  EXPECT_TRUE(open_symbol_list(*narrow, 4));
  EXPECT_TRUE(open_symbol_list(*wide, 8));
  EXPECT_TRUE(open_symbol_list(*narrow));
  const auto list = open_symbol_list(*narrow, 8);
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::mismatch);
  EXPECT_EQ(list.error().message, "its addresses have 8 digits, those of this kernel 16");
  EXPECT_EQ(open_symbol_list(*wide, 4).error().code, Errc::mismatch);
}

TEST(SymbolList, RefusesWhatIsLargerThanThoseOfKernels) {
  const std::string short_line = "00000001 T a\n";
  std::string many;
  constexpr std::size_t too_many = (1 << 21) + 1;
  many.reserve(too_many * short_line.size());
  for (std::size_t i = 0; i < too_many; ++i) many += short_line;
  EXPECT_EQ(error_of(many), "has more symbols than any kernel (2097152)");
  const auto list = open_symbol_list(*file_of(short_line + std::string(48 << 20, '\0')));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().message, "is larger than any symbol list (48M)");
}

TEST(SymbolList, RefusesFilesThatBeginOtherwise) {
  for (const char* text : {"", "KDUMP   ", "\177ELF", "ffffffff81000000 T _text", "{\"a\": 1}\n"}) {
    const auto file = file_of(text);
    EXPECT_FALSE(looks_like_symbol_list(*file)) << text;
    const auto list = open_symbol_list(*file);
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().code, Errc::bad_format);
  }
  EXPECT_TRUE(looks_like_symbol_list(*file_of("ffffffff81000000 T _text\nanything")));
  EXPECT_TRUE(looks_like_symbol_list(*file_of("0000000000000000 A fixed_percpu_data\r\n")));
}

TEST(SymbolList, ReadsAFileThatHasNoSize) {
  const auto file = File::open("/proc/kallsyms");
  if (!file || !looks_like_symbol_list(**file)) GTEST_SKIP() << "this machine shows no /proc/kallsyms";
  EXPECT_EQ((*file)->size(), 0U);
  const auto list = open_symbol_list(**file);
  if (!list) {  // hidden, where the test does not run as root
    EXPECT_EQ(list.error().code, Errc::no_symbol) << list.error().message;
  } else {
    EXPECT_TRUE((*list)->address_of("_stext"));
    EXPECT_EQ((*list)->origin(), "kallsyms");
  }
}

std::string shortcoming_of(const std::string& text) {
  const auto list = parse_symbol_list(text);
  return list ? (*list)->shortcoming() : list.error().message;
}

TEST(SymbolList, IsWholeFromTextToEndInOrder) {
  const std::string text = line(0x1000, "_text") + line(0x1000, "_stext") + line(0x2000, "schedule");
  const std::string data = "0000000000003000 D jiffies\n";
  const std::string end = "0000000000004000 B _end\n";
  EXPECT_EQ(shortcoming_of("0000000000000000 A per_cpu\n" + text + data + end), "");
  EXPECT_EQ(shortcoming_of(text + line(0x2800, "_einittext")), "");  // functions are all it has
  EXPECT_EQ(shortcoming_of(text + data + end + line(0x100, "__entry_SYSCALL_64_trampoline")), "");
  EXPECT_EQ(shortcoming_of(text + data),
            "does not have the end of the kernel (_end): it is cut after 4 lines");
  EXPECT_EQ(shortcoming_of(text),
            "does not have the end of the kernel (_einittext): it is cut after 3 lines");
  EXPECT_EQ(shortcoming_of(text + line(0x2800, "_einittext") + data),
            "does not have the end of the kernel (_end): it is cut after 5 lines");
  EXPECT_EQ(shortcoming_of(line(0x2000, "schedule") + data + end),
            "does not have the beginning of the kernel (_text, _stext): it is cut");
  EXPECT_EQ(shortcoming_of(text + line(0x1fff, "lower") + data + end),
            "is not in ascending order of addresses (line 4), as a System.map is");
}

TEST(SymbolList, OfDebianInBootIsAPlaceholder) {
  EXPECT_TRUE(is_placeholder_system_map(
      *file_of("ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n")));
  EXPECT_FALSE(is_placeholder_system_map(*file_of("ffffffff81000000 T _text\n")));
  EXPECT_FALSE(is_placeholder_system_map(*file_of("")));
}

}  // namespace
}  // namespace memsect
