#include "types/btf.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/expect_truth.h"
#include "support/type_fixture.h"
#include "types/dwarf.h"

namespace memsect {
namespace {

using testing::file_bytes;
using testing::file_of;
using testing::fixture_path;
using ::testing::HasSubstr;

// The numbers of linux/btf.h.
enum Kind : std::uint32_t {
  kind_int = 1,
  kind_ptr = 2,
  kind_array = 3,
  kind_struct = 4,
  kind_union = 5,
  kind_enum = 6,
  kind_fwd = 7,
  kind_typedef = 8,
  kind_const = 10,
  kind_func = 12,
  kind_func_proto = 13,
  kind_type_tag = 18,
  kind_enum64 = 19,
};
constexpr std::uint32_t kind_flag = 0x80000000;

/// Writes BTF by hand: what no compiler would. Types are numbered from 1 in the order they are added.
class BtfWriter {
 public:
  explicit BtfWriter(ByteOrder order = host_byte_order) : order_(order) {}

  std::uint32_t string(const std::string& text) {
    if (text.empty()) return 0;
    strings_ += text + '\0';
    return static_cast<std::uint32_t>(strings_.size() - text.size() - 1);
  }
  /// `rest`: the words behind the first three.
  std::uint32_t type(std::uint32_t kind, const std::string& name, std::uint32_t entries,
                     std::uint32_t size_or_type, std::vector<std::uint32_t> rest = {}) {
    const std::uint32_t flag = kind & kind_flag;
    for (const std::uint32_t word : {string(name), flag | (kind & ~kind_flag) << 24 | entries, size_or_type})
      types_.push_back(word);
    types_.insert(types_.end(), rest.begin(), rest.end());
    return ++count_;
  }
  std::uint32_t number(const std::string& name, std::uint32_t size) {
    return type(kind_int, name, 0, size, {8 * size});
  }

  std::vector<std::byte> bytes() const {
    std::vector<std::byte> out;
    put(out, 0xeb9f, 2);
    put(out, 1, 1);
    put(out, 0, 1);
    const auto types_size = static_cast<std::uint32_t>(4 * types_.size());
    for (const std::uint32_t word : {std::uint32_t{24}, std::uint32_t{0}, types_size, types_size,
                                     static_cast<std::uint32_t>(strings_.size())})
      put(out, word, 4);
    for (const std::uint32_t word : types_) put(out, word, 4);
    for (const char c : strings_) out.push_back(static_cast<std::byte>(c));
    return out;
  }

 private:
  void put(std::vector<std::byte>& out, std::uint32_t value, unsigned size) const {
    for (unsigned i = 0; i < size; ++i)
      out.push_back(static_cast<std::byte>(value >> 8 * (order_ == ByteOrder::little ? i : size - 1 - i)));
  }

