#include "symbols/find_kallsyms.h"

#include <gtest/gtest.h>

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
constexpr VirtRange image{text, 0x100000};

KallsymsRecipe recipe_of(KallsymsForm form, KallsymsLayout layout, ByteOrder order = ByteOrder::little) {
  KallsymsRecipe recipe;
  recipe.form = form;
  recipe.layout = layout;
  recipe.order = order;
  recipe.symbols = test::some_symbols(text, 600, form);
  recipe.at = text + 0x40008;
  recipe.relative_base = text;
  return recipe;
}

/// An image with something in it that is no table: numbers that ascend, texts, zeros.
ShiftedMemory memory_with(const BuiltKallsyms& built) {
  ShiftedMemory memory(text);
  test::Buffer noise(0x30000);
  for (std::size_t i = 0; i + 2 <= 0x10000; i += 2) {
    test::put_unsigned(noise, i, i / 2 % 1024 * 3, 2, ByteOrder::little);
    test::put_unsigned(noise, 0x10000 + i, i * 2654435761U >> 7, 2, ByteOrder::little);
  }
  memory.write(text, noise);
  memory.write(built.at, built.bytes);
  return memory;
}

void expect_found(const KallsymsRecipe& recipe) {
  const BuiltKallsyms built = build_kallsyms(recipe);
  const ShiftedMemory memory = memory_with(built);
  const KallsymsKernel kernel{text, recipe.order, recipe.word_size};
  const auto place = find_kallsyms(memory.space(), image, kernel);
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->names, built.names);
  EXPECT_EQ(place->token_table, built.token_table);
  EXPECT_EQ(place->token_index, built.token_index);
  const auto kallsyms = open_kallsyms(memory.space(), *place, kernel);
  ASSERT_TRUE(kallsyms) << kallsyms.error().message;
  for (const KallsymsSymbol& symbol : recipe.symbols) {
    if (symbol.name == "twice") continue;
    EXPECT_EQ((*kallsyms)->address_of(symbol.name), symbol.address) << symbol.name;
  }
}

TEST(FindKallsyms, FindsEveryOrderAndFormOfTheTables) {
  struct Kind {
    KallsymsLayout layout;
    KallsymsForm form;
    unsigned alignment;
  };
  std::vector<Kind> kinds = {{KallsymsLayout::linux_6_12, KallsymsForm::place, 4}};  // 7.0+
  for (const auto layout :
       {KallsymsLayout::linux_5_10, KallsymsLayout::linux_6_2, KallsymsLayout::linux_6_12}) {
    for (const auto form : {KallsymsForm::absolute, KallsymsForm::base, KallsymsForm::per_cpu})
      kinds.push_back({layout, form, 8});
  }
  for (const Kind& kind : kinds) {
    for (const auto order : {ByteOrder::little, ByteOrder::big}) {
      for (const unsigned fewer : {0U, 1U}) {  // an even and an odd number of symbols: padding or none
        KallsymsRecipe recipe = recipe_of(kind.form, kind.layout, order);
        recipe.alignment = kind.alignment;
        recipe.symbols.erase(recipe.symbols.begin() + 100, recipe.symbols.begin() + 100 + fewer);
        SCOPED_TRACE(::testing::Message()
                     << "layout " << static_cast<int>(kind.layout) << " form " << static_cast<int>(kind.form)
                     << (order == ByteOrder::big ? " big" : " little"));
        expect_found(recipe);
      }
    }
  }
}

TEST(FindKallsyms, FindsTheWideNumbersOfOldKernels) {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    KallsymsRecipe recipe = recipe_of(KallsymsForm::base, KallsymsLayout::linux_5_10, order);
    recipe.number_width = 8;
    expect_found(recipe);
  }
}

TEST(FindKallsyms, PassesOverWhatCannotBeRead) {
  const BuiltKallsyms built = build_kallsyms(recipe_of(KallsymsForm::base, KallsymsLayout::linux_5_10));
  ShiftedMemory memory = memory_with(built);
  memory.exclude({text + 0x3000, 0x2000});
  const auto place = find_kallsyms(memory.space(), image, {text, ByteOrder::little, 8});
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->names, built.names);
}

TEST(FindKallsyms, WithoutTablesIsNoSymbol) {
  const BuiltKallsyms built = build_kallsyms(recipe_of(KallsymsForm::base, KallsymsLayout::linux_5_10));
  const KallsymsKernel kernel{text, ByteOrder::little, 8};
  const ShiftedMemory memory = memory_with(built);
  const auto too_short = find_kallsyms(memory.space(), {text, 0x40000}, kernel);
  ASSERT_FALSE(too_short);
  EXPECT_EQ(too_short.error().code, Errc::no_symbol);
  EXPECT_EQ(too_short.error().message,
            "no kallsyms tables were found from 0xffffffff81000000 up to 0xffffffff81040000");
  for (const VirtAddr table : {built.names, built.token_table, built.token_index}) {
    ShiftedMemory part = memory_with(built);
    part.exclude({table, 1});
    EXPECT_EQ(find_kallsyms(part.space(), image, kernel).error().code, Errc::no_symbol);
  }
}

TEST(FindKallsyms, GivesUpOnManyThingsThatLookLikeIt) {
  // 256 texts with an index behind them, again and again, and no names.
  test::Buffer decoy(256 * 2 + 512);
  for (std::size_t i = 0; i < 256; ++i) {
    decoy[i * 2] = std::byte{'a'};
    test::put_unsigned(decoy, 512 + i * 2, i * 2, 2, ByteOrder::little);
  }
  ShiftedMemory memory(text);
  for (std::uint64_t at = 0; at < 100; ++at) memory.write(text + at * decoy.size(), decoy);
  EXPECT_EQ(find_kallsyms(memory.space(), image, {text, ByteOrder::little, 8}).error().code, Errc::no_symbol);
}

}  // namespace
}  // namespace memsect
