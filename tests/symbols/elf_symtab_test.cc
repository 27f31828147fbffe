#include "symbols/elf_symtab.h"

#include <gelf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "support/type_fixture.h"

namespace memsect {
namespace {

using testing::file_bytes;
using testing::file_of;
using testing::fixture_path;

/// One symbol of the tables made here. They are always 64-bit and little-endian.
struct Entry {
  std::string name;
  std::uint64_t value = 0;
  unsigned char type = STT_OBJECT;
  std::uint16_t section = 1;
  std::uint64_t size = 0;
};

template <class T>
void append(std::string& bytes, const T& record) {
  bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
}

/// An ELF file of nothing but a symbol table: header, names, symbols, section headers. The last name ends
/// with the string table when `terminated` is false.
std::string elf_with(const std::vector<Entry>& entries, bool terminated = true) {
  std::string names(1, '\0');
  std::string symbols(sizeof(Elf64_Sym), '\0');
  for (const Entry& entry : entries) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<Elf64_Word>(names.size());
    symbol.st_info = ELF64_ST_INFO(STB_LOCAL, entry.type);
    symbol.st_shndx = entry.section;
    symbol.st_value = entry.value;
    symbol.st_size = entry.size;
    append(symbols, symbol);
    names += entry.name + '\0';
  }
  if (!terminated) names.pop_back();
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shoff = sizeof header + names.size() + symbols.size();
  Elf64_Shdr strings{};
  strings.sh_type = SHT_STRTAB;
  strings.sh_offset = sizeof header;
  strings.sh_size = names.size();
  Elf64_Shdr table{};
  table.sh_type = SHT_SYMTAB;
  table.sh_link = 1;
  table.sh_entsize = sizeof(Elf64_Sym);
  table.sh_offset = sizeof header + names.size();
  table.sh_size = symbols.size();
  std::string bytes;
  append(bytes, header);
  bytes += names + symbols;
  append(bytes, Elf64_Shdr{});
  append(bytes, strings);
  append(bytes, table);
  return bytes;
}

std::unique_ptr<SymbolSource> open_table(const std::string& bytes) {
  auto table = open_elf_symtab(file_of(bytes));
  EXPECT_TRUE(table) << (table ? "" : table.error().message);
  return table ? std::move(*table) : nullptr;
}

TEST(ElfSymtab, FindsTheFunctionsOfAFixture) {
  const auto table = open_table(file_bytes(fixture_path("kernel_6-dwarf5")));
  EXPECT_EQ(table->origin(), "symtab");
  for (const char* name :
       {"build_all_zonelists", "memory_dev_init", "get_pfnblock_flags_mask", "mem_section"}) {
    const auto address = table->address_of(name);
    ASSERT_TRUE(address) << name;
    EXPECT_GT(address->raw(), 0U) << name;
  }
  EXPECT_NE(table->address_of("memory_dev_init"), table->address_of("build_all_zonelists"));
}

TEST(ElfSymtab, MatchesWholeNamesOnly) {
  const auto table = open_table(elf_with({{"mem_section", 1}, {"mem_section_usage_size", 2}, {"x", 3}}));
  EXPECT_EQ(table->address_of("mem_section"), VirtAddr(1));
  EXPECT_EQ(table->address_of("mem_section_usage_size"), VirtAddr(2));
  EXPECT_EQ(table->address_of("x"), VirtAddr(3));
  for (const char* name : {"mem_sectio", "mem_section_", "em_section", "section", "", "y"}) {
    EXPECT_EQ(table->address_of(name), std::nullopt) << name;
  }
  EXPECT_EQ(table->address_of(std::string_view("x\0mem", 5)), std::nullopt);
}

TEST(ElfSymtab, FindsNamesOfEveryLength) {
  std::vector<Entry> entries;
  for (std::size_t length = 1; length < 70; ++length) entries.push_back({std::string(length, 'a'), length});
  const auto table = open_table(elf_with(entries));
  for (std::size_t length = 1; length < 70; ++length) {
    EXPECT_EQ(table->address_of(std::string(length, 'a')), VirtAddr(length));
  }
}

TEST(ElfSymtab, TakesTheFirstOfSeveralLocalSymbols) {
  std::vector<Entry> entries{{"twice", 1}};
  for (std::uint64_t i = 0; i < 5000; ++i) entries.push_back({"filler_" + std::to_string(i), i});
  entries.push_back({"twice", 2});
  const auto table = open_table(elf_with(entries));
  EXPECT_EQ(table->address_of("twice"), VirtAddr(1));
  EXPECT_EQ(table->address_of("filler_4999"), VirtAddr(4999));
}

TEST(ElfSymtab, LeavesOutWhatIsNoPlaceInTheKernel) {
  const auto table = open_table(elf_with({{"undefined", 1, STT_NOTYPE, SHN_UNDEF},
                                          {"mm/page_alloc.c", 2, STT_FILE, SHN_ABS},
                                          {".text", 3, STT_SECTION},
                                          {"absolute", 4, STT_NOTYPE, SHN_ABS},
                                          {"undefined", 5, STT_FUNC}}));
  EXPECT_EQ(table->address_of("mm/page_alloc.c"), std::nullopt);
  EXPECT_EQ(table->address_of(".text"), std::nullopt);
  EXPECT_EQ(table->address_of("absolute"), VirtAddr(4));
  EXPECT_EQ(table->address_of("undefined"), VirtAddr(5));
}

TEST(ElfSymtab, KnowsTheFunctionsOfAddresses) {
  const auto table = open_table(elf_with({{"of_assembly", 0x100, STT_NOTYPE},
                                          {"function", 0x200, STT_FUNC},
                                          {"$x", 0x240, STT_NOTYPE},
                                          {".Llabel", 0x250, STT_NOTYPE},
                                          {"data", 0x260, STT_OBJECT},
                                          {"last", 0x300, STT_FUNC}}));
  const std::vector<VirtAddr> addresses{VirtAddr(0x2ff), VirtAddr(0x104), VirtAddr(0xff), VirtAddr(0x300)};
  const auto found = table->code_at(addresses);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0]->name, "function");
  EXPECT_EQ(found[0]->offset, 0xffU);
  EXPECT_EQ(found[1]->name, "of_assembly");
  EXPECT_FALSE(found[2]);
  EXPECT_EQ(found[3]->name, "last");
}