  ByteOrder order_;
  std::uint32_t count_ = 0;
  std::vector<std::uint32_t> types_;
  std::string strings_ = std::string(1, '\0');
};

std::unique_ptr<TypeSource> parse(const BtfWriter& writer, unsigned pointer_size = 8) {
  auto types = parse_btf(writer.bytes(), pointer_size);
  EXPECT_TRUE(types) << (types ? "" : types.error().message);
  return types ? std::move(*types) : nullptr;
}

/// struct zone { count_t pages; union { int a; short b[3][2]; }; __rcu struct zone* next; int x : 3; }, some
/// enums, and printk(int format, ...). What is referred to before it is there has a number relative to
/// `both`.
BtfWriter sample(ByteOrder order) {
  BtfWriter writer(order);
  const auto number = writer.number("long", 8);
  const auto small = writer.number("int", 4);
  const auto tiny = writer.number("short", 2);
  const auto row = writer.type(kind_array, "", 0, 0, {tiny, small, 2});
  const auto rows = writer.type(kind_array, "", 0, 0, {row, small, 3});
  const auto both =
      writer.type(kind_union, "", 2, 12, {writer.string("a"), small, 0, writer.string("b"), rows, 0});
  const auto tag = writer.type(kind_type_tag, "rcu", 0, both + 2);
  const auto zone = writer.type(kind_struct | kind_flag, "zone", 4, 40,
                                {writer.string("pages"), both + 3, 0, 0, both, 64, writer.string("next"),
                                 both + 4, 192, writer.string("x"), small, 3U << 24 | 256});
  EXPECT_EQ(tag + 1, zone);
  writer.type(kind_typedef, "count_t", 0, number);
  writer.type(kind_ptr, "", 0, tag);
  writer.type(kind_enum | kind_flag, "state", 2, 4,
              {writer.string("OFF"), 0xffffffff, writer.string("ON"), 1});
  writer.type(kind_enum, "", 1, 4, {writer.string("LOOSE"), 0xffffffff});
  writer.type(kind_enum64 | kind_flag, "wide", 1, 8, {writer.string("TOP"), 5, 0x80000000});
  const auto prototype = writer.type(kind_func_proto, "", 2, 0, {writer.string("format"), small, 0, 0});
  writer.type(kind_func, "printk", 1, prototype);
  return writer;
}

class BtfSample : public ::testing::TestWithParam<ByteOrder> {};
INSTANTIATE_TEST_SUITE_P(Orders, BtfSample, ::testing::Values(ByteOrder::little, ByteOrder::big),
                         [](const auto& instance) {
                           return instance.param == ByteOrder::little ? "little" : "big";
                         });

TEST_P(BtfSample, ReadsEveryKindOfType) {
  const auto types = parse(sample(GetParam()));
  ASSERT_TRUE(types);
  const auto zone = types->find_struct("zone");
  ASSERT_TRUE(zone) << zone.error().message;
  EXPECT_EQ(zone->size, 40U);
  EXPECT_EQ(zone->order, GetParam());
  EXPECT_EQ(zone->origin, "btf");
  EXPECT_EQ(zone->members.size(), 5U);
  EXPECT_EQ(zone->find("pages")->type_name, "count_t");
  EXPECT_EQ(zone->find("b")->offset, 8U);
  EXPECT_EQ(zone->find("b")->elements, 6U);
  EXPECT_EQ(zone->find("next")->size, 8U);
  EXPECT_TRUE(zone->find("x")->is_bitfield());
  EXPECT_EQ(zone->find("x")->offset, 32U);
  EXPECT_EQ(types->find_enumerator("state", "OFF"), -1);
  EXPECT_EQ(types->find_enumerator("", "LOOSE"), 0xffffffff);
  EXPECT_EQ(types->find_enumerator("wide", "TOP"), std::numeric_limits<std::int64_t>::min() + 5);
  const auto wide = types->enumerators_of("wide");
  ASSERT_TRUE(wide) << wide.error().message;
  EXPECT_EQ(wide->back().name, "TOP");
  EXPECT_EQ(wide->back().value, std::numeric_limits<std::int64_t>::min() + 5);
  EXPECT_EQ(types->enumerators_of("").error().code, Errc::no_type);
  EXPECT_EQ(types->enumerators_of("zone").error().code, Errc::no_type);
  EXPECT_EQ(types->parameter_count("printk"), 1U);
}

/// Asks for all there may be in a damaged sample.
unsigned count_answers(const TypeSource& types) {
  unsigned answers = 0;
  for (const char* name : {"zone", "wide", "z", ""}) answers += types.find_struct(name).has_value();
  for (const char* name : {"state", "", "wide"}) answers += types.find_enumerator(name, "ON").has_value();
  return answers + types.has_enum("state") + types.parameter_count("printk").has_value();
}

TEST_P(BtfSample, SurvivesDamageToAnyOfItsBytes) {
  const auto sound = sample(GetParam()).bytes();
  unsigned refused = 0;
  unsigned changed = 0;
  const unsigned answers = count_answers(**parse_btf(sound, 8));
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x02U, 0x04U, 0x08U, 0x10U, 0x40U, 0x80U, 0xffU}) {
      auto damaged = sound;
      damaged[at] ^= static_cast<std::byte>(flip);
      const auto types = parse_btf(damaged, 8);
      if (!types) {
        ++refused;
      } else if (count_answers(**types) != answers) {
        ++changed;
      }
    }
  }
  EXPECT_GT(refused, 100U);
  EXPECT_GT(changed, 100U);
}

TEST_P(BtfSample, IsRefusedWhenItIsCutShort) {
  const auto sound = sample(GetParam()).bytes();
  for (std::size_t size = 0; size < sound.size(); ++size) {
    const auto types = parse_btf(Bytes(sound).first(size), 8);
    ASSERT_FALSE(types) << size;
    EXPECT_EQ(types.error().code, Errc::corrupt);
  }
}

TEST(Btf, TakesThePointerSizeFromItsCaller) {
  BtfWriter writer;
  const auto pointer = writer.type(kind_ptr, "", 0, 0);
  writer.type(kind_struct, "node", 1, 8, {writer.string("next"), pointer, 0});
  EXPECT_EQ(parse(writer, 4)->find_struct("node")->find("next")->size, 4U);
  EXPECT_EQ(parse(writer, 8)->find_struct("node")->find("next")->size, 8U);
}

