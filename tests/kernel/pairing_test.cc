#include "kernel/pairing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::HasSubstr;

Vmcoreinfo info_of(const std::string& text) {
  auto info = Vmcoreinfo::parse(text);
  EXPECT_TRUE(info);
  return info ? *info : Vmcoreinfo();
}

TEST(BuildId, IsSixteenOrTwentyBytes) {
  EXPECT_TRUE(is_build_id("0123456789abcdef0123456789abcdef"));
  EXPECT_TRUE(is_build_id("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_build_id("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(is_build_id("0000000000000000000000000000000000000000"));
  EXPECT_FALSE(is_build_id("0123456789abcdef0123456789abcdeg"));
}

/// Names and addresses, as a System.map has them.
class ListedSymbols final : public SymbolSource {
 public:
  explicit ListedSymbols(std::map<std::string, std::uint64_t, std::less<>> listed)
      : listed_(std::move(listed)) {}
  std::string_view origin() const override { return "system.map"; }
  std::optional<VirtAddr> address_of(std::string_view name) const override {
    const auto found = listed_.find(name);
    return found == listed_.end() ? std::nullopt : std::optional(VirtAddr(found->second));
  }
  std::vector<std::optional<CodeSymbol>> code_at(std::span<const VirtAddr> addresses) const override {
    return std::vector<std::optional<CodeSymbol>>(addresses.size());
  }

 private:
  std::map<std::string, std::uint64_t, std::less<>> listed_;
};

TEST(Pairing, OfSymbolsWantsAllMovedByTheSame) {
  const Vmcoreinfo info =
      info_of("SYMBOL(init_uts_ns)=ffffffff82001000\nSYMBOL(init_top_pgt)=ffffffff82002000\n");
  const std::uint64_t shift = 0x1000000;
  EXPECT_TRUE(check_symbols(
      info, ListedSymbols({{"init_uts_ns", 0xffffffff81001000}, {"init_top_pgt", 0xffffffff81002000}}),
      shift));
  EXPECT_TRUE(check_symbols(info, ListedSymbols({{"init_uts_ns", 0xffffffff81001000}}), shift));
  const auto other = check_symbols(
      info, ListedSymbols({{"init_uts_ns", 0xffffffff81001000}, {"init_top_pgt", 0xffffffff81002008}}),
      shift);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::mismatch);
  EXPECT_THAT(
      other.error().message,
      HasSubstr("init_top_pgt lies at 0xffffffff82002000 in the dumped kernel, and at 0xffffffff82002008"));
}

TEST(Pairing, OfSymbolsWantsOneThatBothKnow) {
  const Vmcoreinfo info = info_of("SYMBOL(_stext)=ffffffff81000000\nSYMBOL(init_uts_ns)=ffffffff82001000\n");
  EXPECT_TRUE(check_symbols(info, ListedSymbols({{"_stext", 0xffffffff81000000}}), 0));  // functions only
  const auto strange = check_symbols(info, ListedSymbols({{"nothing", 0xffffffff81000000}}), 0);
  ASSERT_FALSE(strange);
  EXPECT_EQ(strange.error().code, Errc::mismatch);
  EXPECT_EQ(strange.error().message, "it has none of the dumped kernel's symbols (_stext, init_uts_ns)");
  EXPECT_TRUE(check_symbols(info_of("OSRELEASE=6.1\n"), ListedSymbols({}), 0));  // nothing to compare with
}

TEST(Pairing, OfAListWantsItMovedByKaslrOrNotAtAll) {
  const Vmcoreinfo moved = info_of("KERNELOFFSET=1000000\n");
  EXPECT_TRUE(check_shift(moved, false, 0x1000000));
  EXPECT_TRUE(check_shift(moved, false, 0));  // a saved kallsyms without modules
  EXPECT_TRUE(check_shift(moved, true, 0));
  EXPECT_TRUE(check_shift(info_of("OSRELEASE=6.1\n"), false, 0x3000000));
  for (const bool is_of_running_kernel : {false, true})
    EXPECT_EQ(check_shift(moved, is_of_running_kernel, 0x1200000).error().code, Errc::mismatch);
  EXPECT_EQ(check_shift(moved, true, 0x1000000).error().code, Errc::mismatch);
}

TEST(Pairing, OfTypesComparesSizesAndOffsets) {
  const FakeKernel fake("fake_6");
  const StructLayout page = fake.layout("page");
  const std::string right = "SIZE(page)=" + std::to_string(page.size) + "\n";
  EXPECT_TRUE(check_types(info_of(right), fake.types()));
  const auto other_size = check_types(info_of("SIZE(page)=96\n"), fake.types());
  ASSERT_FALSE(other_size);
  EXPECT_EQ(other_size.error().code, Errc::mismatch);
  EXPECT_THAT(other_size.error().message, HasSubstr("struct page has 96 bytes in the dumped kernel"));
  const auto other_offset =
      check_types(info_of(right + "OFFSET(mem_section.section_mem_map)=8\n"), fake.types());
  ASSERT_FALSE(other_offset);
  EXPECT_THAT(other_offset.error().message, HasSubstr("mem_section.section_mem_map has offset 8"));
}

/// The notes section of a kernel: one of another owner, then its build ID.
test::Buffer notes_with_build_id() {
  test::Buffer notes = test::elf_note("Linux", 0x100, "salt");
  const test::Buffer id = test::elf_note("GNU", 3,
                                         std::string("\x01\x23\x45\x67\x89\xab\xcd\xef"
                                                     "\x01\x23\x45\x67\x89\xab\xcd\xef\xff\xff\xff\xff",
                                                     20));
  notes.insert(notes.end(), id.begin(), id.end());
  return notes;
}

TEST(BuildId, IsFoundAmongTheNotesInMemory) {
  FakeKernel fake("fake_6");
  const VirtAddr at = fake.symbol("scratch");
  const test::Buffer notes = notes_with_build_id();
  fake.put_text(at, std::string(reinterpret_cast<const char*>(notes.data()), notes.size()));
  const auto kernel = fake.open();
  ASSERT_TRUE(kernel) << kernel.error().message;
  const auto found = dumped_build_id(kernel->space(), at, at + notes.size(), ByteOrder::little);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, "0123456789abcdef0123456789abcdefffffffff");
  EXPECT_EQ(dumped_build_id(kernel->space(), at, at + (1 << 20), ByteOrder::little).error().code,
            Errc::corrupt);
  EXPECT_EQ(dumped_build_id(kernel->space(), at + 8, at, ByteOrder::little).error().code, Errc::corrupt);
}

