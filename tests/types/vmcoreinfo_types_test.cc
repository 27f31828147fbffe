#include "types/vmcoreinfo_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memsect {
namespace {

std::unique_ptr<TypeSource> types_of(const std::string& text) {
  auto info = Vmcoreinfo::parse(text);
  EXPECT_TRUE(info);
  return make_vmcoreinfo_types(info ? *info : Vmcoreinfo(), 8, ByteOrder::little);
}

TEST(VmcoreinfoTypes, HaveTheMembersThatItNames) {
  const auto types = types_of("SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page._refcount)=52\n");
  EXPECT_EQ(types->origin(), "vmcoreinfo");
  const auto page = types->find_struct("page");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->size, 64U);
  EXPECT_EQ(page->find("flags")->size, 8U);
  EXPECT_EQ(page->find("_refcount")->offset, 52U);
  EXPECT_EQ(page->find("_refcount")->size, 4U);
  EXPECT_FALSE(page->has("mapping"));
}

TEST(VmcoreinfoTypes, LeaveOutMembersBeyondTheirStruct) {
  const auto types =
      types_of("SIZE(page)=64\nOFFSET(page.flags)=60\nOFFSET(page.private)=18446744073709551615\n");
  const auto page = types->find_struct("page");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->members.empty());
}

TEST(VmcoreinfoTypes, KnowNothingElse) {
  const auto types = types_of("SIZE(page)=64\n");
  EXPECT_EQ(types->find_struct("zone").error().code, Errc::no_type);
  EXPECT_EQ(types->find_enumerator("", "PG_lru").error().code, Errc::no_type);
  EXPECT_EQ(types->parameter_count("build_all_zonelists").error().code, Errc::no_type);
  EXPECT_FALSE(types->has_enum("pageflags"));
}

}  // namespace
}  // namespace memsect