TEST(Btf, PrefersTheStructThatHasMembers) {
  BtfWriter writer;
  writer.type(kind_fwd, "zone", 0, 0);
  writer.type(kind_struct, "zone", 0, 0);
  const auto number = writer.number("int", 4);
  writer.type(kind_struct, "zone", 1, 4, {writer.string("id"), number, 0});
  writer.type(kind_struct, "zone", 1, 8, {writer.string("other"), number, 0});
  writer.type(kind_fwd, "page", 0, 0);
  const auto types = parse(writer);
  EXPECT_TRUE(types->find_struct("zone")->has("id"));
  EXPECT_EQ(types->find_struct("page").error().code, Errc::no_type);
}

TEST(Btf, TakesEnumsForSignedWhereSignsAreNotMarked) {
  BtfWriter old;
  old.type(kind_enum, "node", 1, 4, {old.string("NO_NODE"), 0xffffffff});
  EXPECT_EQ(parse(old)->find_enumerator("node", "NO_NODE"), -1);
  BtfWriter recent = old;
  recent.type(kind_enum | kind_flag, "other", 1, 4, {recent.string("MINUS"), 0xffffffff});
  EXPECT_EQ(parse(recent)->find_enumerator("node", "NO_NODE"), 0xffffffff);
  EXPECT_EQ(parse(recent)->find_enumerator("other", "MINUS"), -1);
}

TEST(Btf, DoesNotChooseBetweenAnonymousEnumsThatContradictEachOther) {
  BtfWriter writer;
  writer.type(kind_enum, "", 2, 4, {writer.string("CLEAR"), 1, writer.string("FLAG"), 1});
  writer.type(kind_enum, "", 2, 4, {writer.string("CLEAR"), 1, writer.string("FLAG"), 2});
  const auto types = parse(writer);
  EXPECT_EQ(types->find_enumerator("", "CLEAR"), 1);
  EXPECT_EQ(types->find_enumerator("", "FLAG").error().code, Errc::unsupported);
  EXPECT_EQ(types->find_enumerator("", "ABSENT").error().code, Errc::no_type);
}

TEST(Btf, ReadsTheBitFieldsOfOldKernels) {
  BtfWriter writer;
  const auto three_bits = writer.type(kind_int, "unsigned int", 0, 4, {3});
  const auto shifted = writer.type(kind_int, "unsigned int", 0, 4, {32U << 16 | 5});
  writer.type(kind_struct, "bits", 2, 8, {writer.string("a"), three_bits, 5, writer.string("b"), shifted, 0});
  const auto bits = parse(writer)->find_struct("bits");
  ASSERT_TRUE(bits);
  EXPECT_TRUE(bits->find("a")->is_bitfield());
  EXPECT_EQ(bits->find("a")->offset, 0U);
  EXPECT_TRUE(bits->find("b")->is_bitfield());
  EXPECT_EQ(bits->find("b")->offset, 4U);
}

TEST(Btf, RefusesTypesWithoutEnd) {
  BtfWriter writer;
  writer.type(kind_typedef, "a", 0, 2);
  writer.type(kind_const, "", 0, 1);
  writer.type(kind_array, "", 0, 0, {3, 3, 1});
  writer.type(kind_struct, "", 2, 8, {0, 4, 0, 0, 4, 0});
  writer.type(kind_struct, "aliases", 1, 8, {writer.string("m"), 1, 0});
  writer.type(kind_struct, "arrays", 1, 8, {writer.string("m"), 3, 0});
  writer.type(kind_struct, "structs", 1, 8, {0, 4, 0});
  const auto types = parse(writer);
  for (const char* name : {"aliases", "arrays", "structs"}) {
    const auto layout = types->find_struct(name);
    ASSERT_FALSE(layout) << name;
    EXPECT_EQ(layout.error().code, Errc::corrupt) << name;
    EXPECT_THAT(layout.error().message, HasSubstr("without end")) << name;
  }
}

TEST(Btf, RefusesTypesThatAreNotThere) {
  BtfWriter writer;
  writer.type(kind_struct, "beyond", 1, 8, {writer.string("m"), 1000, 0});
  const auto types = parse_btf(writer.bytes(), 8);
  if (!types) return;  // libbpf 1.3 and newer look at every reference while loading
  EXPECT_THAT((*types)->find_struct("beyond").error().message, HasSubstr("type 1000"));
}

TEST(Btf, BoundsWhatAStructOfStructsOfStructsCosts) {
  BtfWriter writer;
  std::uint32_t inner = writer.number("int", 4);
  for (unsigned level = 0; level < 30; ++level)
    inner = writer.type(kind_struct, "", 3, 4, {0, inner, 0, 0, inner, 0, 0, inner, 0});
  writer.type(kind_struct, "doubling", 1, 4, {0, inner, 0});
  EXPECT_EQ(parse(writer)->find_struct("doubling").error().code, Errc::corrupt);
}

