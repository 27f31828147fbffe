#include "kernel/symbol_sources.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/kallsyms_builder.h"
#include "support/shifted_memory.h"

namespace memsect {
namespace {

using test::build_kallsyms;
using test::BuiltKallsyms;
using test::KallsymsLayout;
using test::KallsymsRecipe;
using test::ShiftedMemory;
using ::testing::HasSubstr;

constexpr VirtAddr text(0xffffffff81000000);
constexpr VirtAddr init_uts_ns = text + 0x400000;

/// Of a kernel where _text and _stext are one address.
KallsymsRecipe recipe_of(KallsymsLayout layout) {
  KallsymsRecipe recipe;
  recipe.layout = layout;
  recipe.symbols = test::some_symbols(text, 600);
  recipe.symbols.push_back({'D', "init_uts_ns", init_uts_ns});
  recipe.at = text + 0x40008;
  recipe.relative_base = text;
  return recipe;
}

Vmcoreinfo info_of(const std::string& more = "") {
  auto info = Vmcoreinfo::parse(
      fmt::format("SYMBOL(_stext)={:x}\nSYMBOL(init_uts_ns)={:x}\n{}", text.raw(), init_uts_ns.raw(), more));
  EXPECT_TRUE(info);
  return info ? *std::move(info) : Vmcoreinfo();
}

/// VMCOREINFO as 6.0+ writes it.
std::string names_of(const BuiltKallsyms& built, VirtAddr addresses) {
  return fmt::format(
      "SYMBOL(kallsyms_names)={:x}\nSYMBOL(kallsyms_num_syms)={:x}\nSYMBOL(kallsyms_token_table)={:x}\n"
      "SYMBOL(kallsyms_token_index)={:x}\nSYMBOL(kallsyms_offsets)={:x}\nSYMBOL(kallsyms_relative_base)={:x}"
      "\n",
      built.names.raw(), built.num_syms.raw(), built.token_table.raw(), built.token_index.raw(),
      addresses.raw(), built.relative_base.raw());
}

TEST(DumpedKallsyms, ThatAreOffByOneEntryAreCorrupt) {
  const BuiltKallsyms built = build_kallsyms(recipe_of(KallsymsLayout::linux_6_12));
  ShiftedMemory memory(text);
  memory.write(built.at, built.bytes);
  const auto right =
      open_dumped_kallsyms(memory.space(), info_of(names_of(built, built.addresses)), ByteOrder::little, 8);
  ASSERT_TRUE(right) << right.error().message;
  EXPECT_EQ((*right)->address_of("mem_section"), text + 0x200000);
  // Begun 4 bytes early, _stext gets the entry of _text: the right address all the same.
  const auto off = open_dumped_kallsyms(memory.space(), info_of(names_of(built, built.addresses - 4)),
                                        ByteOrder::little, 8);
  ASSERT_FALSE(off);
  EXPECT_EQ(off.error().code, Errc::corrupt);
  EXPECT_THAT(off.error().message, HasSubstr("VMCOREINFO at 0xffffffff81400000"));
}

/// Tables of before 6.2 with something behind them that reads as addresses, all of them _stext's. It is tried first.
ShiftedMemory memory_with_false_addresses(const BuiltKallsyms& built) {
  ShiftedMemory memory(text);
  memory.write(built.at, built.bytes);
  test::Buffer false_addresses(0x2000);
  for (std::size_t at = 0; at < false_addresses.size(); at += 8)
    test::put_unsigned(false_addresses, at, text.raw(), 8, ByteOrder::little);
  memory.write(built.token_index + 512, false_addresses);
  return memory;
}

TEST(DumpedKallsyms, PassOverAddressesThatPutInitUtsNsElsewhere) {
  const BuiltKallsyms built = build_kallsyms(recipe_of(KallsymsLayout::linux_5_10));
  const ShiftedMemory memory = memory_with_false_addresses(built);
  const auto found = open_dumped_kallsyms(memory.space(), info_of(), ByteOrder::little, 8);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ((*found)->address_of("mem_section"), text + 0x200000);
  EXPECT_EQ((*found)->address_of("init_uts_ns"), init_uts_ns);
}

TEST(DumpedKallsyms, WithAllAddressesElsewhereSayWhereInitUtsNsWouldBe) {
  KallsymsRecipe recipe = recipe_of(KallsymsLayout::linux_5_10);
  recipe.symbols.back().address = init_uts_ns + 0x40;
  const ShiftedMemory memory = memory_with_false_addresses(build_kallsyms(recipe));
  const auto found = open_dumped_kallsyms(memory.space(), info_of(), ByteOrder::little, 8);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message,
            "kallsyms puts init_uts_ns at 0xffffffff81400040, VMCOREINFO at 0xffffffff81400000");
}

TEST(DumpedKallsyms, AreReadWhereTheEntryOfInitUtsNsIsNot) {
  const KallsymsRecipe recipe = recipe_of(KallsymsLayout::linux_6_12);
  const BuiltKallsyms built = build_kallsyms(recipe);
  ShiftedMemory memory(text, 8);
  memory.write(built.at, built.bytes);
  const std::size_t last = recipe.symbols.size() - 1;
  ASSERT_EQ(recipe.symbols[last].name, "init_uts_ns");
  memory.exclude({built.addresses + 4 * last, 4});
  const auto kallsyms =
      open_dumped_kallsyms(memory.space(), info_of(names_of(built, built.addresses)), ByteOrder::little, 8);
  ASSERT_TRUE(kallsyms) << kallsyms.error().message;
  EXPECT_EQ((*kallsyms)->find("init_uts_ns").error().code, Errc::excluded);
  EXPECT_EQ((*kallsyms)->address_of("_stext"), text);
}

}  // namespace
}  // namespace memsect
