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

/// Memory that counts what is asked of it.
class CountedMemory final : public PhysicalMemory {
 public:
  explicit CountedMemory(const PhysicalMemory& memory) : memory_(memory) {}
  Result<std::vector<PhysRange>> ranges() const override { return memory_.ranges(); }
  Result<View> view(PhysAddr at, std::size_t want) const override {
    ++reads_;
    return memory_.view(at, want);
  }
  std::uint64_t reads() const { return reads_; }

 private:
  const PhysicalMemory& memory_;
  mutable std::uint64_t reads_ = 0;
};

/// What searching `image` of this memory, which is mapped from `text` on, comes to.
struct Search {
  Search(const PhysicalMemory& memory, VirtRange range) : counted(memory) {
    const test::ShiftedTranslator translator(text);
    error = find_kallsyms(AddressSpace(counted, translator), range, {text, ByteOrder::little, 8}).error();
  }
  CountedMemory counted;
  Error error;
};

/// 256 texts with an index behind them.
test::Buffer decoy_tokens() {
  test::Buffer decoy(256 * 2 + 512);
  for (std::size_t i = 0; i < 256; ++i) {
    decoy[i * 2] = std::byte{'a'};
    test::put_unsigned(decoy, 512 + i * 2, i * 2, 2, ByteOrder::little);
  }
  return decoy;
}

TEST(FindKallsyms, GivesUpOnManyThingsThatLookLikeIt) {
  const test::Buffer decoy = decoy_tokens();
  test::FakeMemory memory;
  for (std::uint64_t i = 0; i < 100; ++i) memory.write(PhysAddr(i * decoy.size()), decoy);
  const Search search(memory, image);
  EXPECT_EQ(search.error.code, Errc::no_symbol);
  EXPECT_EQ(
      search.error.message,
      "no kallsyms tables were found from 0xffffffff81000000 up to 0xffffffff81004000, where the search was "
      "given up: no kernel takes that long");
  EXPECT_LT(search.counted.reads(), 2000U);
}

TEST(FindKallsyms, GivesUpOnZerosThatCouldAllBeMarkers) {
  const test::Buffer decoy = decoy_tokens();
  test::FakeMemory memory;
  constexpr std::uint64_t apart = 4 << 20;
  constexpr unsigned decoys = 3;
  for (std::uint64_t i = 1; i <= decoys; ++i) {
    memory.add({PhysAddr(i * apart - 0x40000), 0x40000});
    memory.write(PhysAddr(i * apart), decoy);
  }
  const Search search(memory, {text, (decoys + 1) * apart});
  EXPECT_EQ(search.error.code, Errc::no_symbol);
  EXPECT_LT(search.counted.reads(), 50'000U);
}

TEST(FindKallsyms, GivesUpOnNamesThatAllButFit) {
  // Any place of these bytes can be that of num_syms, 0x101 names of one byte, or of markers, [0, 512].
  constexpr std::uint64_t size = 0x400000;
  test::FakeMemory memory;
  test::Buffer bytes(size);
  for (std::size_t at = 0; at < size; at += 8) {
    test::put_unsigned(bytes, at, 0, 4, ByteOrder::little);
    test::put_unsigned(bytes, at + 4, 0x200, 4, ByteOrder::little);
  }
  memory.write(PhysAddr(0), bytes);
  const test::Buffer decoy = decoy_tokens();
  for (std::uint64_t i = 0; i < 3; ++i) memory.write(PhysAddr(size + i * decoy.size()), decoy);
  const Search search(memory, {text, 2 * size});
  EXPECT_EQ(search.error.code, Errc::no_symbol);
  EXPECT_LT(search.counted.reads(), 50'000U);
}

TEST(FindKallsyms, GivesUpWhereNothingCanBeRead) {
  const Search search(test::FakeMemory(), {text, 1 << 30});
  EXPECT_EQ(search.error.code, Errc::no_symbol);
  EXPECT_TRUE(search.error.message.starts_with(
      "no kallsyms tables were found from 0xffffffff81000000 up to 0xffffffff91000000, where"))
      << search.error.message;
  EXPECT_EQ(search.counted.reads(), (256U << 20) / 4096);
}

}  // namespace
}  // namespace memsect
