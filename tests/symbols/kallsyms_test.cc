#include "symbols/kallsyms.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "support/fake_memory.h"
#include "support/kallsyms_builder.h"
#include "support/shifted_memory.h"

namespace memsect {
namespace {

using test::build_kallsyms;
using test::BuiltKallsyms;
using test::KallsymsForm;
using test::KallsymsLayout;
using test::KallsymsRecipe;
using test::ShiftedMemory;

constexpr VirtAddr text(0xffffffff81000000);
constexpr unsigned some = 700;  // more than two markers' worth

KallsymsRecipe recipe_of(KallsymsForm form, unsigned count = some) {
  KallsymsRecipe recipe;
  recipe.form = form;
  recipe.symbols = test::some_symbols(text, count, form);
  recipe.at = text + 0x801000;
  recipe.relative_base = text;
  return recipe;
}

struct Opened {
  explicit Opened(const KallsymsRecipe& recipe)
      : built(build_kallsyms(recipe)), kernel{text, recipe.order, recipe.word_size} {}
  explicit Opened(BuiltKallsyms tables) : built(std::move(tables)), kernel{text, ByteOrder::little, 8} {}
  Result<std::unique_ptr<Kallsyms>> open() {
    memory.write(built.at, built.bytes);
    return open_kallsyms(memory.space(), built.place(), kernel);
  }
  /// The error of opening, or "none".
  std::string error() {
    const auto opened = open();
    return opened ? "none" : opened.error().message;
  }
  BuiltKallsyms built;
  ShiftedMemory memory{text - 0x1000000};
  KallsymsKernel kernel;
};

void expect_all(const Kallsyms& kallsyms, const std::vector<KallsymsSymbol>& symbols) {
  ASSERT_EQ(kallsyms.size(), symbols.size());
  std::set<std::string> seen;
  for (std::uint32_t i = 0; i < symbols.size(); ++i) {
    const auto symbol = kallsyms.symbol(i);
    ASSERT_TRUE(symbol) << symbol.error().message;
    EXPECT_EQ(symbol->name, symbols[i].name);
    EXPECT_EQ(symbol->type, symbols[i].type);
    EXPECT_EQ(symbol->address, symbols[i].address) << symbols[i].name;
    const bool is_first_there = i == 0 || symbols[i - 1].address != symbols[i].address;
    if (symbols[i].type == 'T' && is_first_there) {
      const std::vector<VirtAddr> place{symbols[i].address};
      const auto code = kallsyms.code_at(place).front();
      ASSERT_TRUE(code) << symbols[i].name;
      EXPECT_EQ(code->name, symbols[i].name);
      EXPECT_EQ(code->offset, 0U);
    }
    if (!seen.insert(symbols[i].name).second) continue;
    EXPECT_EQ(kallsyms.address_of(symbols[i].name), symbols[i].address) << symbols[i].name;
  }
}

TEST(Kallsyms, ReadsEveryFormOrderAndAlignmentOfTheTables) {
  for (const auto form :
       {KallsymsForm::absolute, KallsymsForm::base, KallsymsForm::per_cpu, KallsymsForm::place}) {
    KallsymsRecipe recipe = recipe_of(form);
    for (const auto layout :
         {KallsymsLayout::linux_5_10, KallsymsLayout::linux_6_2, KallsymsLayout::linux_6_12}) {
      for (const auto order : {ByteOrder::little, ByteOrder::big}) {
        for (const unsigned alignment : {4U, 8U}) {
          recipe.layout = layout;
          recipe.order = order;
          recipe.alignment = alignment;
          Opened tables(recipe);
          const auto kallsyms = tables.open();
          ASSERT_TRUE(kallsyms) << kallsyms.error().message;
          expect_all(**kallsyms, recipe.symbols);
        }
      }
    }
  }
}

TEST(Kallsyms, ReadsThirtyTwoBitWords) {
  for (const auto form : {KallsymsForm::absolute, KallsymsForm::base, KallsymsForm::place}) {
    KallsymsRecipe recipe = recipe_of(form);
    recipe.word_size = recipe.alignment = 4;
    recipe.relative_base = VirtAddr(0xc1000000);
    for (KallsymsSymbol& symbol : recipe.symbols) symbol.address = symbol.address - text.raw() + 0xc1000000;
    recipe.at = VirtAddr(0xc1801000);
    Opened tables(recipe);
    tables.memory = ShiftedMemory(VirtAddr(0xc0000000));
    tables.kernel.stext = VirtAddr(0xc1000000);
    const auto kallsyms = tables.open();
    ASSERT_TRUE(kallsyms) << kallsyms.error().message;
    expect_all(**kallsyms, recipe.symbols);
  }
}

TEST(Kallsyms, ReadsTheWideMarkersOfOldKernels) {
  KallsymsRecipe recipe = recipe_of(KallsymsForm::base);
  recipe.layout = KallsymsLayout::linux_5_10;
  recipe.number_width = 8;
  Opened tables(recipe);
  EXPECT_TRUE(tables.open());
}

TEST(Kallsyms, KnowsWholeNamesOnlyAndTheFirstOfSeveral) {
  Opened tables(recipe_of(KallsymsForm::base));
  const auto kallsyms = tables.open();
  ASSERT_TRUE(kallsyms);
  EXPECT_EQ((*kallsyms)->address_of("twice"), text + 0x100000);
  EXPECT_EQ((*kallsyms)->address_of("mem_section"), text + 0x200000);
  for (const char* name : {"mem_sectio", "mem_section_", "em_section", "Dmem_section", "D", ""}) {
    EXPECT_EQ((*kallsyms)->address_of(name), std::nullopt) << name;
    EXPECT_EQ((*kallsyms)->find(name).error().code, Errc::no_symbol);
  }
}

TEST(Kallsyms, TellsWhetherItHasVariables) {
  KallsymsRecipe recipe = recipe_of(KallsymsForm::base);
  Opened all(recipe);
  EXPECT_TRUE((*all.open())->has_data_symbols());
  recipe.symbols.resize(600);
  Opened functions(recipe);
  EXPECT_FALSE((*functions.open())->has_data_symbols());
}

TEST(Kallsyms, ReadsOnlyWhatItListsAsItsTables) {
  for (const auto form : {KallsymsForm::absolute, KallsymsForm::per_cpu, KallsymsForm::place}) {
    const KallsymsRecipe recipe = recipe_of(form);
    Opened whole(recipe);
    const auto kallsyms = whole.open();
    ASSERT_TRUE(kallsyms);
    ShiftedMemory part(text - 0x1000000, 8);  // nothing beside it in its pages
    for (const VirtRange& range : (*kallsyms)->tables()) {
      part.write(range.start,
                 Bytes(whole.built.bytes)
                     .subspan(whole.built.offset_of(range.start), static_cast<std::size_t>(range.size)));
    }
    const auto again = open_kallsyms(part.space(), whole.built.place(), whole.kernel);
    ASSERT_TRUE(again) << again.error().message;
    expect_all(**again, recipe.symbols);
  }
}

TEST(Kallsyms, ThatPutsStextElsewhereIsCorrupt) {
  for (const auto form :
       {KallsymsForm::absolute, KallsymsForm::base, KallsymsForm::per_cpu, KallsymsForm::place}) {
    Opened tables(recipe_of(form));
    tables.kernel.stext += 0x200000;
    const auto kallsyms = tables.open();
    ASSERT_FALSE(kallsyms);
    EXPECT_EQ(kallsyms.error().code, Errc::corrupt);
    EXPECT_NE(kallsyms.error().message.find("VMCOREINFO at 0xffffffff81200000"), std::string::npos)
        << kallsyms.error().message;
  }
}

TEST(Kallsyms, OfAddressesThatAreOffByOneEntryIsCorrupt) {
  for (const auto form : {KallsymsForm::absolute, KallsymsForm::base, KallsymsForm::per_cpu}) {
    KallsymsRecipe recipe = recipe_of(form);
    recipe.symbols.push_back({'D', "init_uts_ns", text + 0x400000});
    Opened tables(recipe);
    tables.kernel.init_uts_ns = text + 0x400000;
    EXPECT_EQ(tables.error(), "none");
    tables.built.addresses += form == KallsymsForm::absolute ? 8 : 4;  // _text and _stext are the same
    const auto kallsyms = tables.open();
    ASSERT_FALSE(kallsyms);
    EXPECT_EQ(kallsyms.error().code, Errc::corrupt);
    EXPECT_NE(kallsyms.error().message.find("VMCOREINFO at 0xffffffff8"), std::string::npos)
        << kallsyms.error().message;
  }
}

TEST(Kallsyms, NamesTheTableThatCannotBeRead) {
  const BuiltKallsyms built = build_kallsyms(recipe_of(KallsymsForm::base, 9000));
  const std::vector<std::pair<VirtAddr, std::string>> tables = {
      {built.num_syms, "kallsyms_num_syms"},       {built.names + 0x2000, "kallsyms_names"},
      {built.token_table, "kallsyms_token_table"}, {built.token_index + 511, "kallsyms_token_index"},
      {built.addresses, "kallsyms_offsets"},       {built.relative_base, "kallsyms_relative_base"}};
  for (const auto& [at, name] : tables) {
    ShiftedMemory memory(text - 0x1000000, name == "kallsyms_names" ? 4096 : 8);
    memory.write(built.at, built.bytes);
    memory.exclude({at, 1});
    const auto kallsyms = open_kallsyms(memory.space(), built.place(), {text, ByteOrder::little, 8});
    ASSERT_FALSE(kallsyms) << name;
    EXPECT_EQ(kallsyms.error().code, Errc::excluded) << name;
    EXPECT_TRUE(kallsyms.error().message.starts_with(name + ": ")) << kallsyms.error().message;
  }
}

TEST(Kallsyms, SaysWhyAnAddressCannotBeRead) {
  const BuiltKallsyms built = build_kallsyms(recipe_of(KallsymsForm::base));
  ShiftedMemory memory(text - 0x1000000, 8);
  memory.write(built.at, built.bytes);
  memory.exclude({built.addresses + 4 * 400, 8});
  const auto kallsyms = open_kallsyms(memory.space(), built.place(), {text, ByteOrder::little, 8});
  ASSERT_TRUE(kallsyms);
  const auto address = (*kallsyms)->find(test::some_symbols(text, some)[400].name);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code, Errc::excluded);
  EXPECT_EQ((*kallsyms)->address_of("mem_section"), text + 0x200000);
}

/// Tables of 9000 symbols with one thing changed.
struct Damage {
  std::string what;
  void (*change)(BuiltKallsyms& built);
  std::string message;
};

void put(BuiltKallsyms& built, VirtAddr at, std::uint64_t value, std::size_t size) {
  test::put_unsigned(built.bytes, built.offset_of(at), value, size, ByteOrder::little);
}

TEST(Kallsyms, RefusesDamagedTables) {
  const std::vector<Damage> damages = {
      {"no symbols", [](BuiltKallsyms& b) { put(b, b.num_syms, 0, 4); }, "kallsyms_num_syms: 0 symbols"},
      {"absurdly many", [](BuiltKallsyms& b) { put(b, b.num_syms, UINT32_MAX, 4); },
       "kallsyms_num_syms: 4294967295 symbols"},
      {"more than have room", [](BuiltKallsyms& b) { put(b, b.num_syms, 1 << 20, 4); },
       "kallsyms_names: 1048576 names have no room"},
      {"one more", [](BuiltKallsyms& b) { put(b, b.num_syms, some + 7 + 256, 4); }, "kallsyms_"},
      {"an empty name", [](BuiltKallsyms& b) { put(b, b.names, 0, 1); }, "kallsyms_names: name 0 of"},
      {"a length too long", [](BuiltKallsyms& b) { put(b, b.names, 0xffff, 2); }, "kallsyms_"},
      {"a length off by one", [](BuiltKallsyms& b) { put(b, b.names + b.names_size / 2, 0x20, 1); },
       "kallsyms_"},
      {"tokens out of order", [](BuiltKallsyms& b) { put(b, b.token_index + 20, 1, 2); },
       "kallsyms_token_index: token 10 begins at 0x1, the one before it"},
      {"tokens that begin late", [](BuiltKallsyms& b) { put(b, b.token_index, 1, 2); },
       "kallsyms_token_index: token 0"},
      {"tokens that run on", [](BuiltKallsyms& b) { put(b, b.token_table, 0x4141414141414141, 8); },
       "kallsyms_token_table: token 0"},
      {"a marker", [](BuiltKallsyms& b) { put(b, b.markers + 4, 1, 4); }, "kallsyms_markers at"},
  };
  const BuiltKallsyms sound = build_kallsyms(recipe_of(KallsymsForm::base));
  for (const Damage& damage : damages) {
    Opened tables(sound);
    damage.change(tables.built);
    const auto opened = tables.open();
    if (damage.what == "a length off by one" && opened) continue;  // hit a token, not a length: no harm
    ASSERT_FALSE(opened) << damage.what;
    EXPECT_EQ(opened.error().code, Errc::corrupt) << damage.what << ": " << opened.error().message;
    EXPECT_TRUE(opened.error().message.starts_with(damage.message)) << opened.error().message;
  }
}

TEST(Kallsyms, NeverTakesASpoiltLengthForNames) {
  const BuiltKallsyms sound = build_kallsyms(recipe_of(KallsymsForm::base));
  std::size_t at = 0;  // of the length of each name in turn
  for (unsigned name = 0; name < some; ++name) {
    Opened tables(sound);
    std::byte& length = tables.built.bytes[tables.built.offset_of(tables.built.names) + at];
    at += 1 + std::to_integer<std::size_t>(length);
    if (name % 50 != 0) continue;
    length = static_cast<std::byte>(std::to_integer<unsigned>(length) + 1);
    EXPECT_NE(tables.error(), "none") << name;
  }
}

TEST(KallsymsKernel, ComesFromVmcoreinfo) {
  const auto kernel =
      kallsyms_kernel(*Vmcoreinfo::parse("SYMBOL(_stext)=a000\nSYMBOL(init_uts_ns)=b000\n"), ByteOrder::big);
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->stext, VirtAddr(0xa000));
  EXPECT_EQ(kernel->init_uts_ns, VirtAddr(0xb000));
  EXPECT_EQ(kernel->order, ByteOrder::big);
  EXPECT_EQ(kernel->word_size, 8U);
  EXPECT_EQ(kallsyms_kernel(*Vmcoreinfo::parse("OSRELEASE=5.10\n"), ByteOrder::big).error().code,
            Errc::no_symbol);
}

