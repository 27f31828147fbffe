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
  bool expect_short = false;
  Result<std::vector<Resource>> read(Notes& notes) const {
    auto kernel = open();
    EXPECT_TRUE(kernel) << kernel.error().message;
    auto tree = load_resources(*kernel, notes);
    if (!tree) return std::move(tree).error();
    EXPECT_EQ(tree->incomplete.has_value(), expect_short);
    return std::move(tree->list);
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

TEST(Resources, BehindOneThatIsLostAreFoundFromTheKernelsOwn) {
  Tree tree;
  tree.add(0, 0x1000, 0x9fbff, "System RAM", busy_ram);
  tree.add(1, 0x100000, 0x1fffff, "System RAM", busy_ram);
  tree.add(2, 0x200000, 0x8ffffff, "System RAM", busy_ram);
  tree.link(tree.symbol("iomem_resource"), "child", 0);
  tree.put(tree.entry(0), "resource", "sibling", 0xffff123400000000);  // in place of entry 1
  tree.link(tree.entry(1), "sibling", 2);
  const VirtAddr crash = tree.symbol("crashk_res");
  tree.put(crash, "resource", "start", 0x300000);
  tree.put(crash, "resource", "end", 0x3fffff);
  tree.link(crash, "parent", 2);
  tree.put(tree.entry(2), "resource", "parent", tree.symbol("iomem_resource").raw());
  tree.put(tree.entry(2), "resource", "child", crash.raw());
  tree.expect_short = true;
  Notes notes;
  const auto found = tree.read(notes);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].start, PhysAddr(0x1000));
  EXPECT_EQ((*found)[1].start, PhysAddr(0x200000));
  EXPECT_EQ((*found)[2].start, PhysAddr(0x300000));
  EXPECT_EQ((*found)[2].depth, 1U);
  ASSERT_EQ(notes.all().size(), 1U);
  EXPECT_THAT(notes.all().front().text, HasSubstr("cannot be read at 0xffff123400000000"));
}

TEST(Resources, ThatLeadNowhereAreAnError) {
  Tree tree;
  tree.put(tree.symbol("iomem_resource"), "resource", "child", 0xffff123400000000);
  Notes notes;
  EXPECT_THAT(tree.read(notes).error().message, HasSubstr("cannot be read at 0xffff123400000000"));
}

}  // namespace
}  // namespace memsect