TEST(Btf, RefusesMembersThatDoNotFitTheirStruct) {
  BtfWriter writer;
  const auto number = writer.number("int", 4);
  auto huge = writer.type(kind_array, "", 0, 0, {number, number, 0xffffffff});
  huge = writer.type(kind_array, "", 0, 0, {huge, number, 0xffffffff});
  huge = writer.type(kind_array, "", 0, 0, {huge, number, 0xffffffff});
  const auto open = writer.type(kind_array, "", 0, 0, {number, number, 0});
  const auto add = [&](const char* name, std::uint32_t type, std::uint32_t bit) {
    writer.type(kind_struct, name, 1, 8, {writer.string("m"), type, bit});
  };
  add("at_the_end", number, 32);
  add("one_too_far", number, 40);
  add("far_away", number, 0xfffffff8);
  add("between_bytes", number, 3);
  add("too_many", huge, 0);
  add("open_end", open, 64);
  add("open_beyond", open, 72);
  add("of_void", 0, 0);
  const auto types = parse(writer);
  EXPECT_TRUE(types->find_struct("at_the_end"));
  EXPECT_TRUE(types->find_struct("open_end"));
  for (const char* name :
       {"one_too_far", "far_away", "between_bytes", "too_many", "open_beyond", "of_void"}) {
    const auto layout = types->find_struct(name);
    ASSERT_FALSE(layout) << name;
    EXPECT_EQ(layout.error().code, Errc::corrupt) << name;
    EXPECT_THAT(layout.error().message, HasSubstr(name)) << name;
  }
}

TEST(Btf, CountsParametersOfDefinitionsOnly) {
  BtfWriter writer;
  const auto number = writer.number("int", 4);
  const auto none = writer.type(kind_func_proto, "", 0, 0);
  const auto one = writer.type(kind_func_proto, "", 1, 0, {writer.string("a"), number});
  writer.type(kind_func, "f", 2, none);
  writer.type(kind_func, "f", 0, one);
  writer.type(kind_func, "declared", 2, none);
  writer.type(kind_func, "damaged", 0, number);
  writer.type(kind_func, "", 0, none);
  const auto types = parse(writer);
  EXPECT_EQ(types->parameter_count("f"), 1U);
  EXPECT_EQ(types->parameter_count("declared").error().code, Errc::no_type);
  EXPECT_EQ(types->parameter_count("damaged").error().code, Errc::corrupt);
  EXPECT_EQ(types->parameter_count("").error().code, Errc::no_type);
}

TEST(Btf, RefusesTypesThatAreNotAligned) {  // libbpf would read them all the same
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    for (const std::size_t field : {4U, 8U}) {  // the length of the header, the place of the types
      auto bytes = sample(order).bytes();
      bytes.insert(bytes.begin() + 24, std::byte(0));
      ++reinterpret_cast<unsigned char&>(bytes[order == ByteOrder::little ? field : field + 3]);
      const auto types = parse_btf(bytes, 8);
      ASSERT_FALSE(types);
      EXPECT_EQ(types.error().message, "the types of the BTF are not aligned");
    }
  }
}

TEST(Btf, SaysWhatAFileLacks) {
  EXPECT_EQ(open_btf(file_of("no ELF file at all")).error().code, Errc::bad_format);
  EXPECT_EQ(open_btf(*File::open(fixture_path("shapes-without-debug"))).error().code, Errc::no_type);
}

#ifdef MEMSECT_BTF_FIXTURES
class BtfFixture : public ::testing::TestWithParam<std::string> {
 protected:
  std::string path() const { return fixture_path("btf/" + GetParam()); }
  std::unique_ptr<TypeSource> open() const {
    auto types = open_btf(*File::open(path()));
    EXPECT_TRUE(types) << (types ? "" : types.error().message);
    return std::move(*types);
  }
};
INSTANTIATE_TEST_SUITE_P(All, BtfFixture, ::testing::Values("kernel_4_14", "kernel_6", "kernel_7", "shapes"),
                         [](const auto& instance) { return instance.param; });

TEST_P(BtfFixture, AgreesWithTheCompilerOnEveryOffsetAndSize) {
  const auto types = open();
  testing::expect_truth(*types, "btf/" + GetParam());
}

