#include "model/geometry.h"

#include <gtest/gtest.h>

#include <array>

namespace memsect {
namespace {

std::vector<std::uint64_t> sections_of(const MemoryGeometry& geometry,
                                       std::initializer_list<PhysRange> ranges) {
  std::vector<std::uint64_t> numbers;
  for (const SectionNr nr : geometry.sections_of(std::vector<PhysRange>(ranges))) numbers.push_back(nr.raw());
  return numbers;
}

TEST(MemoryGeometry, TurnsAddressesIntoSectionsAndBack) {
  const MemoryGeometry x86;  // 4K pages, 128 MiB sections
  EXPECT_EQ(x86.pages_per_section(), 32768U);
  EXPECT_EQ(x86.nr_mem_sections(), 524288U);
  EXPECT_EQ(x86.phys_to_section_nr(PhysAddr(0x7ffffff)), SectionNr(0));
  EXPECT_EQ(x86.phys_to_section_nr(PhysAddr(0x8000000)), SectionNr(1));
  EXPECT_EQ(x86.pfn_to_section_nr(Pfn(0x7fff)), SectionNr(0));
  EXPECT_EQ(x86.section_nr_to_pfn(SectionNr(3)), Pfn(0x18000));
  EXPECT_EQ(x86.section_range(SectionNr(2)), (PhysRange{PhysAddr(0x10000000), 0x8000000}));
  EXPECT_EQ(x86.phys_to_pfn(PhysAddr(0x12345678)), Pfn(0x12345));
  EXPECT_EQ(x86.pfn_to_phys(Pfn(0x12345)), PhysAddr(0x12345000));
}

TEST(MemoryGeometry, CountsSubsectionsOnlyWhereThereIsAMap) {
  MemoryGeometry geometry;
  EXPECT_EQ(geometry.subsections_per_section(), 0U);
  geometry.has_subsection_map = true;
  EXPECT_EQ(geometry.subsections_per_section(), 64U);
  geometry.page_shift = 16;  // arm64, 64K pages
  geometry.section_size_bits = 29;
  EXPECT_EQ(geometry.subsections_per_section(), 256U);
  EXPECT_EQ(geometry.pages_per_subsection(), 32U);
}

TEST(MemoryGeometry, NamesEverySectionThatAnObjectTouchesOnce) {
  const MemoryGeometry geometry;
  EXPECT_EQ(sections_of(geometry, {{PhysAddr(0x7ffffff), 1}}), (std::vector<std::uint64_t>{0}));
  EXPECT_EQ(sections_of(geometry, {{PhysAddr(0x7ffffff), 2}}), (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(
      sections_of(geometry,
                  {{PhysAddr(0x28000000), 0x8000000}, {PhysAddr(0x0), 0x10000000}, {PhysAddr(0x100), 8}}),
      (std::vector<std::uint64_t>{0, 1, 5}));
  EXPECT_EQ(sections_of(geometry, {{PhysAddr(0x8000000), 0}}), (std::vector<std::uint64_t>{}));
}

}  // namespace
}  // namespace memsect
