#include "decode/xarray.h"

#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using test::FakeMemory;

/// Virtual addresses are physical ones.
class Identity final : public Translator {
 public:
  Result<Mapping> mapping_at(VirtAddr at) const override {
    return Mapping{at, 0 - at.raw(), PhysAddr(at.raw())};
  }
};

/// A tree at hand: the struct xarray at 0x1000, nodes wherever a test puts them.
class Xarray : public ::testing::Test {
 protected:
  Xarray() : fake_("fake_6") { memory_.add({PhysAddr(0x1000), 4096}); }

  void set_head(std::uint64_t entry) { put(0x1000, "xarray", "xa_head", entry); }
  /// Makes a node and returns the entry that leads to it.
  std::uint64_t node(std::uint64_t at, std::uint64_t shift) {
    memory_.add({PhysAddr(at), fake_.layout("xa_node").size});
    put(at, "xa_node", "shift", shift);
    return at + 2;
  }
  void set_slot(std::uint64_t at, std::uint64_t slot, std::uint64_t entry) {
    memory_.write_u64(PhysAddr(at + fake_.layout("xa_node").find("slots")->offset + 8 * slot), entry);
  }
  XarrayContent walk() {
    auto content = walk_xarray(AddressSpace(memory_, identity_), fake_.types(), VirtAddr(0x1000));
    EXPECT_TRUE(content) << content.error().message;
    return content ? *content : XarrayContent();
  }
  std::map<std::uint64_t, std::uint64_t> entries(const XarrayContent& content) {
    std::map<std::uint64_t, std::uint64_t> found;
    for (const XarrayEntry& entry : content.entries) found[entry.index] = entry.pointer.raw();
    return found;
  }

  FakeKernel fake_;
  FakeMemory memory_;
  Identity identity_;

 private:
  void put(std::uint64_t at, const char* type, const char* member, std::uint64_t value) {
    const auto field = fake_.layout(type).field(member);
    memory_.write_unsigned(PhysAddr(at + field->offset()), value, field->size());
  }
};

using Entries = std::map<std::uint64_t, std::uint64_t>;

TEST_F(Xarray, IsEmptyWithoutAHead) {
  EXPECT_TRUE(walk().entries.empty());
  EXPECT_TRUE(walk().failures.empty());
}

TEST_F(Xarray, KeepsASingleEntryAtIndex0InItsHead) {
  set_head(0x5000);
  EXPECT_EQ(entries(walk()), (Entries{{0, 0x5000}}));
}

TEST_F(Xarray, NumbersItsEntriesThroughAllLevels) {
  set_head(node(0x2000, 12));
  set_slot(0x2000, 1, node(0x3000, 6));
  set_slot(0x2000, 2, 0x9000);  // an entry may stand above the lowest level
  set_slot(0x3000, 0, node(0x4000, 0));
  set_slot(0x3000, 3, node(0x5000, 0));
  set_slot(0x4000, 0, 0xa000);
  set_slot(0x4000, 63, 0xb000);
  set_slot(0x5000, 5, 0xc000);
  const auto content = walk();
  EXPECT_EQ(entries(content),
            (Entries{{4096, 0xa000}, {4096 + 63, 0xb000}, {4096 + 3 * 64 + 5, 0xc000}, {8192, 0x9000}}));
  EXPECT_TRUE(content.failures.empty());
}

TEST_F(Xarray, HoldsValuesSiblingsAndRetriesThatAreNoPointers) {
  set_head(node(0x2000, 0));
  set_slot(0x2000, 0, 0x7001);          // a value
  set_slot(0x2000, 1, (3 << 2) | 2);    // a sibling of slot 3
  set_slot(0x2000, 2, (256 << 2) | 2);  // retry
  set_slot(0x2000, 3, 0xa000);
  const auto content = walk();
  EXPECT_EQ(entries(content), (Entries{{3, 0xa000}}));
  EXPECT_TRUE(content.failures.empty());
}

TEST_F(Xarray, StandsForNothingWhereANodeIsNotInTheDump) {
  set_head(node(0x2000, 6));
  set_slot(0x2000, 0, 0xdead0000 + 2);
  set_slot(0x2000, 1, node(0x3000, 0));
  set_slot(0x3000, 7, 0xa000);
  const auto content = walk();
  EXPECT_EQ(entries(content), (Entries{{64 + 7, 0xa000}}));
  ASSERT_EQ(content.failures.size(), 1U);
  EXPECT_NE(content.failures[0].find("0xdead0000"), std::string::npos);
}

TEST_F(Xarray, StopsAtNodesThatLeadBack) {
  set_head(node(0x2000, 6));
  set_slot(0x2000, 0, node(0x3000, 6));  // its shift does not fall
  set_slot(0x2000, 1, 0x2000 + 2);       // the root itself
  const auto content = walk();
  EXPECT_TRUE(content.entries.empty());
  EXPECT_EQ(content.failures.size(), 2U);
}

TEST_F(Xarray, ReachesEachNodeOnce) {
  // Ten levels whose slots all lead to the one node below: 64^10 ways to the bottom.
  set_head(node(0x10000, 54));
  for (std::uint64_t level = 0; level < 9; ++level) {
    const std::uint64_t at = 0x10000 + level * 0x1000;
    const std::uint64_t below = node(at + 0x1000, 48 - 6 * level);
    for (std::uint64_t slot = 0; slot < 64; ++slot) set_slot(at, slot, below);
  }
  set_slot(0x19000, 0, 0xa000);
  const auto content = walk();
  EXPECT_EQ(content.entries.size(), 1U);
  EXPECT_FALSE(content.failures.empty());
  EXPECT_LE(content.failures.size(), 16U);
}

/// The types of a unit that never looks into an xarray.
struct WithoutNodes final : TypeSource {
  explicit WithoutNodes(const TypeSource& all) : all_(all) {}
  std::string_view origin() const override { return all_.origin(); }
  Result<StructLayout> find_struct(std::string_view name) const override {
    if (name == "xa_node") return Error{Errc::no_type, "struct xa_node", {}};
    return all_.find_struct(name);
  }
  Result<std::int64_t> find_enumerator(std::string_view type, std::string_view name) const override {
    return all_.find_enumerator(type, name);
  }
  bool has_enum(std::string_view name) const override { return all_.has_enum(name); }
  Result<unsigned> parameter_count(std::string_view name) const override {
    return all_.parameter_count(name);
  }

 private:
  const TypeSource& all_;
};

TEST_F(Xarray, IsReadAsEveryReleaseHasItWhereNobodyDescribesItsNodes) {
  set_head(node(0x2000, 6));
  set_slot(0x2000, 3, node(0x3000, 0));
  set_slot(0x3000, 5, 0xa000);
  const WithoutNodes types(fake_.types());
  const auto content = walk_xarray(AddressSpace(memory_, identity_), types, VirtAddr(0x1000));
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_EQ(entries(*content), (Entries{{3 * 64 + 5, 0xa000}}));
  EXPECT_TRUE(content->assumed_layout);
  EXPECT_FALSE(walk().assumed_layout);
}

TEST_F(Xarray, IsAnErrorWhereItsHeadIsNotInTheDump) {
  const FakeMemory nothing;
  const auto content = walk_xarray(AddressSpace(nothing, identity_), fake_.types(), VirtAddr(0x1000));
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Errc::not_in_dump);
}

}  // namespace
}  // namespace memsect
