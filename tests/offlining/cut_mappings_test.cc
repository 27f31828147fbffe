// Ends of memory that would cut a mapping. Asked of x86-64's page tables, whose leaves are told as arm64's are.
#include "offlining/cut_mappings.h"

#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;

constexpr std::uint64_t hot_added = 0x7, boot = 0xf;  // flags of section_mem_map

std::vector<MappingEdge> cut_of(const FakeKernel& fake) {
  auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto model = load_model(*kernel, {.blocks = true});
  EXPECT_TRUE(model) << model.error().message;
  return find_cut_mappings(*kernel, *model);
}

/// Struct pages are mapped by leaves of 2 MiB.
TEST(CutMappings, AreWhereABlockBeginsInsideALeaf) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1, .flags = hot_added});
  fake.add_block({.id = 1, .altmap_pages = 100});  // it hosts its own memmap
  const auto cut = cut_of(fake);
  const std::uint64_t leaf = 2 << 20, size = fake.layout("page").size;
  const auto expected = [&](PhysAddr at) {
    const VirtAddr page = FakeKernel::vmemmap + (at.raw() >> 12) * size;
    return page.raw() % leaf == 0 ? 0 : leaf;
  };
  const PhysAddr start((0x8000 + 100) << 12);
  ASSERT_EQ(expected(start), leaf);
  bool found = false;
  for (const MappingEdge& edge : cut) {
    EXPECT_EQ(edge.memmap, expected(edge.at)) << edge.at.raw();
    found = found || edge.at == start;
  }
  EXPECT_TRUE(found);
}

TEST(CutMappings, AreNotLookedForInMemoryFromBoot) {
  FakeKernel fake("fake_6");
  fake.add_section({.nr = 1, .flags = boot});
  EXPECT_TRUE(cut_of(fake).empty());
}

}  // namespace
}  // namespace memsect