TEST_P(BtfFixture, AgreesWithDwarfOnEveryMember) {
  const auto types = open();
  const auto dwarf = open_dwarf(*File::open(path()), {});
  ASSERT_TRUE(dwarf) << dwarf.error().message;
  for (const char* name : {"mem_section", "mem_section_usage",
                           "page",        "zone",
                           "pglist_data", "memory_block",
                           "zonelist",    "xarray",
                           "xa_node",     "free_area",
                           "arrays",      "scalars",
                           "bits",        "nested",
                           "empty",       "two_dimensions_open",
                           "choice",      "only_declared",
                           "colour",      "nowhere"}) {
    const auto ours = types->find_struct(name);
    const auto theirs = (*dwarf)->find_struct(name);
    ASSERT_EQ(ours.has_value(), theirs.has_value()) << name;
    if (!ours) {
      EXPECT_EQ(ours.error().code, theirs.error().code) << name;
      continue;
    }
    EXPECT_EQ(ours->size, theirs->size) << name;
    EXPECT_EQ(ours->name, theirs->name);
    EXPECT_EQ(ours->order, theirs->order);
    ASSERT_EQ(ours->members.size(), theirs->members.size()) << name;
    for (std::size_t i = 0; i < ours->members.size(); ++i) {
      const Member& a = ours->members[i];
      const Member& b = theirs->members[i];
      EXPECT_EQ(std::tie(a.name, a.offset, a.size, a.element_size, a.elements, a.type_name, a.bit_size,
                         a.first_bit),
                std::tie(b.name, b.offset, b.size, b.element_size, b.elements, b.type_name, b.bit_size,
                         b.first_bit))
          << name << '.' << b.name;
    }
  }
}

TEST_P(BtfFixture, AgreesWithDwarfOnEnumeratorsAndFunctions) {
  const auto types = open();
  const auto dwarf = open_dwarf(*File::open(path()), {});
  ASSERT_TRUE(dwarf) << dwarf.error().message;
  const std::vector<std::pair<const char*, const char*>> enumerators = {
      {"migratetype", "MIGRATE_ISOLATE"},
      {"zone_type", "ZONE_DEVICE"},
      {"pageflags", "PG_reserved"},
      {"pageblock_bits", "PB_migrate"},
      {"", "SECTION_MAP_LAST_BIT"},
      {"colour", "RED"},
      {"narrow", "NARROW_B"},
      {"", "LOOSE_MINUS"},
      {"", "TYPEDEFED_SEVEN"},
      {"", "RED"},
      {"colour", "LOOSE_MINUS"},
      {"nested", "RED"},
      {"memory_block_state", "MEM_OFFLINE"}};
  for (const auto& [enumeration, enumerator] : enumerators) {
    const auto ours = types->find_enumerator(enumeration, enumerator);
    const auto theirs = (*dwarf)->find_enumerator(enumeration, enumerator);
    ASSERT_EQ(ours.has_value(), theirs.has_value()) << enumerator;
    if (ours) {
      EXPECT_EQ(*ours, *theirs) << enumerator;
    } else {
      EXPECT_EQ(ours.error().code, Errc::no_type) << enumerator;
    }
    EXPECT_EQ(types->has_enum(enumeration), (*dwarf)->has_enum(enumeration)) << enumeration;
  }
  for (const char* function : {"build_all_zonelists", "get_pfnblock_flags_mask", "memory_dev_init",
                               "variadic", "inlined", "no_parameters", "nowhere"}) {
    const auto ours = types->parameter_count(function);
    const auto theirs = (*dwarf)->parameter_count(function);
    ASSERT_EQ(ours.has_value(), theirs.has_value()) << function;
    if (ours) {
      EXPECT_EQ(*ours, *theirs) << function;
    }
  }
}

TEST(Btf, IsNotReadFromObjectFilesOrBeyondTheEndOfTheFile) {
  const std::string sound = file_bytes(fixture_path("btf/shapes"));
  std::string object = sound;
  const std::uint16_t relocatable = ET_REL;
  std::memcpy(object.data() + offsetof(Elf64_Ehdr, e_type), &relocatable, sizeof relocatable);
  EXPECT_EQ(open_btf(file_of(object)).error().code, Errc::unsupported);

  const std::string magic = host_byte_order == ByteOrder::little ? "\x9f\xeb\x01" : "\xeb\x9f\x01";
  std::string damaged = sound;
  damaged[damaged.find(magic)] ^= 0x10;
  const auto types = open_btf(file_of(damaged));
  ASSERT_FALSE(types);
  EXPECT_EQ(types.error().code, Errc::corrupt);
  EXPECT_THAT(types.error().message, HasSubstr(".BTF"));
}
#endif

}  // namespace
}  // namespace memsect
