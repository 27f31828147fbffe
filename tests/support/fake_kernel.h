// A small made-up x86-64 kernel: a dump and a vmlinux that belong together. The vmlinux is a fixture of
// testdata/types, fake_4_14, fake_6 or fake_7; whatever the dump holds is written through the struct layouts
// of that fixture.
//
//   FakeKernel fake("fake_6");
//   fake.add_section({.nr = 0, .node = 0, .usemap = {0x1111}});
//   auto model = fake.load({.usages = true});
//
// Where things lie (physical; all but image and memmap are reached through the direct map):
//
//   0x0500_0000   kernel image, moved there by phys_base and KASLR
//   0x0200_0000   page tables        0x0210_0000   root table       0x0220_0000   roots, one page each
//   0x0230_0000   usages             0x0240_0000   pgdats           0x0250_0000   memory blocks, xarray nodes
//   0x4000_0000   memmap: vmemmap, mapped by leaves of 2 MiB; only the struct pages that were set are in the dump
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "decode/load_model.h"
#include "kernel/kernel.h"
#include "support/dump_builder.h"
#include "support/fake_memory.h"

namespace memsect::test {

struct FakeSection {
  std::uint64_t nr = 0;
  std::uint64_t flags = 0xf;  ///< of section_mem_map: present 1, has_mem_map 2, online 4, early 8
  unsigned node = 0;
  unsigned zone = 2;                       ///< of the first page of each of its pageblocks
  std::uint64_t subsections = ~0ULL;       ///< subsection_map
  std::vector<std::uint64_t> usemap = {};  ///< words of pageblock_flags; missing ones are 0
  std::optional<VirtAddr> usage = {};      ///< somewhere else than behind the one before; 0 for none
};

struct FakeBlock {
  std::uint64_t id = 0;
  std::uint64_t state = 1;
  int node = 0;
  VirtAddr zone{};
  std::uint64_t altmap_pages = 0;
};

class FakeKernel {
 public:
  explicit FakeKernel(const std::string& fixture);

  static constexpr VirtAddr direct_map{0xffff888000000000};
  static constexpr VirtAddr vmemmap{0xffffea0000000000};
  static constexpr std::uint64_t phys_base = 0x1000000, kaslr_offset = 0x3000000;
  static constexpr std::uint64_t root_table = 0x2100000, roots = 0x2200000, usages = 0x2300000,
                                 pgdats = 0x2400000, blocks = 0x2500000, memmap = 0x40000000;

  // what memsect is given
  std::map<std::string, std::string> vmcoreinfo;
  FakeMemory memory;

  // places
  static VirtAddr at(std::uint64_t phys) { return direct_map + phys; }
  VirtAddr symbol(const std::string& name) const;  ///< at run time; must exist
  VirtAddr struct_page(Pfn pfn) const { return vmemmap + pfn.raw() * layout("page").size; }
  VirtAddr pgdat(unsigned node) const;
  VirtAddr zone(unsigned node, unsigned zone) const;
  StructLayout layout(const std::string& type) const;  ///< must exist
  static PhysAddr phys(VirtAddr at);

  // contents
  void put(VirtAddr at, std::uint64_t value, std::size_t size = 8) {
    memory.write_unsigned(phys(at), value, size);
  }
  void put(VirtAddr object, const std::string& type, const std::string& member, std::uint64_t value);
  void put_text(VirtAddr at, const std::string& text) { memory.write_text(phys(at), text); }
  void set_page(Pfn pfn, unsigned node, unsigned zone, std::uint64_t flags = 0);
  void mark(PhysRange range, unsigned node, std::uint64_t flags);  ///< the struct pages of what lies there
  void add_section(const FakeSection& section);
  void add_node(unsigned node, std::uint64_t start_pfn, std::uint64_t pages);
  void add_zone(unsigned node, unsigned zone, const std::string& name, std::uint64_t start_pfn,
                std::uint64_t pages);
  void add_block(const FakeBlock& block);  ///< ids below 64
  void set_pageblock_names(const std::vector<std::string>& names);
  /// Takes pages out of the dump: left out by the filter, or never in it.
  void lose(VirtAddr at, std::uint64_t size, Errc why = Errc::excluded) {
    memory.withhold({phys(at), size}, why);
  }

  // the files, and what memsect makes of them
  std::string vmcoreinfo_text() const;
  Buffer elf_core() const;  ///< pages that were lost are in no segment
  Buffer kdump() const;     ///< pages that were lost are in its bitmap as excluded
  const std::string& vmlinux() const { return vmlinux_; }
  Result<Kernel> open(bool as_kdump = false) const;
  Result<MemoryModel> load(const ModelParts& parts, bool as_kdump = false) const;

  std::uint64_t reserved_flag() const;  ///< PG_reserved
  std::uint64_t usage_size() const { return usage_header_ + 8 * usemap_words_; }
  const TypeSource& types() const { return *types_; }

 private:
  void map_memory();
  void introduce();
  std::uint64_t pages_per_section() const { return 1 << 15; }

  std::string vmlinux_;
  std::unique_ptr<const SymbolSource> symbols_;
  std::unique_ptr<const TypeSource> types_;
  std::uint64_t usage_header_ = 0, usemap_words_ = 0, next_usage_ = usages, highest_section_ = 0;
};

}  // namespace memsect::test
