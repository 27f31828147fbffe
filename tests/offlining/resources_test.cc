#include "offlining/resources.h"

#include <gmock/gmock.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::HasSubstr;

constexpr std::uint64_t busy_ram = 0x81000200;

/// A tree in the image's scratch, entry by entry.
struct Tree : FakeKernel {
  Tree() : FakeKernel("fake_6") { add_section({.nr = 1}); }
  VirtAddr entry(unsigned i) const { return symbol("scratch") + i * 256; }
  void add(unsigned i, std::uint64_t start, std::uint64_t last, const std::string& name,
           std::uint64_t flags) {
    put(entry(i), "resource", "start", start);
    put(entry(i), "resource", "end", last);
    put(entry(i), "resource", "flags", flags);
    put(entry(i), "resource", "name", (entry(i) + 128).raw());
    put_text(entry(i) + 128, name);
  }
  void link(VirtAddr from, const char* member, unsigned to) {
    put(from, "resource", member, entry(to).raw());
  }
  Result<std::vector<Resource>> read(Notes& notes) const {
    auto kernel = open();
    EXPECT_TRUE(kernel) << kernel.error().message;
    return load_resources(*kernel, notes);
  }
};

TEST(Resources, AreReadAsAListWithDepths) {
  Tree tree;
  tree.add(0, 0x1000, 0x9fbff, "System RAM", busy_ram);
  tree.add(1, 0x100000, 0x8ffffff, "System RAM", busy_ram);
  tree.add(2, 0x200000, 0x2fffff, "Kernel code", busy_ram);
  tree.link(tree.symbol("iomem_resource"), "child", 0);
  tree.link(tree.entry(0), "sibling", 1);
  tree.link(tree.entry(1), "child", 2);
  Notes notes;
  const auto found = tree.read(notes);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[2].name, "Kernel code");
  EXPECT_EQ((*found)[2].depth, 1U);
  EXPECT_EQ(innermost_resource(*found, PhysAddr(0x200000))->name, "Kernel code");
  EXPECT_EQ(innermost_resource(*found, PhysAddr(0x300000))->name, "System RAM");
  EXPECT_EQ(innermost_resource(*found, PhysAddr(0xa0000)), nullptr);
  // Page 0 and what is behind 0x9f000 are no whole pages of it; nested entries count once.
  EXPECT_EQ(system_ram_in(*found, {PhysAddr(0), 0x100000}, 4096), 0x9e000U);
  EXPECT_EQ(system_ram_in(*found, {PhysAddr(0x100000), 0x400000}, 4096), 0x400000U);
}

TEST(Resources, ThatLoopAreAnError) {
  Tree tree;
  tree.add(0, 0x1000, 0x9fbff, "System RAM", busy_ram);
  tree.link(tree.symbol("iomem_resource"), "child", 0);
  tree.link(tree.entry(0), "sibling", 0);
  Notes notes;
  EXPECT_THAT(tree.read(notes).error().message, HasSubstr("does not end"));
  tree.link(tree.entry(0), "child", 0);
  EXPECT_THAT(tree.read(notes).error().message, HasSubstr("does not end"));
}

TEST(Resources, ThatLeadNowhereAreAnError) {
  Tree tree;
  tree.put(tree.symbol("iomem_resource"), "resource", "child", 0xffff123400000000);
  Notes notes;
  EXPECT_THAT(tree.read(notes).error().message, HasSubstr("cannot be read at 0xffff123400000000"));
}

}  // namespace
}  // namespace memsect
