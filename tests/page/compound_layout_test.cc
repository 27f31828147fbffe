// Where compound pages count their pins, in layouts of kernels that no fixture stands for.
#include "page/compound_layout.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace memsect {
namespace {

/// A kernel whose struct page, of 64 bytes, has these members of 4 bytes.
struct Pages final : TypeSource {
  std::map<std::string, StructLayout> structs;

  explicit Pages(const std::string& member, std::uint64_t offset) { add("page", 64, member, offset); }
  void add(const std::string& type, std::uint64_t size, const std::string& member, std::uint64_t offset) {
    StructLayout& layout = structs[type];
    layout.name = type;
    layout.size = size;
    layout.members.push_back({member, offset, 4, 4, 1, {}, false});
  }

  std::string_view origin() const override { return "fake"; }
  Result<StructLayout> find_struct(std::string_view name) const override {
    const auto found = structs.find(std::string(name));
    if (found == structs.end()) return Error{Errc::no_type, std::string(name), {}};
    return found->second;
  }
  Result<std::int64_t> find_enumerator(std::string_view, std::string_view name) const override {
    return Error{Errc::no_type, std::string(name), {}};
  }
  bool has_enum(std::string_view) const override { return false; }
  Result<unsigned> parameter_count(std::string_view name) const override {
    return Error{Errc::no_type, std::string(name), {}};
  }
};

TEST(CompoundLayout, CountsPinsInTheThirdPageUpTo517) {
  const auto layout = find_compound_layout(Pages("hpage_pinned_refcount", 16));
  ASSERT_TRUE(layout.pincount);
  EXPECT_EQ(layout.pincount->offset(), 2 * 64 + 16U);
}

TEST(CompoundLayout, CountsPinsInTheSecondPageUpTo60) {
  const auto layout = find_compound_layout(Pages("compound_pincount", 24));
  ASSERT_TRUE(layout.pincount);
  EXPECT_EQ(layout.pincount->offset(), 64 + 24U);
}

TEST(CompoundLayout, CountsPinsInTheFolioFrom61On) {
  Pages types("compound_pincount", 24);
  types.add("folio", 256, "_pincount", 88);
  const auto layout = find_compound_layout(types);
  ASSERT_TRUE(layout.pincount);
  EXPECT_EQ(layout.pincount->offset(), 88U);
}

TEST(CompoundLayout, BelievesNoCountFarBehindTheHead) {
  Pages types("flags", 0);
  types.add("folio", 4096, "_pincount", 2048);
  EXPECT_FALSE(find_compound_layout(types).pincount);
}

}  // namespace
}  // namespace memsect