/// All virtual addresses below 64 KiB are physical ones; nothing else is mapped.
class FirstPages final : public Translator {
 public:
  Result<Mapping> mapping_at(VirtAddr at) const override {
    constexpr std::uint64_t size = 65536;
    if (at.raw() < size) return Mapping{at, size - at.raw(), PhysAddr(at.raw())};
    return Mapping{at, 0 - at.raw(), std::nullopt};
  }
};

TEST(ByteOrderOfMemory, IsTheOneInWhichPointersLeadToMemory) {
  const Vmcoreinfo info = info_of("SYMBOL(mem_section)=1000\n");
  const FirstPages translator;
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    test::FakeMemory memory(order);
    memory.write_u64(PhysAddr(0x1100), 0x2000);  // behind roots that are NULL
    memory.write_u64(PhysAddr(0x2000), 1);
    const AddressSpace space(memory, translator);
    for (const ByteOrder claimed : {ByteOrder::little, ByteOrder::big})
      EXPECT_EQ(order_of_memory(space, info, claimed), order);
  }
}

TEST(ByteOrderOfMemory, IsTheClaimedOneWhereNoPointerTells) {
  const FirstPages translator;
  test::FakeMemory memory;
  memory.write_u64(PhysAddr(0x1000), 0xdeadbeef00000000);
  const AddressSpace space(memory, translator);
  for (const ByteOrder claimed : {ByteOrder::little, ByteOrder::big}) {
    EXPECT_EQ(order_of_memory(space, info_of("SYMBOL(mem_section)=1000\n"), claimed), claimed);
    EXPECT_EQ(order_of_memory(space, info_of("OSRELEASE=6.12\n"), claimed), claimed);
  }
}

}  // namespace
}  // namespace memsect
