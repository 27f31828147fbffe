// Writes the dump of a large machine that never was, for bench/run.py.
//
//   make_machine SECTIONS DUMP [NODES]      131072 sections of 128 MiB are 16 TiB; 8 nodes unless told
//
// Prints the vmlinux that goes with it: a fixture of testdata/types. The dump is an ELF core with holes: what is not
// written reads as zeros and takes no room on disk. Each node has the same share of sections, and holds what is its
// own, as after an ordinary boot:
//
//   node start + 0x1008_0000   pgdat
//              + 0x1010_0000   usages, back to back
//   node 0     + 0x1810_0000   section roots
//              + 0x1c00_0000   page tables: direct map with leaves of 1 GiB, vmemmap with leaves of 2 MiB
//              + 0x2000_0000   memory blocks of 16 sections (2 GiB, what x86 takes from 64 GiB on); xarray nodes
//   node start + 0x4000_0000   memmap, to the end of the segment
//
// The memmap is complete in the dump and nearly all zeros. Written are the struct pages that are looked at: the first
// of each section, and those of pages that hold pgdats, usages and roots (PG_reserved). Not written: those of the pages
// that hold the memmap itself, so that it shows as memory of the page allocator and not of boot. sizeof(struct page) is
// the fixture's, 48 and not 64 bytes. No sections come from hot-plug, and there are no CPUs' registers.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "support/fake_kernel.h"

namespace memsect::test {
namespace {

constexpr std::uint64_t section_bytes = std::uint64_t{128} << 20, pages_per_section = 1 << 15;
constexpr std::uint64_t sections_per_block = 16;
constexpr std::uint64_t pgdat_at = 0x10080000, usages_at = 0x10100000, roots_at = 0x18100000,
                        tables_at = 0x1c000000, blocks_at = 0x20000000, xarray_at = 0x30000000,
                        memmap_at = 0x40000000;
constexpr std::uint64_t present = 0x63, large = 0x80;  // of a page table entry
constexpr unsigned most_nodes = 16;                    // of the fixture
constexpr std::uint64_t most_sections = 1 << 18;       // one table of the top level maps the memmap of 32 TiB

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "make_machine: {}\n", why);
  std::exit(1);
}

/// The file being written.
class Core {
 public:
  explicit Core(const std::string& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) give_up(path + " cannot be written");
  }
  ~Core() { ::close(descriptor_); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void write(std::uint64_t at, Bytes bytes) const {
    if (::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(bytes.size())) {
      give_up("the dump cannot be written: is the disk full?");
    }
  }
  void set_size(std::uint64_t size) const {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0)
      give_up("the file system has no files this large");
  }

 private:
  int descriptor_;
};

class Machine {
 public:
  Machine(std::uint64_t sections, unsigned nodes)
      : fake_("fake_7"), sections_(sections), nodes_(nodes), page_size_(fake_.layout("page").size) {
    fake_.put(fake_.symbol("sections_per_block"), sections_per_block, 4);
    add_tables();
    add_sections();
    add_blocks();
    for (unsigned node = 0; node < nodes_; ++node) add_node(node);
  }
  void write(const std::string& path) const;
  const std::string& vmlinux() const { return fake_.vmlinux(); }

 private:
  std::uint64_t sections_per_node() const { return sections_ / nodes_; }
  std::uint64_t memmap_bytes() const { return sections_per_node() * pages_per_section * page_size_; }
  std::uint64_t node_start(unsigned node) const { return node * sections_per_node() * section_bytes; }
  unsigned node_of(std::uint64_t section) const {
    return static_cast<unsigned>(section / sections_per_node());
  }
  /// Where the struct page of `pfn` lies.
  std::uint64_t struct_page(std::uint64_t pfn) const {
    const unsigned node = node_of(pfn / pages_per_section);
    const std::uint64_t first = node_start(node) / 4096;
    return node_start(node) + memmap_at + (pfn - first) * page_size_;
  }
  std::uint64_t file_offset(std::uint64_t phys) const;

  void put(std::uint64_t phys, std::uint64_t value) { fake_.memory.write_u64(PhysAddr(phys), value); }
  void put(std::uint64_t phys, const char* type, const char* member, std::uint64_t value) {
    fake_.put(FakeKernel::at(phys), type, member, value);
  }
  void add_tables();
  void add_sections();
  void add_node(unsigned node);
  void add_blocks();
  void reserve(std::uint64_t phys, std::uint64_t bytes);
  std::uint64_t add_xarray_node(std::uint64_t first, std::uint64_t count, unsigned shift);

