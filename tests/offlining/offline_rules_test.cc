#include "offlining/offline_rules.h"

#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;

OfflineRules rules_of(const FakeKernel& fake) {
  auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  MemoryModel model;
  return load_offline_rules(*kernel, model);
}

TEST(OfflineRules, FollowFromTheKernelsOwnTypesAndFunctions) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.put(fake.symbol("vm_zone_stat"), 12345);
  fake.put(fake.symbol("crashk_res"), "resource", "end", 0xfffffff);
  const OfflineRules rules = rules_of(fake);
  EXPECT_TRUE(rules.block_has_zone);
  EXPECT_FALSE(rules.early_memory_stays) << "this is no arm64";
  EXPECT_FALSE(rules.refuses_straddling_hugetlb);
  EXPECT_EQ(rules.keeps_below, 0U) << "this is no s390";
  EXPECT_EQ(rules.free_pages, 12345U);
}

TEST(OfflineRules, DoNotBelieveANegativeNumberOfFreePages) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.put(fake.symbol("vm_zone_stat"), ~std::uint64_t{6});
  EXPECT_FALSE(rules_of(fake).free_pages);
}

}  // namespace
}  // namespace memsect
