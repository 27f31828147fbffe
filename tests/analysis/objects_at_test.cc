#include "analysis/objects_at.h"

#include <gmock/gmock.h>

#include "analysis/object_index.h"
#include "support/model_text.h"

namespace memsect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

MemoryModel model_of(std::string_view text) {
  auto model = parse_model(text);
  EXPECT_TRUE(model) << model.error().message;
  return model ? std::move(*model) : MemoryModel();
}

std::vector<std::string> kinds_at(const MemoryModel& model, std::uint64_t phys, std::uint64_t size = 1) {
  std::vector<std::string> kinds;
  for (const ObjectAt& object : objects_at(model, {PhysAddr(phys), size})) {
    std::string text(object.kind);
    for (const SectionNr nr : object.of_sections) text += " " + std::to_string(nr.raw());
    for (const NodeId id : object.of_nodes) text += " n" + std::to_string(raw(id));
    kinds.push_back(std::move(text));
  }
  return kinds;
}

TEST(ObjectsAt, FindsTheObjectOfAByteAndThoseOfAPage) {
  const MemoryModel model = model_of(
      "geometry section=128M usage=56\n"
      "section 0 usage@0x1000 memmap@0x4000000+2M\n"
      "section 1 usage@0x1038 memmap@0x4200000+2M\n");
  EXPECT_THAT(kinds_at(model, 0x1000), ElementsAre("usage 0"));
  EXPECT_THAT(kinds_at(model, 0x1037), ElementsAre("usage 0"));
  EXPECT_THAT(kinds_at(model, 0x1038), ElementsAre("usage 1"));
  EXPECT_THAT(kinds_at(model, 0x1070), IsEmpty());
  EXPECT_THAT(kinds_at(model, 0xfff), IsEmpty());
  EXPECT_THAT(kinds_at(model, 0x1000, 4096), ElementsAre("usage 0", "usage 1"));
  EXPECT_THAT(kinds_at(model, 0x41fffff), ElementsAre("memmap 0"));
  EXPECT_THAT(kinds_at(model, 0x4200000), ElementsAre("memmap 1"));
}

TEST(ObjectsAt, NamesEachSectionOfADeviceMapOnce) {
  MemoryModel model = model_of("geometry section=128M\nsection 3\nsection 4\nsection 5\nsection 9\n");
  const std::uint64_t section = std::uint64_t{128} << 20, mib = std::uint64_t{1} << 20;
  DeviceMap map;
  map.placement = {VirtAddr(0xffff888000001000), 64, {{PhysAddr(0x1000), 64}}, Allocation::unknown};
  for (const std::uint64_t at : {9 * section, 4 * section - mib, 3 * section, 3 * section + 2 * mib})
    map.ranges.push_back({PhysAddr(at), 2 * mib});
  model.device_maps = std::vector{map};
  EXPECT_THAT(kinds_at(model, 0x1010), ElementsAre("dev_pagemap 3 4 9"));
}

TEST(ObjectsAt, MakesOneObjectOfAPageThatSeveralMemmapsShare) {
  const MemoryModel model = model_of(
      "section 0 memmap@0x4000000+1M,0x8000000+1M\n"
      "section 1 memmap@0x5000000+1M,0x8000000+1M\n");
  EXPECT_THAT(kinds_at(model, 0x8000000), ElementsAre("memmap 0 1"));
}

TEST(ObjectsAt, KnowsNodesRootsAndTheirTable) {
  const MemoryModel model = model_of(
      "root_table @0x2000\n"
      "root 0 @0x20000\n"
      "section 3\n"
      "node 2 pgdat@0x100000\n");
  EXPECT_THAT(kinds_at(model, 0x2000), ElementsAre("section_root_table 3"));
  EXPECT_THAT(kinds_at(model, 0x20000), ElementsAre("section_root 3"));
  EXPECT_THAT(kinds_at(model, 0x100000), ElementsAre("pgdat n2"));
}

TEST(ObjectsAt, KnowsMemoryBlocks) {
  MemoryModel model = model_of("section 4\nsection 5\n");
  model.geometry.sections_per_block = 2;
  MemoryBlock block;
  block.id = 2;
  block.start_section = SectionNr(4);
  block.placement =
      Placement{VirtAddr(0xffff888000100000), 800, {{PhysAddr(0x100000), 800}}, Allocation::slab};
  model.blocks = std::vector<MemoryBlock>{block};
  EXPECT_THAT(kinds_at(model, 0x100010), ElementsAre("memory_block 4 5"));
  EXPECT_THAT(kinds_at(model, 0x100320), IsEmpty());
}

TEST(ObjectsAt, KnowsWhatElseTheKernelKeepsForSections) {
  const MemoryModel model = model_of(
      "section 0-1 page_ext@self shadow@section:2\n"
      "section 8 device\n"
      "memory_block 1 @0x18000000\n"
      "table vmemmap:2 0-1 @0x18001000+4K\n"
      "table direct_map:1 0-8 @0x18001000+8K kept\n"
      "device 8 @0x18000800\n");
  EXPECT_THAT(kinds_at(model, 0x8000000), ElementsAre("page_ext 1"));
  EXPECT_THAT(kinds_at(model, 0x11000000), ElementsAre("kasan_shadow 1"));
  EXPECT_THAT(kinds_at(model, 0x18000000, 4096), ElementsAre("memory_block 1", "dev_pagemap 8"));
  EXPECT_THAT(kinds_at(model, 0x18001000), ElementsAre("vmemmap_table 0 1", "direct_map_table 0 1 8"));
  EXPECT_THAT(kinds_at(model, 0x18002fff), ElementsAre("direct_map_table 0 1 8"));
}

TEST(ObjectIndex, KnowsThatTheShadowOfBootMemoryStays) {
  const MemoryModel model = model_of("section 0 early shadow@section:2\nsection 1 shadow@section:2\n");
  std::vector<bool> permanent;
  const ObjectIndex index(model);
  for (const ObjectIndex::Entry* entry : index.in(model.geometry.section_range(SectionNr(2))))
    permanent.push_back(entry->object.permanent);
  EXPECT_THAT(permanent, ElementsAre(true, false));
}

}  // namespace
}  // namespace memsect