TEST(KallsymsPlace, ComesFromVmcoreinfo) {
  const std::string tables =
      "SYMBOL(kallsyms_names)=1000\nSYMBOL(kallsyms_num_syms)=2000\nSYMBOL(kallsyms_token_table)=3000\n"
      "SYMBOL(kallsyms_token_index)=4000\n";
  using Form = KallsymsAddresses::Form;
  const auto place_of = [&](const std::string& more) {
    return kallsyms_place(*Vmcoreinfo::parse(tables + more));
  };

  const auto based = place_of("SYMBOL(kallsyms_offsets)=5000\nSYMBOL(kallsyms_relative_base)=6000\n");
  ASSERT_TRUE(based);
  EXPECT_EQ(based->names, VirtAddr(0x1000));
  EXPECT_EQ(based->num_syms, VirtAddr(0x2000));
  EXPECT_EQ(based->token_table, VirtAddr(0x3000));
  EXPECT_EQ(based->token_index, VirtAddr(0x4000));
  ASSERT_EQ(based->addresses.size(), 1U);
  EXPECT_EQ(based->addresses[0].form, Form::base);
  EXPECT_EQ(based->addresses[0].table, VirtAddr(0x5000));
  EXPECT_EQ(based->addresses[0].relative_base, VirtAddr(0x6000));
  EXPECT_EQ(place_of("SYMBOL(kallsyms_offsets)=5000\n")->addresses[0].form, Form::place);
  EXPECT_EQ(place_of("SYMBOL(kallsyms_addresses)=5000\n")->addresses[0].form, Form::absolute);
  EXPECT_EQ(place_of("").error().code, Errc::no_symbol);
  EXPECT_EQ(kallsyms_place(*Vmcoreinfo::parse("OSRELEASE=5.10\n")).error().code, Errc::no_symbol);
}

}  // namespace
}  // namespace memsect
