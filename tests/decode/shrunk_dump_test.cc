// A dump that is cut down while it is open, as by a copy that begins anew: what is left is decoded, the rest is absent,
// and never zeros.
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::Buffer;
using test::FakeKernel;
using test::TempFile;

const ModelParts parts{.usages = true,
                       .memmap = true,
                       .section_nodes = true,
                       .section_zones = true,
                       .nodes = true,
                       .zone_pageblocks = true,
                       .blocks = true,
                       .other_metadata = true};

/// Nothing in it is zero that a missing byte could be mistaken for.
FakeKernel four_sections() {
  FakeKernel fake("fake_6");
  for (std::uint64_t nr = 1; nr < 5; ++nr) {
    fake.add_section({.nr = nr, .node = 1, .usemap = {0x1111222211112222, 0x1111222211112222}});
    fake.add_block({.id = nr, .node = 1, .zone = fake.zone(1, 2)});
  }
  fake.add_node(1, 0x8000, 0x20000);
  fake.add_zone(1, 2, "Normal", 0x8000, 0x20000);
  fake.put(fake.symbol("node_states") + 8, 0b10);
  fake.put(fake.symbol("node_states") + 24, 0b10);
  return fake;
}

/// Whether anything of `section` is absent. Its contents are those of `sound`, or absent.
bool lacks_something(const Section& section, const Section& sound) {
  bool lacks = !section.usage || !section.pageblocks || !section.memmap || !section.node || !section.zones;
  EXPECT_EQ(section.section_mem_map, sound.section_mem_map);
  if (section.usage) {
    EXPECT_EQ(section.usage->address, sound.usage->address);
  }
  if (section.subsections) {
    EXPECT_EQ(section.subsections->words, sound.subsections->words);
  } else {
    lacks = true;
  }
  for (std::size_t i = 0; section.pageblocks && i < section.pageblocks->size(); ++i)
    EXPECT_EQ((*section.pageblocks)[i].migratetype, (*sound.pageblocks)[i].migratetype);
  if (section.memmap) {
    EXPECT_EQ(section.memmap->backing.size(), sound.memmap->backing.size());
  }
  if (section.node) {
    EXPECT_EQ(*section.node, *sound.node);
  }
  return lacks;
}

bool lacks_something(const Node& node, const Node& sound) {
  if (!node.numbers) return true;
  EXPECT_EQ(node.spanned_pages, sound.spanned_pages);
  EXPECT_EQ(node.zones.size(), sound.zones.size());
  bool lacks = !node.online || !node.has_memory;
  if (node.online) {
    EXPECT_EQ(*node.online, *sound.online);
  }
  if (node.has_memory) {
    EXPECT_EQ(*node.has_memory, *sound.has_memory);
  }
  for (std::size_t i = 0; i < std::min(node.zones.size(), sound.zones.size()); ++i) {
    const Zone& zone = node.zones[i];
    lacks = lacks || !zone.numbers || !zone.pageblocks;
    if (zone.numbers) {
      EXPECT_EQ(zone.spanned_pages, sound.zones[i].spanned_pages);
    }
    if (zone.pageblocks) {
      EXPECT_EQ(*zone.pageblocks, *sound.zones[i].pageblocks);
    }
  }
  return lacks;
}

bool lacks_something(const MemoryModel& model, const MemoryModel& sound) {
  bool lacks = model.incomplete || !model.blocks;
  for (const Section& section : model.sections) {
    const Section* const same = sound.find_section(section.nr);
    if (same == nullptr) {
      ADD_FAILURE() << "section " << section.nr.raw() << " was never there";
    } else if (lacks_something(section, *same)) {
      lacks = true;
    }
  }
  for (const Node& node : model.nodes) {
    EXPECT_EQ(node.id, sound.nodes.front().id);
    if (lacks_something(node, sound.nodes.front())) lacks = true;
  }
  if (model.blocks) {
    for (const MemoryBlock& block : *model.blocks) EXPECT_LT(block.id, 5U);
  }
  const bool fewer = model.sections.size() < sound.sections.size() ||
                     model.nodes.size() < sound.nodes.size() ||
                     (model.blocks && model.blocks->size() < sound.blocks->size());
  EXPECT_TRUE(lacks || !fewer) << "something is missing, and nothing says so";
  return lacks;
}

class ShrunkDump : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Forms, ShrunkDump, ::testing::Bool(),
                         [](const auto& form) { return form.param ? "kdump" : "elf"; });

TEST_P(ShrunkDump, YieldsWhatWasThereOrAReason) {
  const FakeKernel fake = four_sections();
  const auto sound = fake.load(parts, GetParam());
  ASSERT_TRUE(sound) << sound.error().message;
  ASSERT_FALSE(lacks_something(*sound, *sound));
  const Buffer file = GetParam() ? fake.kdump() : fake.elf_core();
  constexpr std::size_t cuts = 24;
  unsigned failed = 0, partial = 0;
  for (std::size_t cut = 0; cut < cuts; ++cut) {
    const TempFile dump(file);
    InputRequest request;
    request.files = {dump.path(), fake.vmlinux()};
    const auto kernel = Kernel::open(request);
    ASSERT_TRUE(kernel) << kernel.error().message;
    ASSERT_EQ(::truncate(dump.path().c_str(), static_cast<off_t>(file.size() * cut / cuts)), 0);
    const auto model = load_model(*kernel, parts);
    if (!model) {
      ++failed;
      EXPECT_FALSE(model.error().message.empty());
    } else {
      partial += lacks_something(*model, *sound) ? 1 : 0;
    }
  }
  EXPECT_GT(failed, 0U);
  EXPECT_GT(partial, cuts / 2);
}

}  // namespace
}  // namespace memsect