TEST(ElfSymtab, NamesNoCodeBeyondTheEndOfAFunction) {
  const auto table = open_table(elf_with({{"first", 0x100, STT_FUNC, 1, 0x10}, {"open", 0x300, STT_FUNC}}));
  const std::vector<VirtAddr> addresses{VirtAddr(0x10f), VirtAddr(0x110), VirtAddr(0x900)};
  const auto found = table->code_at(addresses);
  EXPECT_EQ(found[0]->name, "first");
  EXPECT_FALSE(found[1]) << "a function that was cut out of the table";
  EXPECT_EQ(found[2]->name, "open");
}

TEST(ElfSymtab, ReadsALastNameThatTheTableDoesNotEnd) {
  const auto table = open_table(elf_with({{"first", 1}, {"unfinished", 2}}, false));
  EXPECT_EQ(table->address_of("unfinished"), VirtAddr(2));
  EXPECT_EQ(table->address_of("first"), VirtAddr(1));
}

TEST(ElfSymtab, OfAStrippedFileIsNoSymbol) {
  const auto table = open_elf_symtab(*File::open(fixture_path("shapes-stripped")));
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, Errc::no_symbol);
}

TEST(ElfSymtab, OfNoElfFileIsBadFormat) {
  EXPECT_EQ(open_elf_symtab(file_of("KDUMP   is no ELF file")).error().code, Errc::bad_format);
}

TEST(ElfSymtab, ThatPointsOutsideOfTheFileIsBadFormat) {
  const std::string whole = elf_with({{"name", 1}});
  const std::size_t headers = whole.size() - 3 * sizeof(Elf64_Shdr);
  for (const std::size_t section : {1, 2}) {
    for (const std::size_t field : {offsetof(Elf64_Shdr, sh_offset), offsetof(Elf64_Shdr, sh_size)}) {
      std::string bytes = whole;
      bytes[headers + section * sizeof(Elf64_Shdr) + field + 4] = '\x70';
      const auto table = open_elf_symtab(file_of(bytes));
      ASSERT_FALSE(table);
      EXPECT_EQ(table.error().code, Errc::bad_format);
    }
  }
}

TEST(ElfSymtab, IgnoresSymbolsWhoseNamesLieOutsideOfTheNames) {
  std::string bytes = elf_with({{"lost", 1}, {"found", 2}});
  const std::size_t symbols = bytes.size() - 3 * sizeof(Elf64_Shdr) - 3 * sizeof(Elf64_Sym);
  bytes[symbols + sizeof(Elf64_Sym) + 3] = '\x7f';
  const auto table = open_table(bytes);
  EXPECT_EQ(table->address_of("lost"), std::nullopt);
  EXPECT_EQ(table->address_of("found"), VirtAddr(2));
}

}  // namespace
}  // namespace memsect
