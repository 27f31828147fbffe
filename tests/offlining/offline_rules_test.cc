#include "offlining/offline_rules.h"

#include <gmock/gmock.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Loaded {
  MemoryModel model;
  OfflineRules rules;
};

Loaded load(const FakeKernel& fake, bool as_kdump = false) {
  auto kernel = fake.open(as_kdump);
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto model = load_model(*kernel, {.nodes = true});
  EXPECT_TRUE(model) << model.error().message;
  Loaded loaded{std::move(*model), {}};
  loaded.rules = load_offline_rules(*kernel, loaded.model);
  return loaded;
}

TEST(OfflineRules, FollowFromTheKernelsOwnTypesAndFunctions) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.put(fake.symbol("crashk_res"), "resource", "end", 0xfffffff);
  const OfflineRules rules = load(fake).rules;
  EXPECT_TRUE(rules.block_has_zone);
  EXPECT_FALSE(rules.early_memory_stays) << "this is no arm64";
  EXPECT_TRUE(rules.cut_mappings.empty());
  EXPECT_FALSE(rules.refuses_straddling_hugetlb);
  EXPECT_EQ(rules.keeps_below, 0U) << "this is no s390";
}

TEST(OfflineRules, KnowWhetherTheKernelLooksForHoles) {
  FakeKernel new_one("fake_6"), old_one("fake_4_3");
  for (FakeKernel* fake : {&new_one, &old_one}) fake->add_section({.nr = 1, .flags = 7});
  EXPECT_TRUE(load(new_one).rules.refuses_holes);
  EXPECT_FALSE(load(old_one).rules.refuses_holes);
}

/// Node 0 with 5000 pages in a zone, of which 700 are free and 100 of these kept back.
struct OneNode : FakeKernel {
  OneNode() : FakeKernel("fake_6") {
    add_section({.nr = 1});
    add_node(0, 0x8000, 0x8000);
    add_zone(0, 2, "Normal", 0x8000, 5000);
    put(symbol("node_states") + 3 * 8, 1);  // N_MEMORY
    put_free(700);
    put(zone(0, 2) + layout("zone").find("_watermark")->offset, 100);
  }
  void put_free(std::uint64_t pages) { put(zone(0, 2) + layout("zone").find("vm_stat")->offset, pages); }
};

TEST(MigrationRoom, IsWhatZonesHaveAboveTheirWatermark) {
  const OneNode fake;
  const OfflineRules rules = load(fake).rules;
  ASSERT_TRUE(rules.room) << rules.room.error().message;
  ASSERT_EQ(rules.room->size(), 1U);
  EXPECT_EQ(rules.room->at(NodeId{0}).for_movable, 600U);
  EXPECT_EQ(rules.room->at(NodeId{0}).for_others, 600U);
}

TEST(MigrationRoom, DoesNotBelieveANegativeNumberOfFreePages) {
  OneNode fake;
  fake.put_free(~std::uint64_t{6});
  EXPECT_EQ(load(fake).rules.room->at(NodeId{0}).for_movable, 0U);
}

TEST(MigrationRoom, ThatCannotBeReadIsSaid) {
  OneNode fake;
  fake.lose(VirtAddr(fake.zone(0, 2).raw() & ~std::uint64_t{0xfff}), 4096);
  const Loaded loaded = load(fake, true);
  EXPECT_TRUE(loaded.model.incomplete);
}

void put_pool(FakeKernel& fake, unsigned i, std::uint64_t order, std::uint64_t free, std::uint64_t reserved) {
  const VirtAddr at = fake.symbol("hstates") + i * fake.layout("hstate").size;
  fake.put(at, "hstate", "order", order);
  fake.put(at, "hstate", "free_huge_pages", free);
  fake.put(at, "hstate", "resv_huge_pages", reserved);
  fake.put(at + fake.layout("hstate").find("free_huge_pages_node")->offset + 4, free, 4);
}

TEST(HugePools, AreReadWithWhatIsReserved) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  put_pool(fake, 0, 9, 20, 15);
  put_pool(fake, 1, 18, 1, 0);
  fake.put(fake.symbol("hugetlb_max_hstate"), 2, 4);
  const OfflineRules rules = load(fake).rules;
  ASSERT_TRUE(rules.huge_pools) << rules.huge_pools.error().message;
  ASSERT_EQ(rules.huge_pools->size(), 2U);
  const HugePool& small = rules.huge_pools->front();
  EXPECT_EQ(small.order, 9U);
  EXPECT_EQ(small.available(), 5U);
  EXPECT_FALSE(small.gigantic);
  EXPECT_EQ(small.free_on.at(NodeId{1}), 20U);
  EXPECT_TRUE(rules.huge_pools->back().gigantic) << "beyond what the page allocator gives";
}

TEST(HugePools, ThatMakeNoSenseAreAnError) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  fake.put(fake.symbol("hugetlb_max_hstate"), 17, 4);
  EXPECT_EQ(load(fake).rules.huge_pools.error().code, Errc::corrupt);
  put_pool(fake, 0, 200, 1, 0);
  fake.put(fake.symbol("hugetlb_max_hstate"), 1, 4);
  EXPECT_EQ(load(fake).rules.huge_pools.error().code, Errc::corrupt);
}

/// Notifiers in the kernel image, one after the other.
void put_chain(FakeKernel& fake, const std::vector<VirtAddr>& functions) {
  const std::uint64_t size = fake.layout("notifier_block").size;
  const VirtAddr first = fake.symbol("scratch");
  fake.put(fake.symbol("memory_chain"), "blocking_notifier_head", "head", first.raw());
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const VirtAddr at = first + i * size;
    fake.put(at, "notifier_block", "notifier_call", functions[i].raw());
    fake.put(at, "notifier_block", "next", i + 1 == functions.size() ? 0 : (at + size).raw());
  }
}

TEST(Notifiers, AreToldByTheirFunctions) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  put_chain(fake, {fake.symbol("ksm_memory_callback"), fake.symbol("somebodys_callback"),
                   VirtAddr(0xffffffffc0123450)});
  const OfflineRules rules = load(fake).rules;
  ASSERT_TRUE(rules.notifiers) << rules.notifiers.error().message;
  std::vector<std::string> names;
  std::vector<NotifierRole> roles;
  for (const MemoryNotifier& notifier : *rules.notifiers) {
    names.push_back(notifier.name);
    roles.push_back(notifier.role);
  }
  EXPECT_THAT(names, ElementsAre("ksm_memory_callback", "somebodys_callback", "0xffffffffc0123450"));
  EXPECT_THAT(roles, ElementsAre(NotifierRole::passive, NotifierRole::unknown, NotifierRole::unknown));
}

TEST(Notifiers, ThatLoopAreAnErrorAndSaid) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1});
  put_chain(fake, {fake.symbol("ksm_memory_callback")});
  fake.put(fake.symbol("scratch"), "notifier_block", "next", fake.symbol("scratch").raw());
  const Loaded loaded = load(fake);
  EXPECT_EQ(loaded.rules.notifiers.error().code, Errc::corrupt);
  ASSERT_FALSE(loaded.model.notes.all().empty());
  EXPECT_THAT(loaded.model.notes.all().back().text, HasSubstr("memory_chain does not end"));
}

}  // namespace
}  // namespace memsect
