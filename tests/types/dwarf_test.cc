#include "types/dwarf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "support/expect_truth.h"
#include "support/type_fixture.h"
#include "symbols/elf_symtab.h"

namespace memsect {
namespace {

using testing::file_bytes;
using testing::file_of;
using testing::fixture_path;
using ::testing::HasSubstr;

std::unique_ptr<TypeSource> open_fixture(const std::string& name, AddressLookup symbols = {}) {
  auto file = File::open(fixture_path(name));
  EXPECT_TRUE(file) << fixture_path(name);
  auto types = open_dwarf(*file, std::move(symbols));
  EXPECT_TRUE(types) << (types ? "" : types.error().message);
  return std::move(*types);
}

Errc open_error(const std::string& name, std::string* message = nullptr) {
  auto types = open_dwarf(*File::open(fixture_path(name)), {});
  if (types) return Errc::not_applicable;
  if (message != nullptr) *message = types.error().message;
  return types.error().code;
}

Member member_of(const TypeSource& types, const std::string& type, const std::string& member) {
  auto layout = types.find_struct(type);
  EXPECT_TRUE(layout) << type;
  if (!layout) return {};
  auto found = layout->member(member);
  EXPECT_TRUE(found) << type << '.' << member;
  return found ? *found : Member{};
}

class DwarfFixture : public ::testing::TestWithParam<std::string> {};

TEST_P(DwarfFixture, AgreesWithTheCompilerOnEveryOffsetAndSize) {
  const auto types = open_fixture(GetParam());
  testing::expect_truth(*types, GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, DwarfFixture,
                         ::testing::Values("kernel_4_14-dwarf4", "kernel_4_14-dwarf5", "kernel_6-dwarf4",
                                           "kernel_6-dwarf5", "kernel_7-dwarf4", "kernel_7-dwarf5",
                                           "shapes-dwarf4", "shapes-dwarf5", "shapes-dwarf64"),
                         [](const auto& param_info) { return testing::test_name(param_info.param); });

class DwarfShapes : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Versions, DwarfShapes, ::testing::Values("shapes-dwarf4", "shapes-dwarf5"),
                         [](const auto& param_info) { return testing::test_name(param_info.param); });

TEST(DwarfTypes, ListsTheEnumeratorsInTheirOrder) {
  const auto types = open_fixture("kernel_6-dwarf5");
  const auto zones = types->enumerators_of("zone_type");
  ASSERT_TRUE(zones) << zones.error().message;
  ASSERT_EQ(zones->size(), 6U);
  EXPECT_EQ(zones->at(1).name, "ZONE_DMA32");
  EXPECT_EQ(zones->at(5).value, 5);
  EXPECT_EQ(types->enumerators_of("page").error().code, Errc::no_type);
  EXPECT_EQ(types->enumerators_of("pagetype").error().code, Errc::no_type);
}

TEST_P(DwarfShapes, MultipliesTheDimensionsOfArrays) {
  const auto types = open_fixture(GetParam());
  const Member matrix = member_of(*types, "arrays", "matrix");
  EXPECT_EQ(matrix.elements, 15U);
  EXPECT_EQ(matrix.element_size, 4U);
  const Member keys = member_of(*types, "arrays", "keys");
  EXPECT_EQ(keys.elements, 64U);
  EXPECT_EQ(keys.element_size, 1U);
  EXPECT_EQ(member_of(*types, "arrays", "pointers").elements, 7U);
  EXPECT_EQ(member_of(*types, "scalars", "tiny").elements, 1U);
}

TEST_P(DwarfShapes, GivesFlexibleArraysNoElementsAndNoSize) {
  const auto types = open_fixture(GetParam());
  const Member tail = member_of(*types, "arrays", "tail");
  EXPECT_EQ(tail.elements, 0U);
  EXPECT_EQ(tail.size, 0U);
  EXPECT_EQ(tail.element_size, 1U);
  const Member rows = member_of(*types, "two_dimensions_open", "rows");
  EXPECT_EQ(rows.size, 0U);
  EXPECT_EQ(rows.element_size, 2U);
}

TEST_P(DwarfShapes, NamesTypesAsTheSourceDoes) {
  const auto types = open_fixture(GetParam());
  EXPECT_EQ(member_of(*types, "arrays", "heads").type_name, "list_head");
  EXPECT_EQ(member_of(*types, "arrays", "fixed").type_name, "list_head");
  EXPECT_EQ(member_of(*types, "arrays", "locks").type_name, "anonymous_t");
  EXPECT_EQ(member_of(*types, "arrays", "keys").type_name, "byte_t");
  EXPECT_EQ(member_of(*types, "scalars", "reg").type_name, "register_t_");
  EXPECT_EQ(member_of(*types, "scalars", "colour").type_name, "colour");
  EXPECT_EQ(member_of(*types, "scalars", "pointer").type_name, "");
  EXPECT_EQ(member_of(*types, "scalars", "flag").type_name, "");
}

TEST_P(DwarfShapes, MarksBitFieldsAndRefusesToReadThemAsIntegers) {
  const auto types = open_fixture(GetParam());
  const auto bits = types->find_struct("bits");
  ASSERT_TRUE(bits);
  for (const char* name : {"first", "second", "third", "fourth"})
    EXPECT_TRUE(bits->find(name)->is_bitfield()) << name;
  EXPECT_FALSE(bits->find("before")->is_bitfield());
  EXPECT_EQ(bits->find("first")->offset, 4U);
  EXPECT_EQ(bits->find("second")->offset, 4U);
  EXPECT_EQ(bits->field("second").error().code, Errc::no_member);
  EXPECT_EQ(bits->bit_field("before").error().code, Errc::no_member);
  EXPECT_TRUE(bits->field("after"));
}

TEST_P(DwarfShapes, ReadsBitFieldsAsTheCompilerDoes) {
  struct Bits {  // as in shapes.c
    int before;
    unsigned first : 3, second : 29, third : 1;
    unsigned long fourth : 33;
    unsigned char after;
  };
  const auto types = open_fixture(GetParam());
  const auto layout = types->find_struct("bits");
  ASSERT_TRUE(layout);
  ASSERT_EQ(layout->size, sizeof(Bits));
  Bits bits{};
  bits.first = 5;
  bits.second = 0x12345679;
  bits.third = 1;
  bits.fourth = 0x1abcdef01;
  const Bytes bytes = std::as_bytes(std::span(&bits, 1));
  EXPECT_EQ(layout->bit_field("first")->get(bytes), 5U);
  EXPECT_EQ(layout->bit_field("second")->get(bytes), 0x12345679U);
  EXPECT_EQ(layout->bit_field("third")->get(bytes), 1U);
  EXPECT_EQ(layout->bit_field("fourth")->get(bytes), 0x1abcdef01U);
  const bool little = layout->order == ByteOrder::little;
  EXPECT_EQ(layout->bit_field("first")->in_unit(), little ? 7U : 7U << 29);
}

TEST_P(DwarfShapes, ListsMembersOfAnonymousStructsAsItsOwn) {
  const auto types = open_fixture(GetParam());
  const auto nested = types->find_struct("nested");
  ASSERT_TRUE(nested);
  EXPECT_TRUE(nested->has("d"));
  EXPECT_TRUE(nested->has("has_a_name"));
  EXPECT_FALSE(nested->has("inner"));
  EXPECT_FALSE(nested->has("next"));
  EXPECT_FALSE(nested->has(""));
}

TEST_P(DwarfShapes, ReadsUnions) {
  const auto types = open_fixture(GetParam());
  const auto choice = types->find_struct("choice");
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->size, 12U);
  EXPECT_EQ(choice->find("text")->offset, 0U);
}

TEST_P(DwarfShapes, KnowsEnumeratorsOfEitherSign) {
  const auto types = open_fixture(GetParam());
  EXPECT_EQ(types->find_enumerator("colour", "RED"), -5);
  EXPECT_EQ(types->find_enumerator("colour", "GREEN"), -4);
  EXPECT_EQ(types->find_enumerator("colour", "BLUE"), 0x7fffffff);
  EXPECT_EQ(types->find_enumerator("wide", "WIDE_HIGH"), 0xffffffff);
  EXPECT_EQ(types->find_enumerator("wide", "WIDE_TOP"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(types->find_enumerator("narrow", "NARROW_B"), 200);
}

TEST_P(DwarfShapes, LooksForEnumeratorsInTheNamedEnumOnly) {
  const auto types = open_fixture(GetParam());
  EXPECT_EQ(types->find_enumerator("", "LOOSE_MINUS"), -1);
  EXPECT_EQ(types->find_enumerator("", "TYPEDEFED_SEVEN"), 7);
  EXPECT_EQ(types->find_enumerator("", "RED").error().code, Errc::no_type);
  EXPECT_EQ(types->find_enumerator("narrow", "RED").error().code, Errc::no_type);
  EXPECT_EQ(types->find_enumerator("colour", "LOOSE_HUNDRED").error().code, Errc::no_type);
  EXPECT_EQ(types->find_enumerator("nested", "RED").error().code, Errc::no_type);
}

TEST_P(DwarfShapes, TellsEnumsFromStructsOfTheSameNameSpace) {
  const auto types = open_fixture(GetParam());
  EXPECT_TRUE(types->has_enum("colour"));
  EXPECT_FALSE(types->has_enum("nested"));
  EXPECT_EQ(types->find_struct("colour").error().code, Errc::no_type);
}

TEST_P(DwarfShapes, DoesNotKnowWhatIsOnlyDeclared) {
  const auto types = open_fixture(GetParam());
  EXPECT_EQ(types->find_struct("only_declared").error().code, Errc::no_type);
  EXPECT_EQ(types->find_struct("").error().code, Errc::no_type);
}

TEST_P(DwarfShapes, CountsParametersOfDefinitions) {
  const auto types = open_fixture(GetParam());
  EXPECT_EQ(types->parameter_count("inlined"), 2U);
  EXPECT_EQ(types->parameter_count("no_parameters"), 0U);
  EXPECT_EQ(types->parameter_count("variadic"), 1U);
  EXPECT_EQ(types->parameter_count("nowhere").error().code, Errc::no_type);
}

TEST(Dwarf, CarriesItsOriginAndByteOrder) {
  const auto types = open_fixture("kernel_6-dwarf5");
  const auto layout = types->find_struct("mem_section");
  ASSERT_TRUE(layout);
  EXPECT_EQ(types->origin(), "dwarf");
  EXPECT_EQ(layout->origin, "dwarf");
  EXPECT_EQ(layout->name, "mem_section");
  EXPECT_EQ(layout->order, host_byte_order);
}

TEST(Dwarf, TellsTheKernelsApartThatTheFixturesStandFor) {
  const auto old = open_fixture("kernel_4_14-dwarf4");
  const auto middle = open_fixture("kernel_6-dwarf5");
  const auto recent = open_fixture("kernel_7-dwarf5");
  EXPECT_FALSE(old->find_struct("mem_section_usage"));
  EXPECT_TRUE(old->find_struct("mem_section")->has("pageblock_flags"));
  EXPECT_EQ(old->parameter_count("get_pfnblock_flags_mask"), 4U);
  EXPECT_EQ(middle->parameter_count("get_pfnblock_flags_mask"), 3U);
  EXPECT_EQ(middle->find_enumerator("pageblock_bits", "NR_PAGEBLOCK_BITS"), 4);
  EXPECT_FALSE(recent->find_enumerator("pageblock_bits", "NR_PAGEBLOCK_BITS"));
  EXPECT_EQ(recent->find_enumerator("pageblock_bits", "__NR_PAGEBLOCK_BITS"), 5);
  EXPECT_EQ(middle->find_enumerator("", "SECTION_MAP_LAST_BIT"), 5);
  EXPECT_EQ(recent->find_enumerator("", "SECTION_MAP_LAST_BIT"), 6);
  EXPECT_TRUE(recent->has_enum("memory_block_state"));
  EXPECT_FALSE(middle->has_enum("memory_block_state"));
  EXPECT_EQ(member_of(*recent, "page", "flags").type_name, "memdesc_flags_t");
  EXPECT_EQ(member_of(*middle, "zone", "managed_pages").type_name, "atomic_long_t");
}

AddressLookup symbols_of(const std::string& name) {
  auto table = open_elf_symtab(*File::open(fixture_path(name)));
  EXPECT_TRUE(table);
  const std::shared_ptr<SymbolSource> shared = std::move(*table);
  return [shared](std::string_view symbol) { return shared->address_of(symbol); };
}

TEST(DwarfAnchors, LeadToTheUnitsAndTheFirstOneWins) {
  const auto types = open_fixture("two_units", symbols_of("two_units"));
  EXPECT_EQ(types->find_struct("zone")->size, 8U);
  EXPECT_EQ(types->find_struct("memory_block")->size, 16U);
  EXPECT_EQ(types->find_enumerator("memory_block_state", "MEM_OFFLINE"), 2);
  EXPECT_EQ(types->parameter_count("memory_dev_init"), 2U);
}

TEST(DwarfAnchors, AreReplacedByUnitNamesWithoutSymbols) {
  const auto types = open_fixture("two_units");
  EXPECT_EQ(types->find_struct("zone")->size, 8U);
  EXPECT_EQ(types->find_struct("memory_block")->size, 16U);
}

TEST(DwarfAnchors, ThatPointNowhereAreReplacedByUnitNames) {
  const auto types = open_fixture("two_units", [](std::string_view) { return VirtAddr(0x10); });
  EXPECT_EQ(types->find_struct("memory_block")->size, 16U);
}

TEST(DwarfAnchors, OfAFileThatSeemsNotToBeBuiltInAreReplacedByALookAtAllUnits) {
  const auto symbols = symbols_of("two_units");
  const auto types = open_fixture("two_units", [&symbols](std::string_view name) {
    return name == "memory_dev_init" ? std::nullopt : symbols(name);
  });
  EXPECT_EQ(types->find_struct("zone")->size, 8U);
  EXPECT_EQ(types->find_struct("memory_block")->size, 16U);
}

TEST(DwarfAnchors, AreAskedForOncePerSourceFileWhateverIsMissing) {
  int asked = 0;
  const auto symbols = symbols_of("two_units");
  const auto types = open_fixture("two_units", [&](std::string_view name) {
    ++asked;
    return symbols(name);
  });
  EXPECT_FALSE(types->find_struct("nowhere"));
  const int before = asked;
  EXPECT_FALSE(types->find_struct("nowhere_else"));
  EXPECT_EQ(asked, before);
}

TEST(Dwarf, SaysWhatItCannotRead) {
  std::string message;
  EXPECT_EQ(open_error("shapes-without-debug", &message), Errc::no_type);
  EXPECT_THAT(message, HasSubstr(".debug_info"));
}

TEST(Dwarf, SaysTheSameOfCompressedSections) {
  const auto plain = open_fixture("shapes-dwarf5");
  for (const char* name : {"shapes-zlib", "shapes-zlib-gnu", "shapes-zstd"}) {
    const auto packed = open_fixture(name);
    for (const char* type : {"arrays", "scalars", "bits", "nested", "choice"}) {
      const auto want = plain->find_struct(type);
      const auto got = packed->find_struct(type);
      ASSERT_EQ(want.has_value(), got.has_value()) << name << " " << type;
      if (!want) continue;
      EXPECT_EQ(want->size, got->size) << name;
      ASSERT_EQ(want->members.size(), got->members.size()) << name;
      for (std::size_t i = 0; i < want->members.size(); ++i) {
        EXPECT_EQ(want->members[i].name, got->members[i].name) << name;
        EXPECT_EQ(want->members[i].offset, got->members[i].offset) << name;
      }
    }
  }
}

TEST(Dwarf, RefusesObjectFilesThatAreNotLinkedYet) {
  std::string bytes = file_bytes(fixture_path("kernel_6-dwarf5"));
  bytes[16] = static_cast<char>(host_byte_order == ByteOrder::little ? 1 : 0);  // e_type: ET_REL
  bytes[17] = static_cast<char>(host_byte_order == ByteOrder::little ? 0 : 1);
  const auto types = open_dwarf(file_of(bytes), {});
  ASSERT_FALSE(types);
  EXPECT_EQ(types.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace memsect
