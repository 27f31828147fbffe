#include "extract/plan_extract.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "memory/recording_memory.h"
#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;

ExtractPlan plan(const FakeKernel& fake) {
  const test::TempFile core = test::write_temp_file(fake.kdump());
  InputRequest request;
  request.files = {core.path(), fake.vmlinux()};
  auto inputs = open_input_files(request);
  EXPECT_TRUE(inputs) << inputs.error().message;
  AccessRecord record;
  auto kernel = Kernel::open(*inputs, request, &record);
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto plan = plan_extract(*kernel, record, {});
  EXPECT_TRUE(plan) << plan.error().message;
  return std::move(*plan);
}

PageRun::State state_of(const ExtractPlan& plan, VirtAddr at) {
  const Pfn pfn(FakeKernel::phys(at).raw() / 4096);
  const auto run = std::find_if(plan.pages.begin(), plan.pages.end(),
                                [&](const PageRun& r) { return r.first <= pfn && pfn < r.first + r.count; });
  EXPECT_NE(run, plan.pages.end());
  return run->state;
}

FakeKernel kernel_with_block() {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 0});
  fake.add_node(0, 0, 0x8000);
  fake.add_block({.id = 0});
  // Boot memory: all there is but the memory block.
  fake.mark({PhysAddr(0x2000000), FakeKernel::blocks - 0x2000000}, 0, fake.reserved_flag());
  fake.mark({PhysAddr(0x25ff000), 0x1000}, 0, fake.reserved_flag());
  fake.mark({FakeKernel::phys(fake.symbol("_stext")), 0x400000}, 0, fake.reserved_flag());
  return fake;
}

TEST(ExtractPlan, TakesTheBytesOfAnObjectAndNotItsPage) {
  const FakeKernel fake = kernel_with_block();
  const ExtractPlan made = plan(fake);
  const PhysAddr usage(FakeKernel::usages);
  EXPECT_TRUE(made.wanted.contains(usage));
  EXPECT_TRUE(made.wanted.contains(usage + (fake.usage_size() - 1)));
  EXPECT_FALSE(made.wanted.contains(usage + fake.usage_size()));
  EXPECT_EQ(state_of(made, FakeKernel::at(FakeKernel::usages)), PageRun::State::stored);
  EXPECT_EQ(state_of(made, FakeKernel::at(0x123000)), PageRun::State::filtered);
}

TEST(ExtractPlan, LeavesOutPagesThatAreFreePageCacheOrAnonymous) {
  // The memory block's pages: slab or boot memory in a sound kernel.
  const VirtAddr block = FakeKernel::at(FakeKernel::blocks);
  const Pfn pfn(FakeKernel::blocks / 4096);
  struct Case {
    const char* what;
    std::uint64_t flags, refcount, mapping;
    bool refused;
    std::uint32_t mapcount_word = 0xffffffff;
  };
  constexpr std::uint64_t lru = 1 << 5;  // PG_lru of the fixture
  for (const Case& page :
       {Case{"kernel data", 0, 1, 0, false}, Case{"free", 0, 0, 0, true},
        Case{"page cache", 0, 2, 0xffff888001234568, true}, Case{"anonymous", 0, 1, 0xffff888001234569, true},
        Case{"on an LRU list", lru, 1, 0, true}, Case{"mapped", 0, 1, 0, true, 0}}) {
    FakeKernel fake = kernel_with_block();
    for (std::uint64_t i = 0; i < 0x40; ++i) {
      fake.set_page(pfn + i, 0, 2, page.flags);
      fake.put(fake.struct_page(pfn + i), "page", "_refcount", page.refcount);
      fake.put(fake.struct_page(pfn + i), "page", "mapping", page.mapping);
      fake.put(fake.struct_page(pfn + i), "page", "_mapcount", page.mapcount_word);
    }
    const ExtractPlan made = plan(fake);
    EXPECT_EQ(state_of(made, block), page.refused ? PageRun::State::filtered : PageRun::State::stored)
        << page.what;
    EXPECT_NE(made.wanted.contains(FakeKernel::phys(block)), page.refused) << page.what;
  }
}

TEST(ExtractPlan, KeepsWhatTheDumpHasLostApart) {
  FakeKernel fake = kernel_with_block();
  fake.lose(FakeKernel::at(FakeKernel::usages), 0x1000);
  const ExtractPlan made = plan(fake);
  EXPECT_EQ(state_of(made, FakeKernel::at(FakeKernel::usages)), PageRun::State::filtered);
  EXPECT_EQ(state_of(made, FakeKernel::at(FakeKernel::roots)), PageRun::State::stored);
}

}  // namespace
}  // namespace memsect