  FakeKernel fake_;
  std::uint64_t sections_;
  unsigned nodes_;
  std::uint64_t page_size_;
  std::uint64_t next_xarray_node_ = xarray_at;
};

void Machine::add_tables() {
  const PhysAddr top = FakeKernel::phys(fake_.symbol("init_top_pgt"));
  const auto entry = [top](VirtAddr at) { return top.raw() + (at.raw() >> 39 & 511) * 8; };
  std::uint64_t next = tables_at;
  const std::uint64_t gibibytes = sections_ * section_bytes >> 30;
  for (std::uint64_t i = 0; i < gibibytes; ++i) {
    if (i % 512 == 0) {
      put(entry(FakeKernel::direct_map + (i << 30)), next | present);
      next += 4096;
    }
    put(next - 4096 + i % 512 * 8, i << 30 | present | large);
  }
  const std::uint64_t upper = next;
  next += 4096;
  put(entry(FakeKernel::vmemmap), upper | present);
  const std::uint64_t leaves = nodes_ * memmap_bytes() >> 21, leaves_per_node = memmap_bytes() >> 21;
  for (std::uint64_t i = 0; i < leaves; ++i) {
    if (i % 512 == 0) {
      put(upper + i / 512 * 8, next | present);
      next += 4096;
    }
    const auto node = static_cast<unsigned>(i / leaves_per_node);
    const std::uint64_t leaf = node_start(node) + memmap_at + (i % leaves_per_node << 21);
    put(next - 4096 + i % 512 * 8, leaf | present | large);
  }
}

/// PG_reserved for the pages of boot memory, with node and ZONE_NORMAL.
void Machine::reserve(std::uint64_t phys, std::uint64_t bytes) {
  for (std::uint64_t pfn = phys / 4096; pfn * 4096 < phys + bytes; ++pfn) {
    const std::uint64_t node = node_of(pfn / pages_per_section);
    put(struct_page(pfn), fake_.reserved_flag() | node << 60 | std::uint64_t{2} << 57);
  }
}

void Machine::add_sections() {
  const StructLayout type = fake_.layout("mem_section");
  const std::uint64_t per_root = 4096 / type.size, usage_size = fake_.usage_size();
  const std::uint64_t header = fake_.layout("mem_section_usage").size;
  put(FakeKernel::phys(fake_.symbol("__highest_present_section_nr")).raw(), sections_ - 1);
  for (std::uint64_t nr = 0; nr < sections_; ++nr) {
    const std::uint64_t root = roots_at + nr / per_root * 4096;
    if (nr % per_root == 0) put(FakeKernel::root_table + nr / per_root * 8, FakeKernel::at(root).raw());
    const std::uint64_t entry = root + nr % per_root * type.size;
    const std::uint64_t usage = node_start(node_of(nr)) + usages_at + nr % sections_per_node() * usage_size;
    put(entry, "mem_section", "section_mem_map", FakeKernel::vmemmap.raw() | 0xf);
    put(entry, "mem_section", "usage", FakeKernel::at(usage).raw());
    put(usage, "mem_section_usage", "subsection_map", ~std::uint64_t{0});
    for (std::uint64_t at = header; at < usage_size; at += 8) put(usage + at, 0x0101010101010101);  // Movable
  }
  reserve(roots_at, (sections_ + per_root - 1) / per_root * 4096);
  reserve(FakeKernel::root_table, 8192);
  for (unsigned node = 0; node < nodes_; ++node)
    reserve(node_start(node) + usages_at, sections_per_node() * usage_size);
}

void Machine::add_node(unsigned node) {
  const std::uint64_t pgdat = node_start(node) + pgdat_at, pages = sections_per_node() * pages_per_section;
  const std::uint64_t bytes = fake_.layout("pglist_data").size;
  fake_.memory.add({PhysAddr(pgdat), bytes});
  fake_.put(fake_.symbol("node_data") + std::uint64_t{node} * 8, FakeKernel::at(pgdat).raw());
  put(pgdat, "pglist_data", "node_start_pfn", node_start(node) / 4096);
  put(pgdat, "pglist_data", "node_spanned_pages", pages);
  put(pgdat, "pglist_data", "node_present_pages", pages);
  const std::uint64_t zones = pgdat + fake_.layout("pglist_data").find("node_zones")->offset;
  const std::uint64_t normal = zones + 2 * fake_.layout("zone").size;
  put(normal, "zone", "zone_start_pfn", node_start(node) / 4096);
  for (const char* count : {"spanned_pages", "present_pages", "managed_pages"})
    put(normal, "zone", count, pages);
  reserve(pgdat, bytes);
}

/// An xarray node for `count` blocks from block `first` on; its children cover 1 << shift blocks each.
std::uint64_t Machine::add_xarray_node(std::uint64_t first, std::uint64_t count, unsigned shift) {
  const StructLayout type = fake_.layout("xa_node");
  const std::uint64_t at = next_xarray_node_;
  next_xarray_node_ += (type.size + 63) / 64 * 64;
  fake_.memory.add({PhysAddr(at), type.size});
  put(at, "xa_node", "shift", shift);
  const std::uint64_t slots = at + type.find("slots")->offset;
  for (std::uint64_t done = 0; done < count; done += std::uint64_t{1} << shift) {
    const std::uint64_t block = first + done;
    const std::uint64_t slot = slots + (done >> shift) * 8;
    if (shift == 0) {
      put(slot, FakeKernel::at(blocks_at + block * 1024).raw());
    } else {
      const std::uint64_t child =
          add_xarray_node(block, std::min(count - done, std::uint64_t{1} << shift), shift - 6);
      put(slot, FakeKernel::at(child).raw() + 2);
    }
  }
  return at;
}

void Machine::add_blocks() {
  const std::uint64_t blocks = sections_ / sections_per_block;
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const std::uint64_t at = blocks_at + block * 1024;
    fake_.memory.add({PhysAddr(at), 1024});
    put(at, "memory_block", "start_section_nr", block * sections_per_block);
    put(at, "memory_block", "nid", node_of(block * sections_per_block));
  }
  unsigned shift = 0;
  while (blocks > std::uint64_t{64} << shift) shift += 6;
  const std::uint64_t top = add_xarray_node(0, blocks, shift);
  fake_.put(fake_.symbol("memory_blocks"), "xarray", "xa_head", FakeKernel::at(top).raw() + 2);
}

/// Each node has one segment, from its start to the end of its memmap. Headers and note take the first 64 KiB.
std::uint64_t Machine::file_offset(std::uint64_t phys) const {
  const unsigned node = node_of(phys / section_bytes);
  return 0x10000 + node * (memmap_at + memmap_bytes()) + (phys - node_start(node));
}

void Machine::write(const std::string& path) const {
  const Core core(path);
  const std::uint64_t segment = memmap_at + memmap_bytes();
  ElfRecipe recipe;
  recipe.segments.push_back(note_segment(elf_note("VMCOREINFO", 0, fake_.vmcoreinfo_text())));
  for (unsigned node = 0; node < nodes_; ++node) {
    ElfSegment load = load_segment(node_start(node), {});
    load.offset = file_offset(node_start(node));
    load.file_size = load.memory_size = segment;
    recipe.segments.push_back(std::move(load));
  }
  core.write(0, build_elf_core(recipe));
  const auto ranges = fake_.memory.ranges();
  for (const PhysRange& range : *ranges) {
    for (std::uint64_t done = 0; done < range.size; done += 4096) {
      const auto page = fake_.memory.view(range.start + done, 4096);
      core.write(file_offset((range.start + done).raw()), page->bytes);
    }
  }
  for (std::uint64_t nr = 1; nr < sections_; ++nr) {  // past the map of pages: they are too many
    const std::uint64_t flags = std::uint64_t{node_of(nr)} << 60 | std::uint64_t{2} << 57;
    core.write(file_offset(struct_page(nr * pages_per_section)), std::as_bytes(std::span(&flags, 1)));
  }
  core.set_size(0x10000 + nodes_ * segment);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size())
    give_up(fmt::format("{} is no number", text));
  return value;
}

}  // namespace
}  // namespace memsect::test

int main(int argc, char** argv) {
  using memsect::test::give_up;
  if (argc != 3 && argc != 4) give_up("usage: make_machine SECTIONS DUMP [NODES]");
  const std::uint64_t sections = memsect::test::number(argv[1]);
  const std::uint64_t nodes = argc == 4 ? memsect::test::number(argv[3]) : 8;
  if (nodes == 0 || nodes > memsect::test::most_nodes) give_up("1 to 16 nodes");
  // so that each node has whole memory blocks, and room for what it holds
  if (sections % (nodes * 64) != 0 || sections / nodes < 256 || sections > memsect::test::most_sections)
    give_up("SECTIONS must be a multiple of 64 on each node, at least 256 on each, at most 262144");
  const memsect::test::Machine machine(sections, static_cast<unsigned>(nodes));
  machine.write(argv[2]);
  fmt::print("{}\n", machine.vmlinux());
  return 0;
}
